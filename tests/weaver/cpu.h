/* cpu.h: runs code from a whole machine state, and stops at every signal that it raises.
 *
 *   struct cpu_state --cpu_run--> [kernel: sigreturn] --> code under test --signal--> on_stop(state, signal) --> goes on, or ends
 *
 * Model:   the state is the whole of what the kernel restores: general registers, flags, x87, SSE, AVX and AVX-512.  It is
 *          read and written in the signal's frame, so that no assembly stands between the test and the CPU.
 * Ends:    when on_stop() says so, or the time is up.
 * Context: one thread; on_stop() runs in a signal handler on a stack of its own.
 */
#ifndef LOCKHOUND_TESTS_CPU_H
#define LOCKHOUND_TESTS_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPU_RAX, CPU_RCX, CPU_RDX, CPU_RBX, CPU_RSP, CPU_RBP, CPU_RSI, CPU_RDI, CPU_REGISTERS = 16 };
enum { CPU_VECTORS_SIZE = 4096, CPU_ARITHMETIC_FLAGS = 0x8d5, CPU_FLAGS_COMPARED = 0xcd5, CPU_FLAGS_FIXED = 0x202 };

struct cpu_state {
    uint64_t gpr[CPU_REGISTERS];
    uint64_t pc, flags;
    uint8_t vectors[CPU_VECTORS_SIZE]; /* XSAVE's format; what is no register, or tells the place of an x87 one, is 0 */
};

struct cpu_stop {
    int signal;
    uint64_t address; /* si_addr of a fault */
};

/* Returns: whether to go on from `state`, which it may have changed; `vectors` is written only when it says so. */
typedef bool cpu_on_stop(void *ctx, struct cpu_state *state, const struct cpu_stop *stop);

enum cpu_end { CPU_ENDED, CPU_TIME_UP };

/* Returns: false when the machine does not let it. */
bool cpu_begin(void);
/* Fills `vectors` with bytes of `next`; no exception of arithmetic traps. */
void cpu_random_vectors(struct cpu_state *state, uint64_t (*next)(void));
enum cpu_end cpu_run(const struct cpu_state *state, unsigned limit_ms, cpu_on_stop *on_stop, void *ctx);

#endif

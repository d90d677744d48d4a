/* vectors.h: keeps the program's vector and floating-point registers, and errno, while the library does what may change them.
 *
 *   miss --> [general registers alone: checks, tags, history, clocks] --ret-->
 *                    \--unwinding, a finding--> vectors_apart(): saved --> work() --> restored
 *
 * A check stands where no call was, so that every register may be live.  What runs at a miss is compiled without vector
 * registers (WITHOUT_VECTORS in preload/ and detector/); saving them takes longer than the rest of a miss together.
 * Test:      tests/programs/weave/vectors.c, and check_vectors.py, which reads what was compiled.
 * Source:    Intel SDM volume 1, 13 (XSAVE); AMX tiles are left out: nothing here touches them.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_VECTORS_H
#define LOCKHOUND_PRELOAD_WEAVE_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

enum { VECTORS_AREA = 4096 };

/* A thread's.  Zeroed before the first use. */
struct vectors {
    _Alignas(64) uint8_t area[VECTORS_AREA];
    bool
        are_kept; /* in `area`: what runs may use them.  Whoever begins a miss clears it: a signal handler may have left
                    * work() by longjmp */
};

/* Learns what the CPU has.  Context: signal. */
void vectors_init(void);

/* Calls work(arg) with the registers and errno kept, unless they are already.  Context: signal. */
void vectors_apart(struct vectors *vectors, void (*work)(void *arg), void *arg);

#endif

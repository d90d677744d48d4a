/* cpu.c: runs code from a whole machine state. */
#include "cpu.h"

#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

enum {
    ALTERNATE_STACK = 1 << 20,
    LEGACY_SIZE = 512,
    OFFSET_LAST_X87 = 6, /* opcode, instruction and operand pointers */
    SIZE_LAST_X87 = 18,
    OFFSET_MXCSR = 24,
    OFFSET_MXCSR_MASK = 28,
    OFFSET_X87 = 32,
    OFFSET_SOFTWARE = 464, /* struct _fpx_sw_bytes */
    OFFSET_RESERVED = 416, /* behind XMM15 */
    OFFSET_HEADER = 512,
    LEAF_STATE = 0xd,
    MXCSR_ALL_MASKED = 0x1f80,
    X87_ALL_MASKED = 0x37f
};
#define SOFTWARE_MAGIC    UINT32_C(0x46505853)
#define LEGACY_COMPONENTS UINT64_C(3)

static const int gregs[CPU_REGISTERS] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                         REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static const struct cpu_state *begin_with; /* set: the next trap begins a run */
static cpu_on_stop *on_stop;
static void *on_stop_ctx;
static enum cpu_end end;
static size_t vectors_size; /* of a signal's frame */
static struct cpu_state present;
static gregset_t host_registers;
static uint8_t host_vectors[CPU_VECTORS_SIZE];

/* What woven code must keep, beside x87 and SSE: AVX, opmask, the two parts of AVX-512. */
static struct component {
    unsigned number, offset, size;
} components[] = {{2, 0, 0}, {5, 0, 0}, {6, 0, 0}, {7, 0, 0}};
enum { COMPONENTS = sizeof components / sizeof components[0] };

/* A component that is not enabled has no size. */
static void find_components(uint64_t enabled)
{
    for (size_t i = 0; i < COMPONENTS; i++) {
        unsigned size, offset, c, d;
        if ((enabled >> components[i].number & 1) &&
            __get_cpuid_count(LEAF_STATE, components[i].number, &size, &offset, &c, &d))
            components[i] = (struct component){components[i].number, offset, size};
    }
}

static uint8_t *frame_vectors(ucontext_t *context)
{
    return (uint8_t *)context->uc_mcontext.fpregs;
}

static uint64_t enabled_components(const uint8_t *vectors)
{
    uint32_t magic;
    uint64_t enabled;
    memcpy(&magic, vectors + OFFSET_SOFTWARE, sizeof magic);
    memcpy(&enabled, vectors + OFFSET_SOFTWARE + 8, sizeof enabled); /* xfeatures */
    return magic == SOFTWARE_MAGIC ? enabled : 0;
}

static size_t frame_vectors_size(const uint8_t *vectors)
{
    uint32_t size;
    memcpy(&size, vectors + OFFSET_SOFTWARE + 16, sizeof size); /* xstate_size */
    return enabled_components(vectors) == 0 ? LEGACY_SIZE : size > CPU_VECTORS_SIZE ? CPU_VECTORS_SIZE : size;
}

static void read_state(ucontext_t *context)
{
    const uint8_t *from = frame_vectors(context);
    for (size_t i = 0; i < CPU_REGISTERS; i++)
        present.gpr[i] = (uint64_t)context->uc_mcontext.gregs[gregs[i]];
    present.pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
    present.flags = (uint64_t)context->uc_mcontext.gregs[REG_EFL];
    memcpy(present.vectors, from, OFFSET_RESERVED);
    memset(present.vectors + OFFSET_LAST_X87, 0, SIZE_LAST_X87);
    for (size_t i = 0; i < COMPONENTS; i++)
        memcpy(present.vectors + components[i].offset, from + components[i].offset, components[i].size);
}

static void write_registers(ucontext_t *context, const struct cpu_state *state)
{
    for (size_t i = 0; i < CPU_REGISTERS; i++)
        context->uc_mcontext.gregs[gregs[i]] = (greg_t)state->gpr[i];
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)state->pc;
    context->uc_mcontext.gregs[REG_EFL] = (greg_t)state->flags;
}

/* The kernel's own words stay as they are. */
static void write_vectors(ucontext_t *context, const struct cpu_state *state)
{
    uint8_t *to = frame_vectors(context);
    uint32_t mask;
    uint64_t used;
    memcpy(&mask, to + OFFSET_MXCSR_MASK, sizeof mask);
    memcpy(to, state->vectors, OFFSET_RESERVED);
    memcpy(to + OFFSET_MXCSR_MASK, &mask, sizeof mask);
    if (enabled_components(to) == 0)
        return;
    memcpy(&used, to + OFFSET_HEADER, sizeof used);
    used |= LEGACY_COMPONENTS;
    for (size_t i = 0; i < COMPONENTS; i++) {
        if (components[i].size)
            used |= UINT64_C(1) << components[i].number;
        memcpy(to + components[i].offset, state->vectors + components[i].offset, components[i].size);
    }
    memcpy(to + OFFSET_HEADER, &used, sizeof used);
}

static void save_host(ucontext_t *context)
{
    if (vectors_size == 0) {
        vectors_size = frame_vectors_size(frame_vectors(context));
        find_components(enabled_components(frame_vectors(context)));
    }
    memcpy(host_registers, context->uc_mcontext.gregs, sizeof host_registers);
    memcpy(host_vectors, frame_vectors(context), vectors_size);
}

static void restore_host(ucontext_t *context)
{
    memcpy(context->uc_mcontext.gregs, host_registers, sizeof host_registers);
    memcpy(frame_vectors(context), host_vectors, vectors_size);
}

static void on_signal(int number, siginfo_t *info, void *memory)
{
    ucontext_t *context = memory;
    if (begin_with) {
        if (number != SIGTRAP)
            return; /* the time is up before it has begun: the next tick counts */
        save_host(context);
        write_registers(context, begin_with);
        write_vectors(context, begin_with);
        begin_with = NULL;
        return;
    }
    struct cpu_stop stop = {number, (uint64_t)(uintptr_t)info->si_addr};
    read_state(context);
    if (number == SIGALRM) {
        if (!on_stop)
            return; /* it came late, into the test itself */
        end = CPU_TIME_UP;
    } else if (on_stop(on_stop_ctx, &present, &stop)) {
        write_registers(context, &present);
        return;
    }
    restore_host(context);
}

bool cpu_begin(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    void *memory = mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = memory, .ss_size = ALTERNATE_STACK};
    if (memory == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
        return false;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO};
        sigfillset(&action.sa_mask);
        if (sigaction(signals[i], &action, NULL) != 0)
            return false;
    }
    return true;
}

void cpu_random_vectors(struct cpu_state *state, uint64_t (*next)(void))
{
    const uint16_t control = X87_ALL_MASKED;
    const uint32_t mxcsr = MXCSR_ALL_MASKED;
    for (size_t i = 0; i < CPU_VECTORS_SIZE; i += 8) {
        uint64_t word = next();
        memcpy(state->vectors + i, &word, sizeof word);
    }
    memset(state->vectors, 0, OFFSET_X87);
    memcpy(state->vectors, &control, sizeof control);
    memcpy(state->vectors + OFFSET_MXCSR, &mxcsr, sizeof mxcsr);
    for (size_t i = 0; i < 8; i++) /* of each x87 register ten bytes of sixteen count */
        memset(state->vectors + OFFSET_X87 + 16 * i + 10, 0, 6);
}

static void set_timer(unsigned ms)
{
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    struct itimerval timer = {.it_value = limit, .it_interval = limit};
    setitimer(ITIMER_REAL, &timer, NULL);
}

enum cpu_end cpu_run(const struct cpu_state *state, unsigned limit_ms, cpu_on_stop *stop, void *ctx)
{
    on_stop_ctx = ctx;
    end = CPU_ENDED;
    on_stop = stop;
    begin_with = state;
    set_timer(limit_ms);
    __asm__ volatile("int3" ::: "memory");
    set_timer(0);
    on_stop = NULL;
    return end;
}

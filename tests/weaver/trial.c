/* trial.c: one stretch of a real function, run as it is and as its clone. */
#include "trial.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "weaver/elf_private.h"

enum {
    STOPS_MOST = 48,
    RED_ZONE = 128,
    LIMIT_MS = 20,
    LIMIT_CLONE_MS = 2000,
    RETRIES_MOST = 2,
    FLAG_DIRECTION = 0x400,
    STACK_MARGIN = 1024,
    PAGE_SIZE = 4096
};
enum { RUN_PLAIN, RUN_HIT, RUN_MISS, RUN_PLAIN_OTHER_STACK, RUNS };

struct stop {
    int signal;
    bool is_in_check; /* of the clone: no instruction of the program */
    uint64_t address; /* of a fault */
    uint64_t pc;      /* in the original */
    register_set live;
    uint64_t gpr[CPU_REGISTERS], flags, vectors;
};

struct run {
    struct stage *stage;
    uint64_t seed;
    struct stop stops[STOPS_MOST];
    size_t count;
    size_t retries;
    uint64_t first_rsp, last_rsp, calls;
    enum cpu_end end;
    bool has_other_stack, has_strayed;
    uint8_t data[STAGE_DATA_SIZE + 8], stack[STAGE_STACK_SIZE + 8], written[STAGE_WRITABLE_MOST + 8];
    bool is_residue[STAGE_STACK_SIZE];
};

static struct run runs[RUNS];
static struct cpu_state start;
static uint8_t start_data[STAGE_DATA_SIZE], start_stack[STAGE_STACK_SIZE], start_written[STAGE_WRITABLE_MOST];

/* ---- randomness ------------------------------------------------------------------------------------------------------ */

static uint64_t stream;

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t next_random(void)
{
    stream += 0x9e3779b97f4a7c15;
    return mix(stream);
}

/* A value as programs have them: a pointer to data, now and then unaligned, a small number, or anything. */
static uint64_t value_from(const struct stage *stage, uint64_t random)
{
    uint64_t place = random >> 16 & (STAGE_DATA_SIZE - 1);
    switch (random & 15) {
    case 0:
    case 1:
    case 2:
        return random >> 40 & 63;
    case 3:
        return -(random >> 40 & 63);
    case 4:
        return random >> 32;
    case 5:
        return mix(random);
    case 6:
        return (uint64_t)(uintptr_t)stage->data + place;
    case 7:
        return (uint64_t)(uintptr_t)stage->stack + STAGE_STACK_SIZE / 2 + (place & 0x7f8);
    default:
        return (uint64_t)(uintptr_t)stage->data + (place & ~UINT64_C(63));
    }
}

static void fill(const struct stage *stage, uint8_t *to, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t value = value_from(stage, next_random());
        memcpy(to + i, &value, sizeof value);
    }
}

static void make_start(const struct stage *stage, uint64_t seed)
{
    stream = seed;
    for (size_t i = 0; i < CPU_REGISTERS; i++)
        start.gpr[i] = value_from(stage, next_random());
    start.gpr[CPU_RSP] = (uint64_t)(uintptr_t)stage->stack + STAGE_STACK_SIZE / 2 + (next_random() & 8);
    if (next_random() % 4)
        start.gpr[CPU_RBP] = start.gpr[CPU_RSP] + 64 + (next_random() & 0x3f0);
    start.flags = CPU_FLAGS_FIXED | (next_random() & CPU_ARITHMETIC_FLAGS);
    cpu_random_vectors(&start, next_random);
    fill(stage, start_data, sizeof start_data);
    fill(stage, start_stack, sizeof start_stack);
}

/* ---- at a stop ------------------------------------------------------------------------------------------------------- */

static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        value = mix(value ^ word);
    }
    return value;
}

/* With room for a frame on either side: whoever has no stack is no program. */
static bool has_stack(const struct stage *stage, uint64_t rsp)
{
    return rsp - (uint64_t)(uintptr_t)stage->stack - STACK_MARGIN < STAGE_STACK_SIZE - 2 * STACK_MARGIN;
}

static bool is_on_stack(const struct stage *stage, uint64_t address)
{
    return address - (uint64_t)(uintptr_t)stage->stack < STAGE_STACK_SIZE;
}

/* What a callee may leave in any register, and below its caller's frame. */
static void make_up_callee(struct run *run, struct cpu_state *state)
{
    static const uint8_t clobbered[] = {CPU_RAX, CPU_RCX, CPU_RDX, CPU_RSI, CPU_RDI, 8, 9, 10, 11};
    uint64_t random = mix(run->seed + run->count);
    for (size_t i = 0; i < sizeof clobbered; i++)
        state->gpr[clobbered[i]] = value_from(run->stage, mix(random + i));
    state->flags = (state->flags & ~(uint64_t)CPU_ARITHMETIC_FLAGS) | (random & CPU_ARITHMETIC_FLAGS);
    for (uint64_t at = state->gpr[CPU_RSP] - 512; at < state->gpr[CPU_RSP]; at += 8) {
        uint64_t value = value_from(run->stage, mix(random ^ at ^ (run->has_other_stack ? UINT64_MAX : 0)));
        if (is_on_stack(run->stage, at))
            memcpy((void *)(uintptr_t)at, &value, sizeof value); /* NOLINT: an address in the sandbox */
    }
}

/* Registers that are dead before an instruction that is left out have no value: both runs get the same. */
static void settle_dead(const struct run *run, struct cpu_state *state, const struct insn *insn)
{
    for (size_t i = 0; i < CPU_REGISTERS; i++)
        if (!(insn->live >> i & 1))
            state->gpr[i] = value_from(run->stage, mix(run->seed ^ (run->count << 8 | i)));
    if (!(insn->live & REGISTER_FLAGS))
        state->flags =
            (state->flags & ~(uint64_t)CPU_ARITHMETIC_FLAGS) | (mix(run->seed ^ run->count) & CPU_ARITHMETIC_FLAGS);
}

static uint64_t value_of(const struct cpu_state *state, ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE ? 0 : state->gpr[ZydisRegisterGetId(reg) & 15];
}

/* Leads the operand into the sandbox.  Returns: false when no register can do it. */
static bool lead_operand(const struct run *run, struct cpu_state *state, const struct insn *insn,
                         const ZydisDecodedOperand *operand, uint64_t random)
{
    const struct stage *stage = run->stage;
    const ZydisDecodedOperandMem *mem = &operand->mem;
    if (mem->segment == ZYDIS_REGISTER_FS || ZydisRegisterGetClass(mem->base) != ZYDIS_REGCLASS_GPR64 ||
        mem->type != ZYDIS_MEMOP_TYPE_MEM || insn->decoded.address_width != 64)
        return false;
    if (mem->base == ZYDIS_REGISTER_RSP) {
        bool was_away = !is_on_stack(stage, state->gpr[CPU_RSP]);
        state->gpr[CPU_RSP] = run->first_rsp;
        return was_away;
    }
    uint64_t address =
        value_of(state, mem->base) + value_of(state, mem->index) * mem->scale + (uint64_t)mem->disp.value;
    uint64_t wanted = mem->base == ZYDIS_REGISTER_RBP ? run->first_rsp + (random & 0x3f0)
                                                      : (uint64_t)(uintptr_t)stage->data + (random & 0x1fc0);
    state->gpr[ZydisRegisterGetId(mem->base) & 15] += wanted - address;
    return true;
}

/* Makes the instruction that faulted go well.  Returns: false when it cannot. */
static bool mend(struct run *run, struct cpu_state *state, const struct insn *insn)
{
    bool is_mended = false;
    if (run->retries++ >= RETRIES_MOST)
        return false;
    for (size_t i = 0; i < insn->decoded.operand_count; i++)
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            is_mended |= lead_operand(run, state, insn, &insn->operands[i], mix(run->seed ^ (run->count << 4 | i)));
    return is_mended;
}

/* The check of such a store reads where it is to go: a fault there comes a little earlier, and ends the trial. */
static bool looks_first(const struct insn *insn)
{
    return insn && insn->access_count == 1 && insn->access[0].may_repeat;
}

static void record(struct run *run, const struct cpu_state *state, const struct cpu_stop *stop, const struct insn *insn,
                   uint64_t pc, bool is_copy)
{
    bool is_fault = stop->signal == SIGSEGV || stop->signal == SIGBUS;
    struct stop *to = &run->stops[run->count++];
    *to = (struct stop){.signal = stop->signal,
                        .is_in_check = !is_copy && !(is_fault && looks_first(insn)),
                        .pc = insn ? run->stage->bias + insn->address : pc};
    to->address = is_fault ? stop->address : 0;
    to->live = insn                                                      ? insn->live
               : elf_is_text(&run->stage->module, pc - run->stage->bias) ? REGISTER_ALL
                                                                         : REGISTER_GPRS;
    if (is_fault && stop->address == pc) /* the pc itself leads nowhere */
        to->address = 0;
    memcpy(to->gpr, state->gpr, sizeof to->gpr);
    to->flags = state->flags;
    if (is_fault && !is_copy && looks_first(insn))
        stage_show_state(run->stage, pc, to->gpr, &to->flags);
    to->vectors = hash(state->vectors, sizeof state->vectors);
}

static bool on_stop(void *ctx, struct cpu_state *state, const struct cpu_stop *stop)
{
    struct run *run = ctx;
    bool is_copy;
    uint64_t pc = stop->signal == SIGTRAP ? state->pc - 1 : state->pc;
    const struct insn *insn = stage_insn_at(run->stage, pc, &is_copy);
    bool is_again = run->count && insn && run->stops[run->count - 1].pc == run->stage->bias + insn->address;
    run->retries = is_again ? run->retries : 0;
    record(run, state, stop, insn, pc, is_copy);
    run->last_rsp = state->gpr[CPU_RSP];
    if (!insn || !is_copy || run->count == STOPS_MOST || !has_stack(run->stage, run->last_rsp) ||
        insn->role == ROLE_TRAP || looks_first(insn))
        return false;
    if (stop->signal == SIGTRAP) {
        make_up_callee(run, state);
        state->pc = run->stage->bias + insn->address + insn->length;
        return insn->role == ROLE_CALL;
    }
    if (stop->signal != SIGFPE && stop->signal != SIGILL && mend(run, state, insn))
        return true;
    settle_dead(run, state, insn);
    state->pc += insn->length;
    return insn->role == ROLE_PLAIN;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

static void run_once(struct run *run, struct stage *stage, uint64_t seed, uint64_t pc, bool is_clone,
                     enum stage_mode mode)
{
    run->stage = stage;
    run->seed = seed;
    run->count = run->retries = 0;
    run->first_rsp = run->last_rsp = start.gpr[CPU_RSP];
    memcpy(stage->data, start_data, STAGE_DATA_SIZE);
    memcpy(stage->stack, start_stack, STAGE_STACK_SIZE);
    if (run->has_other_stack) {
        size_t below = (size_t)(run->first_rsp - (uint64_t)(uintptr_t)stage->stack);
        for (size_t i = 0; i < below; i += 8)
            stage->stack[i] ^= 0xa8;
    }
    if (stage->written)
        memcpy(stage->written, start_written, stage->written_size);
    stage_show(stage, is_clone);
    stage_reset_routines(stage, mode);
    start.pc = pc;
    run->end = cpu_run(&start, is_clone ? LIMIT_CLONE_MS : LIMIT_MS, on_stop, run);
    run->calls = stage_calls();
    run->has_strayed = stage_has_strayed();
    memcpy(run->data, stage->data, STAGE_DATA_SIZE);
    memcpy(run->stack, stage->stack, STAGE_STACK_SIZE);
    if (stage->written)
        memcpy(run->written, stage->written, stage->written_size);
    for (size_t i = 0; i < STAGE_STACK_SIZE && is_clone; i++)
        run->is_residue[i] = stage_is_residue(i);
}

static const char *compare_stop(const struct stop *a, const struct stop *b, uint32_t flags_defined)
{
    if (b->is_in_check)
        return "a fault inside a check";
    if (a->signal != b->signal)
        return "the signal";
    if (a->pc != b->pc)
        return "the pc";
    if (a->address != b->address)
        return "the address of the fault";
    for (size_t i = 0; i < CPU_REGISTERS; i++)
        if ((a->live >> i & 1) && a->gpr[i] != b->gpr[i])
            return "a register";
    uint64_t compared = FLAG_DIRECTION | (a->live & REGISTER_FLAGS ? CPU_ARITHMETIC_FLAGS & flags_defined : 0);
    if ((a->flags ^ b->flags) & compared)
        return "the flags";
    return a->vectors != b->vectors ? "a vector register" : NULL;
}

/* Whether the byte is part of a return address that a check left on the stack, and the program copied. */
static bool is_copied_residue(const struct run *run, const uint8_t *memory, size_t at)
{
    for (size_t i = at < 7 ? 0 : at - 7; i <= at; i++) {
        uint64_t word;
        memcpy(&word, memory + i, sizeof word);
        if (stage_is_clone(run->stage, word))
            return true;
    }
    return false;
}

/* *at: the offset of the first byte that differs. */
static const char *compare_memory(const struct run *a, const struct run *b, size_t *at)
{
    const struct stage *stage = b->stage;
    uint64_t visible = b->last_rsp - RED_ZONE - (uint64_t)(uintptr_t)stage->stack;
    for (*at = 0; *at < STAGE_DATA_SIZE; ++*at)
        if (a->data[*at] != b->data[*at] && !is_copied_residue(b, b->data, *at))
            return "memory";
    for (*at = 0; stage->written && *at < stage->written_size; ++*at)
        if (a->written[*at] != b->written[*at] && !is_copied_residue(b, b->written, *at))
            return "the module's own data";
    for (*at = visible < STAGE_STACK_SIZE ? visible : 0; *at < STAGE_STACK_SIZE; ++*at)
        if (a->stack[*at] != b->stack[*at] && !b->is_residue[*at] && !is_copied_residue(b, b->stack, *at))
            return "the stack";
    return NULL;
}

/* Returns: what differs first, or NULL; *at: at which stop, or byte of memory. */
static const char *compare(const struct run *a, const struct run *b, size_t *at)
{
    if (b->end == CPU_TIME_UP)
        return "no end";
    for (*at = 0; *at < a->count && *at < b->count; ++*at) {
        const char *different = compare_stop(&a->stops[*at], &b->stops[*at], b->stage->flags_defined);
        if (different)
            return different;
    }
    return a->count != b->count ? "the number of stops" : compare_memory(a, b, at);
}

/* Text that is read as data shows the patches: whoever reads on to the module's end has read those. */
static bool has_read_on(const struct stage *stage, const struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        for (size_t k = 0; k < stage->module.segment_count; k++) {
            const struct elf_segment *segment = &stage->module.segments[k];
            uint64_t end = stage->bias + segment->address + segment->memory_size;
            if (run->stops[i].address - end < PAGE_SIZE)
                return true;
        }
    return false;
}

/* A function that reads what nobody wrote below its stack pointer sees what checks left there: the original alone, with
 * another stack, must then differ as well.  So does one that has no stack where RSP points. */
static bool is_excused(struct stage *stage, uint64_t seed, uint64_t pc, const struct run *woven)
{
    size_t at;
    struct run *other = &runs[RUN_PLAIN_OTHER_STACK];
    if (has_read_on(stage, &runs[RUN_PLAIN]))
        return true;
    if (woven->calls == 0)
        return false;
    if (woven->has_strayed)
        return true;
    other->has_other_stack = true;
    run_once(other, stage, seed, pc, false, STAGE_HIT);
    memcpy(other->is_residue, woven->is_residue, sizeof other->is_residue);
    return compare(&runs[RUN_PLAIN], other, &at) != NULL;
}

static void describe(const struct run *woven, const char *mode, size_t at, char *text, size_t size)
{
    const struct run *plain = &runs[RUN_PLAIN];
    int used = snprintf(text, size, "%s, stop %zu of %zu and %zu, %" PRIu64 " calls of routines\n", mode, at,
                        plain->count, woven->count, woven->calls);
    for (size_t k = at > 2 ? at - 2 : 0; k <= at && k < STOPS_MOST; k++) {
        const struct stop *stops[] = {&plain->stops[k], &woven->stops[k]};
        for (size_t r = 0; r < 2 && used >= 0 && (size_t)used < size; r++) {
            used +=
                snprintf(text + used, size - (size_t)used,
                         "  %s %zu: signal %d at %#" PRIx64 ", address %#" PRIx64 ", flags %#" PRIx64 " live %#x\n   ",
                         r ? "woven" : "plain", k, stops[r]->signal, stops[r]->pc - woven->stage->bias,
                         stops[r]->address, stops[r]->flags, stops[r]->live);
            for (size_t i = 0; i < CPU_REGISTERS && (size_t)used < size; i++)
                used += snprintf(text + used, size - (size_t)used, " %zu:%" PRIx64, i, stops[r]->gpr[i]);
            if ((size_t)used < size)
                used += snprintf(text + used, size - (size_t)used, "\n");
        }
    }
}

const char *trial_run(struct stage *stage, size_t first, uint64_t seed, struct trial_count *count, char *text,
                      size_t size)
{
    const struct insn *insn = &stage->function.insns[first];
    uint64_t pc = stage->bias + insn->address;
    if (stage->written)
        memcpy(start_written, stage->written, stage->written_size);
    make_start(stage, seed);
    run_once(&runs[RUN_PLAIN], stage, seed, pc, false, STAGE_HIT);
    count->trials++;
    count->stops += runs[RUN_PLAIN].count;
    const char *different = NULL;
    if (runs[RUN_PLAIN].end == CPU_TIME_UP)
        count->timeouts++;
    for (int r = RUN_HIT; r <= RUN_MISS && !different && runs[RUN_PLAIN].end == CPU_ENDED; r++) {
        size_t at = 0;
        bool by_patch = insn->is_entry && r == RUN_MISS;
        run_once(&runs[r], stage, seed, by_patch ? pc : stage_clone_of(stage, insn), true,
                 r == RUN_HIT ? STAGE_HIT : STAGE_MISS);
        count->calls += runs[r].calls;
        different = compare(&runs[RUN_PLAIN], &runs[r], &at);
        if (different && !has_stack(stage, runs[r].last_rsp))
            different = NULL; /* checks need one, where the program perhaps did not */
        if (different && is_excused(stage, seed, pc, &runs[r]))
            different = NULL;
        if (different)
            describe(&runs[r], r == RUN_HIT ? "all checks hit" : "all checks miss", at, text, size);
    }
    if (stage->written)
        memcpy(stage->written, start_written, stage->written_size);
    return different;
}

/* spin_loops.c: loops that wait for another thread to change a place in memory; what they load is an atomic load.
 *
 *   1: pause;  mov (%rdi), %eax;  test %eax, %eax;  jnz 1b
 *
 * Model:  a short loop that writes nothing and calls nothing but functions that pass time, one of whose exits depends on a
 *         load from an address that is the same every time, or is itself loaded from such a one, and on nothing else that
 *         changes.  A compiler moves such a load out of the loop unless it is atomic, volatile, or something is called, or
 *         stored to in a larger loop around it: so without PAUSE or the like it may not count, nor tell one round from another.
 *         What a state machine's switch does for states without a case looks the same, and is none.
 *         Where debug information knows that it is not atomic, atomic_moves.c takes that back.
 * Source: Jannesari & Tichy 2010 (ad-hoc synchronisation in Helgrind+).
 */
#include "weaver/passes.h"

enum { INSNS_MOST = 24, BLOCKS_MOST = 3 };

/* What registers and flags hold in the loop.  In none of these: the same as before it. */
struct values {
    register_set varies; /* another value each round */
    register_set loaded; /* by a load that may wait */
    register_set made;   /* the same in each round, but perhaps not as before the first */
};

static const char *const passes_time[] = {"sched_yield", "nanosleep",  "clock_nanosleep", "usleep",
                                          "sleep",       "thrd_yield", "pthread_yield",   "thrd_sleep"};

static bool call_passes_time(const struct elf_module *module, const struct insn *insn)
{
    const char *name = insn->target ? plt_name(module, insn->target) : NULL;
    for (size_t i = 0; name && i < sizeof passes_time / sizeof *passes_time; i++)
        if (strcmp(name, passes_time[i]) == 0)
            return true;
    return false;
}

static bool writes_memory(const struct insn *insn)
{
    for (size_t i = 0; i < insn->decoded.operand_count; i++)
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            (insn->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
    return false;
}

static bool may_wait(const struct elf_module *module, const struct function *function, size_t first, size_t last)
{
    size_t blocks = 0;
    for (size_t i = first; i <= last; i++) {
        const struct insn *insn = &function->insns[i];
        blocks += insn->is_block_start;
        if (insn->role == ROLE_CALL ? !call_passes_time(module, insn) : writes_memory(insn))
            return false;
        if (insn->role == ROLE_RETURN || insn->role == ROLE_INDIRECT_JUMP || insn->role == ROLE_TRAP)
            return false;
        bool leaves = insn->role == ROLE_JUMP && i != last && (insn->target_index < first || insn->target_index > last);
        if (leaves) /* what follows is no part of the loop */
            return false;
    }
    return blocks <= BLOCKS_MOST;
}

bool insn_may_wait(const struct insn *insn)
{
    return insn->role == ROLE_PLAIN && insn->access_count == 1 && insn->access[0].role == ACCESS_PLAIN &&
           !insn->access[0].is_write && insn->access[0].operand >= 0 &&
           insn->operands[insn->access[0].operand].size <= 64;
}

void insn_waits(struct insn *insn)
{
    insn->access[0].role = ACCESS_ATOMIC_LOAD;
    insn->access[0].is_guess = true;
}

static bool is_waiting_load(const struct insn *insn, register_set varies)
{
    if (!insn_may_wait(insn))
        return false;
    const ZydisDecodedOperand *operand = &insn->operands[insn->access[0].operand];
    return !((register_bit(operand->mem.base) | register_bit(operand->mem.index)) & varies);
}

static register_set inputs_of(const struct insn *insn)
{
    register_set inputs = 0;
    if (insn_clears(insn))
        return inputs;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            inputs |= register_bit(operand->mem.base) | register_bit(operand->mem.index);
        else if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ))
            inputs |= register_bit(operand->reg.value);
    }
    if (insn->decoded.cpu_flags && insn->decoded.cpu_flags->tested)
        inputs |= REGISTER_FLAGS;
    return inputs;
}

static register_set outputs_of(const struct insn *insn)
{
    if (insn->role == ROLE_CALL)
        return REGISTER_ALL & ~(CALL_KEEPS | register_bit(ZYDIS_REGISTER_RSP));
    return insn_changes(insn) | (insn_writes_flags(insn) ? REGISTER_FLAGS : 0);
}

static void compute(struct values *values, const struct insn *insn)
{
    register_set inputs = inputs_of(insn), outputs = outputs_of(insn);
    bool varies = (inputs & values->varies) || insn->role == ROLE_CALL;
    bool loaded = !varies && ((inputs & values->loaded) || is_waiting_load(insn, values->varies));
    register_set made = outputs & (inputs & values->made ? REGISTER_ALL : REGISTER_GPRS);
    values->made = (values->made & ~outputs) | (varies || loaded ? 0 : made);
    values->varies = varies ? values->varies | outputs : values->varies & ~outputs;
    values->loaded = loaded ? values->loaded | outputs : values->loaded & ~outputs;
}

/* A loop that looks at one place after the other is at work, and does not wait. */
static bool goes_on(const struct insn *insn, register_set varies)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && insn->decoded.meta.category != ZYDIS_CATEGORY_WIDENOP &&
            insn->decoded.mnemonic != ZYDIS_MNEMONIC_NOP &&
            ((register_bit(operand->mem.base) | register_bit(operand->mem.index)) & varies))
            return true;
    }
    return false;
}

/* Returns: what a round of the loop [first, last] finds: what the one before has left, of which nothing was known. */
static struct values values_of_round(const struct function *function, size_t first, size_t last)
{
    struct values values = {0, 0, 0};
    for (size_t i = first; i <= last; i++)
        values.varies |= outputs_of(&function->insns[i]);
    for (size_t i = first; i <= last; i++)
        compute(&values, &function->insns[i]);
    return values;
}

/* `for (;;) switch (state)`: a state that is out of the table's bounds is looked at again, and all others lead through the table. */
static bool is_bounds_of_table(const struct function *function, size_t last)
{
    enum { DISPATCH_MOST = 6 };
    size_t end = last + 1 + DISPATCH_MOST < function->insn_count ? last + 1 + DISPATCH_MOST : function->insn_count;
    size_t i = last + 1;
    while (i < end && function->insns[i].role == ROLE_PLAIN)
        i++;
    return function->insns[last].decoded.mnemonic == ZYDIS_MNEMONIC_JNBE && i < end &&
           function->insns[i].role == ROLE_INDIRECT_JUMP;
}

static bool lets_time_pass(const struct function *function, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        const struct insn *insn = &function->insns[i];
        ZydisMnemonic mnemonic = insn->decoded.mnemonic;
        if (insn->role == ROLE_CALL || mnemonic == ZYDIS_MNEMONIC_PAUSE || mnemonic == ZYDIS_MNEMONIC_SYSCALL)
            return true;
    }
    return false;
}

/* Returns: whether an exit of the loop [first, last] waits for what is loaded.  A loop that lets no time pass and waits has nothing else
 * to do: it decides by what it loads alone, and counts its rounds at most. */
static bool waits(const struct function *function, size_t first, size_t last)
{
    struct values values = values_of_round(function, first, last);
    bool has_waiting_exit = false, is_at_work = false;
    for (size_t i = first; i <= last; i++) {
        const struct insn *insn = &function->insns[i];
        uint32_t target = insn->target_index;
        bool is_exit = insn->role == ROLE_BRANCH && (i == last || target < first || target > last);
        has_waiting_exit |= is_exit && (inputs_of(insn) & values.loaded);
        is_at_work |= insn->role == ROLE_BRANCH && (inputs_of(insn) & (values.varies | values.made));
        if (goes_on(insn, values.varies))
            return false;
        compute(&values, insn);
    }
    is_at_work |= __builtin_popcount(values.varies & REGISTER_GPRS) > 1;
    return has_waiting_exit && !is_bounds_of_table(function, last) &&
           !(is_at_work && !lets_time_pass(function, first, last));
}

static void mark(struct function *function, size_t first, size_t last)
{
    struct values values = values_of_round(function, first, last);
    for (size_t i = first; i <= last; i++) {
        struct insn *insn = &function->insns[i];
        if (is_waiting_load(insn, values.varies)) {
            insn_waits(insn);
            spin_entry_mark(function, first, i);
        }
        compute(&values, insn);
    }
    function->spin_loops++;
}

void spin_loops_find(const struct elf_module *module, struct function *function)
{
    for (size_t last = 0; last < function->insn_count; last++) {
        const struct insn *insn = &function->insns[last];
        if (insn->role != ROLE_BRANCH && insn->role != ROLE_JUMP)
            continue;
        size_t first = insn->target_index;
        if (first <= last && last - first < INSNS_MOST && may_wait(module, function, first, last) &&
            waits(function, first, last))
            mark(function, first, last);
    }
}

/* redundant.c: accesses that an earlier check has answered: bytes of the same operand, no stronger, its registers unchanged, and
 * nothing in between by which time passes (a call, an atomic operation, a fence).  Control can only have come by that check:
 * over a conditional branch it may fall, but nothing leads to what is behind it.
 *
 * Guesses: a store that may be an atomic one publishes what was done since the one before, and a load that decides may receive that:
 *          neither is answered by an earlier one. */
#include "weaver/passes.h"

enum { KNOWN_MOST = 16 };

struct known {
    const ZydisDecodedOperand *operand;
    int64_t displacement; /* from the registers; from nothing for RIP */
    register_set registers;
    uint16_t size;
    bool is_write;
};

struct known_set {
    struct known known[KNOWN_MOST];
    size_t count, next; /* next: to be replaced when full */
};

static int64_t displacement_of(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    bool is_relative = operand->mem.base == ZYDIS_REGISTER_RIP;
    return operand->mem.disp.value + (is_relative ? (int64_t)(insn->address + insn->length) : 0);
}

static bool is_same_place(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
    return a->mem.base == b->mem.base && a->mem.index == b->mem.index && a->mem.scale == b->mem.scale &&
           a->mem.segment == b->mem.segment;
}

static bool is_known(const struct known_set *set, const struct insn *insn, const struct access *access)
{
    const ZydisDecodedOperand *operand = &insn->operands[access->operand];
    for (size_t i = 0; i < set->count; i++) {
        const struct known *known = &set->known[i];
        int64_t distance = displacement_of(insn, operand) - known->displacement;
        if (distance >= 0 && distance + access->size <= known->size && (known->is_write || !access->is_write) &&
            is_same_place(known->operand, operand))
            return true;
    }
    return false;
}

static void learn(struct known_set *set, const struct insn *insn, const struct access *access)
{
    const ZydisDecodedOperand *operand = &insn->operands[access->operand];
    struct known *slot = &set->known[set->count < KNOWN_MOST ? set->count++ : set->next++ % KNOWN_MOST];
    *slot = (struct known){.operand = operand,
                           .displacement = displacement_of(insn, operand),
                           .registers = register_bit(operand->mem.base) | register_bit(operand->mem.index),
                           .size = access->size,
                           .is_write = access->is_write};
}

static void forget(struct known_set *set, register_set changed)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!(set->known[i].registers & changed))
            set->known[kept++] = set->known[i];
    set->count = kept;
}

static void look_at(struct known_set *set, struct insn *insn)
{
    bool time_passes = insn->role == ROLE_CALL || insn->decoded.meta.category == ZYDIS_CATEGORY_SYSCALL;
    for (size_t i = 0; i < insn->access_count; i++) {
        struct access *access = &insn->access[i];
        time_passes |= !access_is_plain(access);
        if (access->role != ACCESS_PLAIN || access->operand < 0)
            continue;
        bool hands_over = access_may_hand_over(insn, access) && (access->is_write || access->decides);
        access->is_redundant = !hands_over && is_known(set, insn, access);
        if (!access->is_redundant && !insn_loads_on_condition(insn) && !access->may_repeat && !access->is_early &&
            access->used == 0)
            learn(set, insn, access);
    }
    if (time_passes)
        set->count = 0;
    if (set->count)
        forget(set, insn_changes(insn));
}

void accesses_find_redundant(struct function *function)
{
    struct known_set set = {.count = 0};
    for (size_t i = 0; i < function->insn_count; i++) {
        if (i == 0 || function->insns[i].is_join || !insn_falls_through(&function->insns[i - 1]))
            set.count = 0;
        look_at(&set, &function->insns[i]);
    }
}

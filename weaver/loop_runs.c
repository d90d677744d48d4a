/* loop_runs.c: which accesses of a counted loop go through memory by even steps, round by round.
 *
 * Dense:    element beside element, or one place; with gaps a check in each round is cheaper than a call for each element.
 * Left out: loads with gaps, and early ones; what may be an atomic move, which orders when it is made; what a check behind the load looks at; what is known to be checked
 *           already; what is not done each round.
 * Covered:  a run that follows in the tracks of an earlier one (a[i - 1], a[i], a[i + 1]) is to be checked where that one does not go.
 */
#include <stdlib.h>

#include "weaver/loop_round.h"

struct runs {
    const ZydisDecodedOperand *operand[RUNS_MOST];
    struct access *access[RUNS_MOST];
    uint32_t count;
};

/* Adds what a part of the operand does.  Returns: false when that is nothing regular. */
static bool add_part(const struct round *round, struct access *access, uint32_t index, ZydisRegister reg, int scale)
{
    unsigned number = round_register(reg);
    if (number == ROUND_REGISTERS)
        return reg == ZYDIS_REGISTER_NONE || reg == ZYDIS_REGISTER_RIP;
    if (round_keeps(round, number))
        return true;
    const struct progress *progress = &round->progress[number];
    if (!round_moves(round, number) || !progress->is_64 || progress->at == index)
        return false;
    access->stride += progress->step * scale;
    access->ahead += progress->at < index ? progress->step * scale : 0;
    return true;
}

static bool may_run(const struct insn *insn, const struct access *access)
{
    bool is_of_some_bytes = access->size != 0 && access->size <= 64 && (access->size & (access->size - 1)) == 0;
    return access->role == ACCESS_PLAIN && access->operand >= 0 && is_of_some_bytes && !insn->refusal &&
           !access->is_redundant && !access_may_hand_over(insn, access) && !access->decides && !access->is_behind &&
           !access->keeps_address && !access->may_repeat && access->used == 0 && !access->is_early &&
           !insn_loads_on_condition(insn) && insn->decoded.address_width == 64;
}

static bool find_run(const struct round *round, const struct insn *insn, uint32_t index, struct access *access)
{
    if (!may_run(insn, access) || round->is_sometimes[index - round->loop.first])
        return false;
    const ZydisDecodedOperand *operand = &insn->operands[access->operand];
    int64_t displacement = operand->mem.disp.value;
    struct access run = *access;
    run.is_run = true;
    run.stride = run.ahead = 0;
    if (operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS ||
        !add_part(round, &run, index, operand->mem.base, 1) ||
        !add_part(round, &run, index, operand->mem.index, operand->mem.scale))
        return false;
    if (run.is_guess && run.stride == 0)
        return false;
    run.is_guess = false; /* a row of numbers is none of atomic ones */
    bool is_dense = run.stride == 0 || abs(run.stride) == run.size;
    if (displacement + run.ahead != (int32_t)(displacement + run.ahead) || !is_dense)
        return false;
    *access = run;
    return true;
}

/* Returns: whether both go through memory by the same registers. */
static bool is_parallel(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
    return a->mem.base == b->mem.base && a->mem.index == b->mem.index && a->mem.scale == b->mem.scale &&
           a->mem.segment == b->mem.segment && a->mem.base != ZYDIS_REGISTER_RIP;
}

/* Looks for an earlier run that the new one follows, or goes ahead of, by some rounds. */
static void find_cover(const struct runs *runs, const ZydisDecodedOperand *operand, struct access *access)
{
    access->uncovered = IMAGE_RUN_ALL;
    for (uint32_t i = 0; i < runs->count; i++) {
        const struct access *by = runs->access[i];
        int64_t distance = operand->mem.disp.value + access->ahead - runs->operand[i]->mem.disp.value - by->ahead;
        if (access->stride == 0 || !is_parallel(runs->operand[i], operand) || by->stride != access->stride ||
            by->size != access->size || (access->is_write && !by->is_write) || distance % access->stride != 0)
            continue;
        int64_t rounds = distance / access->stride;
        if (llabs(rounds) < abs(access->uncovered))
            access->uncovered = (int16_t)rounds;
    }
}

uint32_t loop_runs_find(struct round *round)
{
    struct runs runs = {.count = 0};
    for (uint32_t i = round->loop.first; i < round->loop.last; i++) {
        struct insn *insn = &round->function->insns[i];
        for (size_t k = 0; k < insn->access_count && runs.count < RUNS_MOST; k++) {
            struct access *access = &insn->access[k];
            if (!find_run(round, insn, i, access))
                continue;
            const ZydisDecodedOperand *operand = &insn->operands[access->operand];
            find_cover(&runs, operand, access);
            runs.operand[runs.count] = operand;
            runs.access[runs.count++] = access;
        }
    }
    return runs.count;
}

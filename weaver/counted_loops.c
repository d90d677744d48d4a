/* counted_loops.c: loops of which is known, before they begin, how many rounds they have and where their accesses go.
 *
 *       mov $8, %eax
 *    1: movsd (%rdi,%rax), %xmm0    a run: from (%rdi,%rax), 8 bytes further each round
 *       ...
 *       add $8, %rax                the counter's step
 *       cmp $4088, %rax             what it is held against
 *       jne 1b                      back to the first instruction, the one way out
 *
 * Model:   no calls, no atomics: no time passes within the loop.  So all that a run touches may be recorded when the loop begins, as if
 *          it were one access of a stretch of memory: no other thread can be ordered in between.  What the loop does not do each round
 *          (behind a branch in it) is no run.
 * Guesses: what may be an atomic move hands over or receives when it is made, and so is no run.  Where a place turns out to be used
 *          atomically, the library refuses at run time (run.c).
 */
#include <stdlib.h>
#include <string.h>

#include "weaver/loop_round.h"

static bool is_64_bits(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15;
}

static const struct insn *insn_of(const struct round *round, uint32_t index)
{
    return &round->function->insns[index];
}

static bool is_in(const struct counted_loop *loop, uint32_t index)
{
    return index >= loop->first && index <= loop->last;
}

/* ---- the shape ----------------------------------------------------------------------------------------------------- */

static bool is_plain(const struct insn *insn)
{
    if (insn->decoded.meta.category == ZYDIS_CATEGORY_SYSCALL || insn->decoded.meta.category == ZYDIS_CATEGORY_SYSTEM)
        return false;
    for (size_t i = 0; i < insn->access_count; i++)
        if (!access_is_plain(&insn->access[i]) || insn->access[i].is_range)
            return false;
    return true;
}

/* Branches lead forward within the round.  Returns: false when the instruction may do anything else than go on. */
static bool follow(struct round *round, uint32_t index)
{
    const struct insn *insn = insn_of(round, index);
    if (insn->role != ROLE_PLAIN && insn->role != ROLE_BRANCH && insn->role != ROLE_JUMP)
        return false;
    if (!is_plain(insn) || (index != round->loop.first && insn->is_entry) ||
        insn[1].address != insn->address + insn->length)
        return false;
    if (insn->role == ROLE_PLAIN)
        return true;
    if (insn->target_index == FUNCTION_NONE || insn->target_index <= index || insn->target_index > round->loop.last)
        return false;
    for (uint32_t i = index + 1; i < insn->target_index; i++)
        round->is_sometimes[i - round->loop.first] = true;
    return true;
}

/* Returns: whether control comes into the midst of the loop from elsewhere. */
static bool is_entered_within(const struct round *round)
{
    const struct counted_loop *loop = &round->loop;
    for (uint32_t i = 0; i < round->function->insn_count; i++) {
        uint32_t target = round->function->insns[i].target_index;
        if (target != FUNCTION_NONE && target != loop->first && is_in(loop, target) && !is_in(loop, i))
            return true;
    }
    return false;
}

/* ---- what registers do --------------------------------------------------------------------------------------------- */

/* Returns: by how much the instruction moves its first operand, a register, on; 0 when it does anything else. */
static int32_t step_of(const struct insn *insn)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *by = &insn->operands[1];
    if (to->type != ZYDIS_OPERAND_TYPE_REGISTER || !register_is_whole(to->reg.value))
        return 0;
    int64_t immediate = by->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? by->imm.value.s : 0;
    immediate = immediate >= -RUN_STRIDE_MOST && immediate <= RUN_STRIDE_MOST ? immediate : 0;
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_INC:
        return 1;
    case ZYDIS_MNEMONIC_DEC:
        return -1;
    case ZYDIS_MNEMONIC_ADD:
        return (int32_t)immediate;
    case ZYDIS_MNEMONIC_SUB:
        return (int32_t)-immediate;
    case ZYDIS_MNEMONIC_LEA:
        break;
    default:
        return 0;
    }
    bool is_alone = by->mem.base == to->reg.value && by->mem.index == ZYDIS_REGISTER_NONE &&
                    by->mem.disp.value >= -RUN_STRIDE_MOST && by->mem.disp.value <= RUN_STRIDE_MOST;
    return is_alone ? (int32_t)by->mem.disp.value : 0;
}

static void note_changes(struct round *round, uint32_t index)
{
    const struct insn *insn = insn_of(round, index);
    register_set changed = insn_changes(insn);
    int32_t step = round->is_sometimes[index - round->loop.first] ? 0 : step_of(insn);
    for (unsigned reg = 0; reg < ROUND_REGISTERS; reg++) {
        if (!(changed >> reg & 1))
            continue;
        struct progress *progress = &round->progress[reg];
        progress->changes++;
        progress->at = index;
        progress->step = step;
        progress->is_64 = is_64_bits(insn->operands[0].reg.value);
    }
}

/* ---- how many rounds ----------------------------------------------------------------------------------------------- */

/* The condition of `bound` against `counter`, turned round. */
static unsigned mirrored(unsigned condition)
{
    switch (condition) {
    case CONDITION_BELOW:
        return CONDITION_ABOVE;
    case CONDITION_ABOVE:
        return CONDITION_BELOW;
    case CONDITION_NOT_BELOW:
        return CONDITION_NOT_ABOVE;
    case CONDITION_NOT_ABOVE:
        return CONDITION_NOT_BELOW;
    case CONDITION_LESS:
        return CONDITION_GREATER;
    case CONDITION_GREATER:
        return CONDITION_LESS;
    case CONDITION_NOT_LESS:
        return CONDITION_NOT_GREATER;
    case CONDITION_NOT_GREATER:
        return CONDITION_NOT_LESS;
    default:
        return condition;
    }
}

static bool set_bound(struct round *round, const ZydisDecodedOperand *operand)
{
    struct counted_loop *loop = &round->loop;
    if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        loop->bound = COUNTED_IMMEDIATE;
        loop->immediate = (int32_t)operand->imm.value.s;
        return operand->imm.value.s == loop->immediate;
    }
    unsigned number =
        operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? round_register(operand->reg.value) : ROUND_REGISTERS;
    loop->bound = (uint8_t)number;
    return number != ROUND_REGISTERS && number != round_register(ZYDIS_REGISTER_RSP) && round_keeps(round, number);
}

static bool set_counter(struct round *round, ZydisRegister reg)
{
    unsigned number = round_register(reg);
    if (number == ROUND_REGISTERS || !register_is_whole(reg) || !round_moves(round, number) ||
        number == round_register(ZYDIS_REGISTER_RSP))
        return false;
    const struct progress *progress = &round->progress[number];
    round->loop.counter = (uint8_t)number;
    round->loop.is_32 = !is_64_bits(reg);
    round->loop.step = progress->step;
    return round->loop.is_32 || progress->is_64;
}

/* cmp counter, bound; or the other way round; test counter, counter. */
static bool take_comparison(struct round *round, const struct insn *insn, uint32_t index)
{
    const ZydisDecodedOperand *left = &insn->operands[0], *right = &insn->operands[1];
    struct counted_loop *loop = &round->loop;
    if (left->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return false;
    if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_TEST) {
        bool is_itself = right->type == ZYDIS_OPERAND_TYPE_REGISTER && right->reg.value == left->reg.value;
        loop->bound = COUNTED_IMMEDIATE;
        if (!is_itself || !set_counter(round, left->reg.value))
            return false;
    } else if (!set_counter(round, left->reg.value)) {
        loop->condition = (uint8_t)mirrored(loop->condition);
        if (right->type != ZYDIS_OPERAND_TYPE_REGISTER || !set_counter(round, right->reg.value) ||
            !register_is_whole(left->reg.value) || !set_bound(round, left))
            return false;
    } else if (!set_bound(round, right)) {
        return false;
    }
    loop->is_ahead = round->progress[loop->counter].at < index;
    return true;
}

/* The flags are those of the step itself: SUB and DEC compare what was there before with how far they go; of ADD and INC it counts
 * whether they come to 0, which is the same. */
static bool take_step(struct round *round, const struct insn *insn)
{
    struct counted_loop *loop = &round->loop;
    if (step_of(insn) == 0 || !set_counter(round, insn->operands[0].reg.value))
        return false;
    loop->bound = COUNTED_IMMEDIATE;
    loop->immediate = -loop->step;
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_SUB:
        return true;
    case ZYDIS_MNEMONIC_DEC:
        return loop->condition != CONDITION_BELOW && loop->condition != CONDITION_NOT_BELOW &&
               loop->condition != CONDITION_ABOVE && loop->condition != CONDITION_NOT_ABOVE;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_INC:
        return loop->condition == CONDITION_NOT_EQUAL;
    default:
        return false;
    }
}

/* Returns: whether the counter goes towards where the condition ends, and by steps that can be counted (loop_entry.c). */
static bool comes_to_an_end(const struct counted_loop *loop)
{
    uint32_t length = (uint32_t)abs(loop->step);
    bool is_power = (length & (length - 1)) == 0;
    switch (loop->condition) {
    case CONDITION_NOT_EQUAL:
        return true;
    case CONDITION_BELOW:
    case CONDITION_NOT_ABOVE:
    case CONDITION_LESS:
    case CONDITION_NOT_GREATER:
        return is_power && loop->step > 0;
    case CONDITION_ABOVE:
    case CONDITION_NOT_BELOW:
    case CONDITION_GREATER:
    case CONDITION_NOT_LESS:
        return is_power && loop->step < 0;
    default:
        return false;
    }
}

static bool find_count(struct round *round)
{
    struct counted_loop *loop = &round->loop;
    const struct insn *branch = insn_of(round, loop->last);
    uint32_t index = loop->last - 1;
    while (index > loop->first && !insn_writes_flags(insn_of(round, index)))
        index--;
    const struct insn *insn = insn_of(round, index);
    bool is_jump_on_flags = branch->decoded.meta.category == ZYDIS_CATEGORY_COND_BR && branch->decoded.opcode < 0x90;
    if (!is_jump_on_flags || !insn_writes_flags(insn) || round->is_sometimes[index - loop->first])
        return false;
    loop->condition = branch->decoded.opcode & 0xf;
    bool is_comparison = insn->decoded.mnemonic == ZYDIS_MNEMONIC_CMP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_TEST;
    return (is_comparison ? take_comparison(round, insn, index) : take_step(round, insn)) && comes_to_an_end(loop);
}

static bool look_at(struct function *function, uint32_t last, struct round *round)
{
    *round = (struct round){.function = function, .loop = {.first = function->insns[last].target_index, .last = last}};
    const struct counted_loop *loop = &round->loop;
    if (last + 1 >= function->insn_count || (function->insns[loop->first].live & REGISTER_FLAGS) != 0)
        return false;
    for (uint32_t i = loop->first; i < last; i++)
        if (!follow(round, i))
            return false;
    if (function->insns[last].is_entry || function->insns[last].access_count != 0 || is_entered_within(round))
        return false;
    for (uint32_t i = loop->first; i < last; i++)
        note_changes(round, i);
    bool keeps_stack = round_keeps(round, round_register(ZYDIS_REGISTER_RSP)); /* frames are found by it */
    return keeps_stack && find_count(round) && loop_runs_find(round) > 0;
}

bool counted_loops_find(struct function *function)
{
    size_t capacity = 0;
    for (uint32_t i = 0; i < function->insn_count && !function->refusal; i++) {
        const struct insn *insn = &function->insns[i];
        struct round round;
        if (insn->role != ROLE_BRANCH || insn->target_index >= i || i - insn->target_index >= ROUND_MOST ||
            !look_at(function, i, &round))
            continue;
        if (function->loop_count == capacity) {
            capacity = 2 * capacity + 4;
            struct counted_loop *loops = realloc(function->loops, capacity * sizeof *loops);
            if (!loops)
                return false;
            function->loops = loops;
        }
        function->loops[function->loop_count++] = round.loop;
    }
    return true;
}

/* vector_choices.c: whole loads of vectors from which a later instruction takes, under a mask, what it wants.
 *
 *      vmovdqu32 (%rax), %zmm0;  vpaddd %zmm1, %zmm0, %zmm0;  vmovdqu32 %zmm0, (%rax){%k1}           if (i < n) a[i] += 3
 *
 * Model:  as vector_loads.c, but that what such an instruction takes is not used: when nothing else is used of the load, and each bit of
 *         the mask stands for one element of it, the load is checked there, under that mask.  By straight code without calls and atomics;
 *         its address must still be in its registers, and they in use.
 * For:    compilers fold the rest of a loop, or a condition, into a mask, and read all lanes where that can do no harm.
 */
#include "weaver/lanes.h"
#include "weaver/vector_loads.h"
#include "weaver/vector_operation.h"

enum { INSNS_AHEAD = 32, LANES_MOST = 16, ELEMENT_MOST = 8 /* bytes */ };

/* Returns: whether each lane of the result is made of the same lanes of the sources. */
static bool is_lane_by_lane(const struct insn *insn)
{
    switch ((enum vector_kind)vector_shape_of(insn).kind) {
    case KIND_VERTICAL:
    case KIND_DIFFERENCE:
    case KIND_AND:
    case KIND_AND_NOT:
    case KIND_MOVE:
        return true;
    default:
        return false;
    }
}

/* Returns: whether it takes from a vector what a mask says. */
static bool takes_lanes(const struct insn *insn)
{
    bool is_store = insn->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    return (insn_has_mask(insn) && is_lane_by_lane(insn)) || (insn_signs_of_mask(insn) > 1 && is_store);
}

/* What a lane is made of must be one element, of the same size as others. */
static bool find_element(struct choice *choice, uint64_t bytes, unsigned lane)
{
    unsigned at = (unsigned)__builtin_ctzll(bytes), size = (unsigned)__builtin_popcountll(bytes);
    bool is_first = choice->lanes == 0;
    choice->element = is_first ? (uint8_t)size : choice->element;
    if ((size & (size - 1)) != 0 || size > ELEMENT_MOST || size != choice->element || at % size != 0 ||
        bytes >> at != (UINT64_C(1) << size) - 1 || at / size >= LANES_MOST)
        return false;
    choice->order |= (uint64_t)(at / size) << 4 * lane;
    choice->lanes |= (uint16_t)(1U << lane);
    return true;
}

static bool find_order(struct choice *choice, const struct insn *taker, const struct vector_taking *taking)
{
    if (taking->count > LANES_MOST)
        return false;
    *choice = (struct choice){.count = taking->count, .sign = (uint8_t)insn_signs_of_mask(taker)};
    for (unsigned i = 0; i < taking->count; i++)
        if (taking->lanes[i] != 0 && !find_element(choice, taking->lanes[i], i))
            return false;
    return choice->lanes != 0;
}

static void look_at(const struct elf_module *module, struct function *function, size_t load)
{
    struct insn *insn = &function->insns[load];
    const ZydisDecodedOperand *operand = &insn->operands[insn->access[0].operand];
    register_set address = register_bit(operand->mem.base) | register_bit(operand->mem.index);
    for (size_t i = load + 1; i < function->insn_count && i <= load + INSNS_AHEAD; i++) {
        struct insn *next = &function->insns[i];
        struct vector_taking taking = {.at = i};
        if (next->is_join || !insn_is_quiet(next) || (next->live & address) != address)
            return;
        if (takes_lanes(next) && vector_is_taken(&(struct vector_place){module, function, load}, &taking) &&
            find_order(&insn->access[0].choice, next, &taking)) {
            insn_put_early(next, insn, true);
            return;
        }
        insn->access[0].choice = (struct choice){.count = 0};
        if ((insn_changes(next) & address) != 0)
            return;
    }
}

void vector_choices_find(const struct elf_module *module, struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++)
        if (vector_is_loaded(&function->insns[i]))
            look_at(module, function, i);
}

#include "weaver/places.h"

static uint64_t end_of(const struct insn *insn)
{
    return insn->address + insn->length;
}

/* Follows the base back to where it was set. */
static void resolve(const struct function *function, struct place *place, size_t at, size_t floor)
{
    while (at > floor && !(insn_changes(&function->insns[at - 1]) & register_bit(place->base)))
        at--;
    place->since = at;
    const struct insn *setter = at > floor ? &function->insns[at - 1] : NULL;
    if (setter && setter->decoded.mnemonic == ZYDIS_MNEMONIC_LEA &&
        setter->operands[1].mem.base == ZYDIS_REGISTER_RIP) {
        place->base = ZYDIS_REGISTER_NONE;
        place->since = 0;
        place->displacement += end_of(setter) + (uint64_t)setter->operands[1].mem.disp.value;
    }
}

struct place place_find(const struct function *function, size_t index, size_t at, size_t floor)
{
    const struct insn *insn = &function->insns[index];
    const ZydisDecodedOperand *operand = &insn->operands[insn->access[0].operand];
    struct place place = {.is_known =
                              operand->mem.index == ZYDIS_REGISTER_NONE && operand->mem.segment != ZYDIS_REGISTER_FS,
                          .base = operand->mem.base,
                          .displacement = (uint64_t)operand->mem.disp.value};
    if (place.base == ZYDIS_REGISTER_RIP) {
        place.base = ZYDIS_REGISTER_NONE;
        place.displacement += end_of(insn);
    } else if (place.base != ZYDIS_REGISTER_NONE) {
        resolve(function, &place, at, floor);
    }
    return place;
}

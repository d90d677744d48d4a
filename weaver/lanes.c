#include "weaver/lanes.h"

#include "weaver/encode.h"
#include "weaver/plane.h"

enum { ELEMENT_MOST = 8 /* bytes */, VECTOR_MOST = 64 /* bytes */, BITS_OF_WORD = 16 };

static unsigned log2_of(unsigned power)
{
    return (unsigned)__builtin_ctz(power);
}

static bool is_vector(ZydisRegister reg)
{
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    return class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM || class == ZYDIS_REGCLASS_ZMM;
}

/* Units: bytes. */
static unsigned width_of(ZydisRegister vector)
{
    return ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, vector) / 8u;
}

/* ---- gathered ------------------------------------------------------------------------------------------------------ */

/* Units: bytes. */
struct gather {
    uint8_t index, element;
};

static struct gather gather_of(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_VPGATHERDD:
    case ZYDIS_MNEMONIC_VGATHERDPS:
    case ZYDIS_MNEMONIC_VPSCATTERDD:
    case ZYDIS_MNEMONIC_VSCATTERDPS:
        return (struct gather){4, 4};
    case ZYDIS_MNEMONIC_VPGATHERDQ:
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VPSCATTERDQ:
    case ZYDIS_MNEMONIC_VSCATTERDPD:
        return (struct gather){4, 8};
    case ZYDIS_MNEMONIC_VPGATHERQD:
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VPSCATTERQD:
    case ZYDIS_MNEMONIC_VSCATTERQPS:
        return (struct gather){8, 4};
    case ZYDIS_MNEMONIC_VPGATHERQQ:
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPSCATTERQQ:
    case ZYDIS_MNEMONIC_VSCATTERQPD:
        return (struct gather){8, 8};
    default:
        return (struct gather){0, 0};
    }
}

/* Returns: the vector that is gathered into, or scattered; ZYDIS_REGISTER_NONE when there is none. */
static ZydisRegister gathered_vector(const struct insn *insn)
{
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && is_vector(operand->reg.value))
            return operand->reg.value;
    }
    return ZYDIS_REGISTER_NONE;
}

/* With AVX-512 the mask is one of bits; before, a vector whose signs count. */
static bool find_gathered(struct lanes *lanes, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    struct gather gather = gather_of(insn->decoded.mnemonic);
    ZydisRegister vector = gathered_vector(insn);
    bool has_bits = insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
    if (gather.element == 0 || vector == ZYDIS_REGISTER_NONE || operand->mem.segment == ZYDIS_REGISTER_FS)
        return false;
    unsigned elements = width_of(vector) / gather.element, indices = width_of(operand->mem.index) / gather.index;
    lanes->index = operand->mem.index;
    lanes->mask = has_bits ? insn->decoded.avx.mask.reg : insn->operands[2].reg.value;
    lanes->size = gather.element;
    lanes->told = (struct image_lanes){.kind = IMAGE_LANES_GATHERED,
                                       .count = (uint8_t)(elements < indices ? elements : indices),
                                       .element = (uint8_t)log2_of(gather.element),
                                       .has_signs = !has_bits,
                                       .index = (uint8_t)log2_of(gather.index),
                                       .scale = (uint8_t)log2_of(operand->mem.scale ? operand->mem.scale : 1)};
    return true;
}

/* ---- under a mask -------------------------------------------------------------------------------------------------- */

unsigned insn_signs_of_mask(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
        return 4;
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
        return 8;
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
        return 1;
    default:
        return 0;
    }
}

static bool is_packed(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VPCOMPRESSB:
    case ZYDIS_MNEMONIC_VPCOMPRESSW:
    case ZYDIS_MNEMONIC_VPCOMPRESSD:
    case ZYDIS_MNEMONIC_VPCOMPRESSQ:
    case ZYDIS_MNEMONIC_VCOMPRESSPS:
    case ZYDIS_MNEMONIC_VCOMPRESSPD:
    case ZYDIS_MNEMONIC_VPEXPANDB:
    case ZYDIS_MNEMONIC_VPEXPANDW:
    case ZYDIS_MNEMONIC_VPEXPANDD:
    case ZYDIS_MNEMONIC_VPEXPANDQ:
    case ZYDIS_MNEMONIC_VEXPANDPS:
    case ZYDIS_MNEMONIC_VEXPANDPD:
        return true;
    default:
        return false;
    }
}

/* Returns: whether memory of elements that the mask leaves out is not touched, so that it need not even be there.
 * Source: Intel's Software Developer's Manual, volume 2, "Exception Classifications of EVEX-Encoded Instructions". */
static bool leaves_out(ZydisExceptionClass class)
{
    switch (class) {
    case ZYDIS_EXCEPTION_CLASS_E1:
    case ZYDIS_EXCEPTION_CLASS_E2:
    case ZYDIS_EXCEPTION_CLASS_E3:
    case ZYDIS_EXCEPTION_CLASS_E4:
    case ZYDIS_EXCEPTION_CLASS_E5:
    case ZYDIS_EXCEPTION_CLASS_E6:
    case ZYDIS_EXCEPTION_CLASS_E10:
    case ZYDIS_EXCEPTION_CLASS_E11:
        return true;
    default:
        return false;
    }
}

/* Returns: how many elements the widest vector of the instruction has. */
static unsigned most_elements(const struct insn *insn)
{
    unsigned most = 1;
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && is_vector(operand->reg.value) &&
            operand->element_count > most)
            most = operand->element_count;
    }
    return most;
}

/* `told` elements have a bit, or a sign, each: those beyond the ones in memory stand for the same again. */
static bool find_masked(struct lanes *lanes, unsigned element, unsigned in_memory, unsigned told)
{
    bool is_power = element != 0 && (element & (element - 1)) == 0;
    if (!is_power || element > ELEMENT_MOST || in_memory == 0 || element * in_memory > VECTOR_MOST ||
        told > VECTOR_MOST)
        return false;
    lanes->index = ZYDIS_REGISTER_NONE;
    lanes->size = (uint16_t)(element * in_memory);
    lanes->told.count = (uint8_t)told;
    lanes->told.element = (uint8_t)log2_of(element);
    return true;
}

static bool find_by_bits(struct lanes *lanes, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    bool is_spread = insn->decoded.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID;
    bool is_one = is_spread && !insn->decoded.avx.broadcast.is_static;
    unsigned in_memory = is_one ? 1 : operand->element_count;
    lanes->mask = insn->decoded.avx.mask.reg;
    lanes->told = (struct image_lanes){.kind = is_packed(insn) ? IMAGE_LANES_PACKED : IMAGE_LANES_MASKED};
    return leaves_out(insn->decoded.meta.exception_class) &&
           find_masked(lanes, operand->element_size / 8u, in_memory, is_spread ? most_elements(insn) : in_memory);
}

static bool find_by_signs(struct lanes *lanes, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    unsigned element = insn_signs_of_mask(insn), count = operand->size / 8u / element;
    lanes->mask = insn->operands[1].reg.value;
    lanes->told = (struct image_lanes){.kind = IMAGE_LANES_MASKED, .has_signs = true};
    return find_masked(lanes, element, count, count);
}

/* ---- all ------------------------------------------------------------------------------------------------------------ */

bool insn_has_mask(const struct insn *insn)
{
    ZydisRegister mask = insn->decoded.avx.mask.reg;
    return mask != ZYDIS_REGISTER_NONE && mask != ZYDIS_REGISTER_K0;
}

bool lanes_are_told(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    return operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB || insn_signs_of_mask(insn) != 0 || insn_has_mask(insn) ||
           insn->decoded.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ;
}

bool lanes_of(struct lanes *lanes, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    if (insn->decoded.address_width != 64 || insn->decoded.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ)
        return false;
    return operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB ? find_gathered(lanes, insn, operand)
           : insn_signs_of_mask(insn) != 0            ? find_by_signs(lanes, insn, operand)
                                                      : find_by_bits(lanes, insn, operand);
}

struct image_lanes lanes_of_choice(const struct access *access)
{
    struct choice choice = access->choice;
    return (struct image_lanes){.kind = IMAGE_LANES_CHOSEN,
                                .count = choice.count,
                                .element = (uint8_t)log2_of(choice.element),
                                .has_signs = choice.sign != 0,
                                .index = (uint8_t)(choice.sign == 0 ? 0 : log2_of(choice.sign))};
}

/* `insn` is the one that has the mask. */
static void spill_mask(struct image_draft *draft, const struct insn *insn, struct image_lanes told, ZydisRegister mask)
{
    bool is_legacy = insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    if (told.has_signs)
        encode_store_vector(draft, mask, is_legacy, PLANE_LANES_MASK);
    else
        encode_store_mask(draft, mask, told.count > BITS_OF_WORD, PLANE_LANES_MASK);
}

void lanes_spill(struct image_draft *draft, const struct insn *here, const struct insn *insn,
                 const struct access *access)
{
    struct lanes lanes;
    if (access->choice.count != 0) {
        ZydisRegister mask = access->choice.sign != 0 ? here->operands[1].reg.value : here->decoded.avx.mask.reg;
        spill_mask(draft, here, lanes_of_choice(access), mask);
    } else if (access->role == ACCESS_LANES && lanes_of(&lanes, insn, &insn->operands[access->operand])) {
        spill_mask(draft, insn, lanes.told, lanes.mask);
        if (lanes.index != ZYDIS_REGISTER_NONE)
            encode_store_vector(draft, lanes.index, false, PLANE_LANES_INDEX);
    }
}

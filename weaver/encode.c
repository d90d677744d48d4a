/* encode.c: instructions of our own with a memory operand. */
#include "weaver/encode.h"

#include "weaver/plane.h"

enum {
    OPCODE_MOV_STORE = 0x89,
    OPCODE_MOV_LOAD = 0x8b,
    OPCODE_LEA = 0x8d,
    OPCODE_ADD_LOAD = 0x03,
    OPCODE_MOV_IMMEDIATE = 0xb8
};

/* Returns: false when it is no general-purpose register of 32 or 64 bits, RIP or none. */
static bool register_from(uint8_t *number, ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE) {
        *number = ENCODE_NONE;
        return true;
    }
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) {
        *number = ENCODE_RIP;
        return true;
    }
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    *number = (uint8_t)ZydisRegisterGetId(reg);
    return class == ZYDIS_REGCLASS_GPR64 || class == ZYDIS_REGCLASS_GPR32;
}

bool encode_operand_from(struct encode_operand *operand, const struct insn *insn, int index)
{
    if (index < 0 || index >= insn->decoded.operand_count)
        return false;
    const ZydisDecodedOperand *from = &insn->operands[index];
    bool has_indices = from->mem.type == ZYDIS_MEMOP_TYPE_VSIB;
    bool is_thread = from->mem.segment == ZYDIS_REGISTER_FS;
    if (from->type != ZYDIS_OPERAND_TYPE_MEMORY || from->mem.segment == ZYDIS_REGISTER_GS ||
        (is_thread && insn->decoded.address_width != 64) || !register_from(&operand->base, from->mem.base) ||
        !register_from(&operand->index, has_indices ? ZYDIS_REGISTER_NONE : from->mem.index))
        return false;
    operand->scale = from->mem.scale ? from->mem.scale : 1;
    operand->is_thread = is_thread;
    operand->is_address32 = insn->decoded.address_width == 32;
    operand->displacement = from->mem.disp.has_displacement ? from->mem.disp.value : 0;
    if (operand->base == ENCODE_RIP)
        operand->displacement += (int64_t)(insn->address + insn->length);
    else if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_POP && operand->base == ENCODE_RSP)
        operand->displacement += 8; /* POP computes its operand's address after RSP moved */
    return operand->index != ENCODE_RIP;
}

register_set encode_operand_registers(const struct encode_operand *operand)
{
    return (operand->base < ENCODE_RIP ? (register_set)1 << operand->base : 0) |
           (operand->index < ENCODE_RIP ? (register_set)1 << operand->index : 0);
}

static void encode_prefixes(struct image_draft *draft, unsigned flags, unsigned reg,
                            const struct encode_operand *operand)
{
    if (flags & ENCODE_FS)
        draft_byte(draft, 0x64);
    if (flags & ENCODE_GS)
        draft_byte(draft, 0x65);
    if (flags & ENCODE_ADDRESS32)
        draft_byte(draft, 0x67);
    if (flags & ENCODE_16)
        draft_byte(draft, 0x66);
    unsigned base = operand->base < ENCODE_RIP ? operand->base : 0;
    unsigned index = operand->index < ENCODE_RIP ? operand->index : 0;
    unsigned rex = (flags & ENCODE_64 ? 8U : 0U) | reg >> 3 << 2 | index >> 3 << 1 | base >> 3;
    if (rex || ((flags & ENCODE_8) && reg >= ENCODE_RSP))
        draft_byte(draft, 0x40 | rex);
}

static unsigned log2_scale(unsigned scale)
{
    return scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
}

static void encode_modrm(struct image_draft *draft, unsigned reg, const struct encode_operand *operand, size_t trailing)
{
    unsigned field = (reg & 7) << 3, sib_index = operand->index < ENCODE_RIP ? operand->index & 7U : 4;
    unsigned sib = log2_scale(operand->scale) << 6 | sib_index << 3;
    int32_t displacement = (int32_t)(uint32_t)(uint64_t)operand->displacement;
    if (operand->base == ENCODE_RIP) {
        draft_byte(draft, field | 5);
        draft_u32(draft, 0);
        draft_refer(draft, draft->code_size - 4, draft->code_size + trailing, (uint64_t)operand->displacement);
        return;
    }
    if (operand->base == ENCODE_NONE) {
        draft_byte(draft, field | 4);
        draft_byte(draft, sib | 5);
        draft_u32(draft, (uint32_t)displacement);
        return;
    }
    unsigned base = operand->base & 7U;
    unsigned mod = displacement == 0 && base != 5 ? 0 : displacement >= -128 && displacement <= 127 ? 1 : 2;
    if (operand->index < ENCODE_RIP || base == 4) {
        draft_byte(draft, mod << 6 | field | 4);
        draft_byte(draft, sib | base);
    } else {
        draft_byte(draft, mod << 6 | field | base);
    }
    if (mod == 1)
        draft_byte(draft, (uint8_t)displacement);
    else if (mod == 2)
        draft_u32(draft, (uint32_t)displacement);
}

void encode_memory(struct image_draft *draft, unsigned flags, unsigned opcode, unsigned reg,
                   const struct encode_operand *operand, size_t trailing)
{
    encode_prefixes(draft, flags, reg, operand);
    if (opcode > 0xff)
        draft_byte(draft, opcode >> 8);
    draft_byte(draft, opcode & 0xff);
    encode_modrm(draft, reg, operand, trailing);
}

void encode_field(struct image_draft *draft, unsigned flags, unsigned opcode, unsigned reg, int32_t displacement,
                  size_t trailing)
{
    struct encode_operand operand = {ENCODE_NONE, ENCODE_NONE, 1, false, displacement, false};
    encode_memory(draft, flags | ENCODE_GS, opcode, reg, &operand, trailing);
}

void encode_and(struct image_draft *draft, unsigned reg, uint32_t immediate)
{
    bool is_byte = immediate >= UINT32_C(0xffffff80); /* extended by its sign */
    if (reg >= 8)
        draft_byte(draft, 0x41);
    draft_byte(draft, is_byte ? 0x83 : 0x81);
    draft_byte(draft, 0xe0 | (reg & 7));
    if (is_byte)
        draft_byte(draft, immediate & 0xff);
    else
        draft_u32(draft, immediate);
}

void encode_test(struct image_draft *draft, unsigned reg, uint32_t immediate)
{
    if (reg >= 8)
        draft_byte(draft, 0x41);
    draft_byte(draft, 0xf7);
    draft_byte(draft, 0xc0 | (reg & 7));
    draft_u32(draft, immediate);
}

uint32_t encode_jump_on(struct image_draft *draft, unsigned condition)
{
    draft_byte(draft, 0x0f);
    draft_byte(draft, 0x80 | condition);
    draft_u32(draft, 0);
    return draft_offset(draft) - 4;
}

void encode_jump_end(struct image_draft *draft, uint32_t field)
{
    if (field != 0)
        draft_set_u32(draft, field, draft_offset(draft) - (field + 4));
}

void encode_store(struct image_draft *draft, unsigned reg, int32_t displacement)
{
    encode_field(draft, ENCODE_64, OPCODE_MOV_STORE, reg, displacement, 0);
}

void encode_load(struct image_draft *draft, unsigned reg, int32_t displacement)
{
    encode_field(draft, ENCODE_64, OPCODE_MOV_LOAD, reg, displacement, 0);
}

/* gs:[displacement], behind prefixes and opcode. */
static void encode_field_modrm(struct image_draft *draft, unsigned reg, int32_t displacement)
{
    const struct encode_operand field = {ENCODE_NONE, ENCODE_NONE, 1, false, displacement, false};
    encode_modrm(draft, reg, &field, 0);
}

/* Source: Intel's Software Developer's Manual, volume 2, "The VEX Prefix", "Intel AVX-512 Encoding". */
void encode_store_vector(struct image_draft *draft, ZydisRegister vector, bool is_legacy, int32_t displacement)
{
    enum { OPCODE_MOVUPS_STORE = 0x11, VEX_LEAST = 0xc5, EVEX = 0x62, ESCAPE = 0x0f };
    unsigned reg = (unsigned)ZydisRegisterGetId(vector);
    ZydisRegisterClass class = ZydisRegisterGetClass(vector);
    unsigned length = class == ZYDIS_REGCLASS_ZMM ? 2 : class == ZYDIS_REGCLASS_YMM ? 1 : 0;
    if (is_legacy) {
        encode_field(draft, 0, ESCAPE << 8 | OPCODE_MOVUPS_STORE, reg, displacement, 0);
        return;
    }
    draft_byte(draft, 0x65);
    if (length < 2 && reg < 16) {
        draft_byte(draft, VEX_LEAST);
        draft_byte(draft, (~reg & 8) << 4 | 0x78 | length << 2);
    } else {
        draft_byte(draft, EVEX);
        draft_byte(draft, (~reg & 8) << 4 | 0x60 | (~reg & 16) | 1);
        draft_byte(draft, 0x7c);
        draft_byte(draft, length << 5 | 8);
    }
    draft_byte(draft, OPCODE_MOVUPS_STORE);
    encode_field_modrm(draft, reg & 7, displacement);
}

void encode_store_mask(struct image_draft *draft, ZydisRegister mask, bool is_long, int32_t displacement)
{
    draft_byte(draft, 0x65);
    draft_bytes(draft, is_long ? "\xc4\xe1\xf8" : "\xc5\xf8", is_long ? 3 : 2);
    draft_byte(draft, 0x91); /* KMOVQ, KMOVW */
    encode_field_modrm(draft, (unsigned)ZydisRegisterGetId(mask), displacement);
}

/* The thread pointer is what stands where it points to.  Source: the ABI's supplement for thread-local storage. */
static void encode_thread_pointer(struct image_draft *draft, unsigned opcode, unsigned reg)
{
    const struct encode_operand pointer = {ENCODE_NONE, ENCODE_NONE, 1, false, 0, false};
    encode_memory(draft, ENCODE_64 | ENCODE_FS, opcode, reg, &pointer, 0);
}

/* With instructions that leave the flags alone. */
static void encode_thread_address(struct image_draft *draft, const struct encode_operand *operand, unsigned reg)
{
    const struct encode_operand indexed = {(uint8_t)reg, operand->index,        operand->scale,
                                           false,        operand->displacement, false};
    const struct encode_operand based = {operand->base, (uint8_t)reg, 1, false, 0, false};
    encode_thread_pointer(draft, OPCODE_MOV_LOAD, reg);
    encode_memory(draft, ENCODE_64, OPCODE_LEA, reg, &indexed, 0);
    if (operand->base != ENCODE_NONE)
        encode_memory(draft, ENCODE_64, OPCODE_LEA, reg, &based, 0);
}

void encode_address(struct image_draft *draft, const struct encode_operand *operand, unsigned reg)
{
    if (operand->is_thread) {
        encode_thread_address(draft, operand, reg);
        return;
    }
    if (operand->base == ENCODE_NONE && operand->displacement != (int32_t)operand->displacement) {
        uint64_t address = (uint64_t)operand->displacement; /* MOV with a 64-bit address (moffs) */
        draft_byte(draft, 0x48 | reg >> 3);
        draft_byte(draft, OPCODE_MOV_IMMEDIATE | (reg & 7));
        draft_bytes(draft, &address, sizeof address);
        return;
    }
    encode_memory(draft, ENCODE_64 | (operand->is_address32 ? ENCODE_ADDRESS32 : 0), OPCODE_LEA, reg, operand, 0);
}

void encode_address_in_rdi(struct image_draft *draft, const struct encode_operand *operand, int moved)
{
    struct encode_operand adjusted = *operand;
    if (operand->base == ENCODE_RSP)
        adjusted.displacement += moved;
    adjusted.is_thread = false;
    encode_address(draft, &adjusted, ENCODE_RDI);
    if (operand->is_thread)
        encode_thread_pointer(draft, OPCODE_ADD_LOAD, ENCODE_RDI);
}

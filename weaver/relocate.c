/* relocate.c: copies one instruction of the program to another address. */
#include "weaver/relocate.h"

#include "weaver/elf_private.h"

enum {
    OPCODE_MOV_EAX_IMM32 = 0xb8,
    OPCODE_JMP_REL32 = 0xe9,
    OPCODE_JMP_REL8 = 0xeb,
    OPCODE_TWO_BYTES = 0x0f,
    OPCODE_JCC_REL32 = 0x80,
};

/* LOOPNE, LOOPE, LOOP and JRCXZ (E0..E3) know only 8-bit displacements. */
static bool is_counter_branch(const struct insn *insn)
{
    return insn->decoded.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && insn->decoded.opcode >= 0xe0 &&
           insn->decoded.opcode <= 0xe3;
}

static bool is_condition(const struct insn *insn)
{
    uint8_t opcode = insn->decoded.opcode;
    return (insn->decoded.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && opcode >= 0x70 && opcode <= 0x7f) ||
           (insn->decoded.opcode_map == ZYDIS_OPCODE_MAP_0F && opcode >= 0x80 && opcode <= 0x8f);
}

/* XBEGIN: a transaction. */
static bool is_transaction(const struct insn *insn)
{
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_XBEGIN;
}

const char *relocate_refusal(const struct insn *insn)
{
    bool is_branch = insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH;
    if (insn->decoded.raw.imm[0].is_relative && !is_branch && insn->role != ROLE_CALL)
        return "an instruction with a relative operand that is no branch";
    if (insn->role == ROLE_BRANCH && !is_counter_branch(insn) && !is_condition(insn) && !is_transaction(insn))
        return "an unknown conditional branch";
    return NULL;
}

void relocate_copy(struct image_draft *draft, const struct elf_module *module, const struct insn *insn)
{
    size_t start = draft->code_size;
    const uint8_t *bytes = elf_bytes_at(module, insn->address, insn->length);
    draft_bytes(draft, bytes, insn->length);
    if ((insn->decoded.attributes & ZYDIS_ATTRIB_IS_RELATIVE) && insn->decoded.raw.modrm.mod == 0 &&
        insn->decoded.raw.modrm.rm == 5 && insn->decoded.raw.disp.size == 32) {
        uint64_t target = insn->address + insn->length + (uint64_t)insn->decoded.raw.disp.value;
        draft_refer(draft, start + insn->decoded.raw.disp.offset, start + insn->length, target);
    }
}

/* The branch leads over the jump that follows it when not taken:  loop .+2; jmp .+5; jmp target. */
static void emit_counter_branch(struct image_draft *draft, const struct insn *insn)
{
    if (insn->decoded.address_width == 32)
        draft_byte(draft, 0x67);
    draft_byte(draft, insn->decoded.opcode);
    draft_byte(draft, 2);
    draft_byte(draft, OPCODE_JMP_REL8);
    draft_byte(draft, 5);
    draft_byte(draft, OPCODE_JMP_REL32);
}

/* A transaction in a clone has failed at once, for no reason that it could be tried again for: every program has another way then, as
 * any transaction may fail at any time (Intel SDM, volume 1, 16.3.5).  What the checks write would be lost with it. */
static uint32_t relocate_transaction(struct image_draft *draft)
{
    draft_byte(draft, OPCODE_MOV_EAX_IMM32);
    draft_u32(draft, 0);
    return relocate_jump(draft);
}

uint32_t relocate_branch(struct image_draft *draft, const struct insn *insn)
{
    if (is_transaction(insn))
        return relocate_transaction(draft);
    if (insn->role == ROLE_JUMP)
        return relocate_jump(draft);
    if (is_counter_branch(insn)) {
        emit_counter_branch(draft, insn);
    } else {
        draft_byte(draft, OPCODE_TWO_BYTES);
        draft_byte(draft, OPCODE_JCC_REL32 | (insn->decoded.opcode & 15));
    }
    draft_u32(draft, 0);
    return draft_offset(draft) - 4;
}

uint32_t relocate_jump(struct image_draft *draft)
{
    draft_byte(draft, OPCODE_JMP_REL32);
    draft_u32(draft, 0);
    return draft_offset(draft) - 4;
}

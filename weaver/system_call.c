/* system_call.c: SYSCALL instructions of the program's own. */
#include "weaver/system_call.h"

#include <sys/syscall.h>

#include "weaver/encode.h"
#include "weaver/plane.h"

enum { OPCODE_CALL_MEMORY = 0xff, CALL_FIELD = 2, OPCODE_LEA = 0x8d, OPCODE_JRCXZ = 0xe3, OPCODE_JMP_REL8 = 0xeb };

bool system_call_is(const struct insn *insn)
{
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_SYSCALL;
}

bool system_call_is_in(const struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++)
        if (system_call_is(&function->insns[i]))
            return true;
    return false;
}

/* Returns: the code offset of the jump's field. */
static uint32_t emit_short_jump(struct image_draft *draft, unsigned opcode)
{
    draft_byte(draft, opcode);
    draft_byte(draft, 0);
    return draft_offset(draft) - 1;
}

static void land(struct image_draft *draft, uint32_t field)
{
    if (!draft->has_failed)
        draft->code[field] = (uint8_t)(draft_offset(draft) - (field + 1));
}

static void emit_lea_rcx(struct image_draft *draft, int64_t displacement)
{
    const struct encode_operand sum = {ENCODE_RAX, ENCODE_NONE, 1, false, displacement, false};
    encode_memory(draft, ENCODE_64, OPCODE_LEA, ENCODE_RCX, &sum, 0);
}

static void emit_instruction(struct image_draft *draft)
{
    draft_bytes(draft, "\x0f\x05", 2);
}

/* Returns: the field of the jump that the maker takes. */
static uint32_t emit_making(struct image_draft *draft, uint32_t number)
{
    emit_instruction(draft);
    emit_lea_rcx(draft, 0);
    draft_bytes(draft, "\xe3\x02", 2); /* over the jump */
    uint32_t maker = emit_short_jump(draft, OPCODE_JMP_REL8);
    draft_byte(draft, 0xb9); /* mov ecx, number */
    draft_u32(draft, number);
    draft_bytes(draft, "\x48\x8d\x64\x24\x80", 5); /* lea rsp, [rsp-128] */
    encode_field(draft, 0, OPCODE_CALL_MEMORY, CALL_FIELD, PLANE_ROUTINE(PLANE_THREAD), 0);
    draft_bytes(draft, "\x48\x8d\xa4\x24\x80\0\0\0", 8); /* lea rsp, [rsp+128] */
    return maker;
}

void system_call_emit(struct image_draft *draft)
{
    emit_lea_rcx(draft, -SYS_clone);
    uint32_t clone = emit_short_jump(draft, OPCODE_JRCXZ);
    emit_lea_rcx(draft, -SYS_clone3);
    uint32_t clone3 = emit_short_jump(draft, OPCODE_JRCXZ);
    emit_instruction(draft);
    uint32_t others = emit_short_jump(draft, OPCODE_JMP_REL8);
    land(draft, clone);
    uint32_t maker = emit_making(draft, SYS_clone);
    uint32_t thread = emit_short_jump(draft, OPCODE_JMP_REL8);
    land(draft, clone3);
    uint32_t maker3 = emit_making(draft, SYS_clone3);
    land(draft, others);
    land(draft, maker);
    land(draft, thread);
    land(draft, maker3);
}

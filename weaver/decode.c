/* decode.c: bytes of a function into instructions with the part they play in the flow of control. */
#include <stdlib.h>

#include "weaver/passes.h"

static uint8_t jump_role(const struct insn *insn)
{
    return insn->operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? ROLE_JUMP : ROLE_INDIRECT_JUMP;
}

static uint8_t role_of(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) { /* the categories of which would make branches of all three */
    case ZYDIS_MNEMONIC_XBEGIN:
        return ROLE_BRANCH;
    case ZYDIS_MNEMONIC_XEND:
    case ZYDIS_MNEMONIC_XABORT:
        return ROLE_PLAIN;
    default:
        break;
    }
    switch (insn->decoded.meta.category) {
    case ZYDIS_CATEGORY_CALL:
        return ROLE_CALL;
    case ZYDIS_CATEGORY_RET:
        return ROLE_RETURN;
    case ZYDIS_CATEGORY_COND_BR:
        return ROLE_BRANCH;
    case ZYDIS_CATEGORY_UNCOND_BR:
        return jump_role(insn);
    default:
        break;
    }
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_HLT:
        return ROLE_TRAP;
    default:
        return ROLE_PLAIN;
    }
}

/* Returns: why a function with this instruction is left alone, or NULL. */
static const char *reason_against(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_SYSRET:
        return "has instructions of a kernel";
    default:
        return insn->decoded.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? "has a far jump, call or return" : NULL;
    }
}

static bool is_direct(const struct insn *insn)
{
    if (insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH)
        return true;
    return insn->role == ROLE_CALL && insn->operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

/* Returns: false when the bytes are no instruction. */
static bool decode_one(const ZydisDecoder *decoder, const uint8_t *bytes, uint64_t size, uint64_t address,
                       struct insn *insn)
{
    ZydisDecoderContext context;
    if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder, &context, bytes, size, &insn->decoded)) ||
        ZYAN_FAILED(
            ZydisDecoderDecodeOperands(decoder, &context, &insn->decoded, insn->operands, insn->decoded.operand_count)))
        return false;
    insn->address = address;
    insn->length = insn->decoded.length;
    insn->access_count = 0;
    insn->is_block_start = false;
    insn->is_entry = false;
    insn->is_join = false;
    insn->cfa = IMAGE_CFA_UNKNOWN;
    insn->cfa_offset = 0;
    insn->live = REGISTER_ALL;
    insn->soon = 0;
    insn->early[0] = insn->early[1] = 0;
    insn->target_index = FUNCTION_NONE;
    insn->refusal = NULL;
    insn->role = role_of(insn);
    insn->target = is_direct(insn) ? address + insn->length + insn->operands[0].imm.value.u : 0;
    return true;
}

static bool grow(struct function *function, size_t *capacity)
{
    size_t wanted = *capacity ? *capacity * 2 : (function->range.high - function->range.low) / 4 + 16;
    struct insn *grown = realloc(function->insns, wanted * sizeof *grown);
    if (!grown)
        return false;
    function->insns = grown;
    *capacity = wanted;
    return true;
}

/* Padding behind the last instruction of the function is reached by nobody. */
static void cut_padding(struct function *function)
{
    size_t count = function->insn_count;
    while (count && (function->insns[count - 1].decoded.mnemonic == ZYDIS_MNEMONIC_NOP ||
                     function->insns[count - 1].decoded.mnemonic == ZYDIS_MNEMONIC_INT3))
        count--;
    if (count && !insn_falls_through(&function->insns[count - 1]))
        function->insn_count = count;
}

bool decode_function(const struct elf_module *module, struct function *function)
{
    const struct function_range range = function->range;
    const uint8_t *bytes = elf_bytes_at(module, range.low, range.high - range.low);
    size_t capacity = 0;
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (uint64_t address = range.low; address < range.high;) {
        if (function->insn_count == capacity && !grow(function, &capacity))
            return false;
        struct insn *insn = &function->insns[function->insn_count];
        if (!decode_one(&decoder, bytes + (address - range.low), range.high - address, address, insn)) {
            function->refusal = "has bytes that are no instruction";
            break;
        }
        if (!function->refusal)
            function->refusal = reason_against(insn);
        function->insn_count++;
        address += insn->length;
    }
    if (!function->refusal)
        cut_padding(function);
    return true;
}

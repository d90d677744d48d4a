/* table_stores.c: stores of the address of a table of functions, as constructors and destructors make them, or of two at once.
 *
 *      lea table(%rip), %rax;  mov %rax, (%rdi)           mov table@GOT(%rip), %rax;  add $16, %rax;  mov %rax, (%rdi)
 *      lea table(%rip), %rax;  lea 40(%rax), %rcx;  movq %rax, %xmm0;  movq %rcx, %xmm1;  punpcklqdq %xmm1, %xmm0;  movups %xmm0, (%rdi)
 *
 * Model:  a store of what is there already changes nothing that another thread could see: it is no access.  A destructor makes
 *         such stores of its own class's table, while another thread may still be in a virtual function that it waits for.
 *         The value is followed back through straight code.  A table is what the loader made read-only after it has put
 *         addresses there; where addresses are fixed, what is read-only and begins with one of code.
 * Source: LLVM's tsan, __tsan_vptr_update().
 */
#include "weaver/passes.h"

enum { INSNS_BACK = 24, TABLE_HEAD = 16 /* of a virtual table, before what objects point to; units: bytes */ };

static bool is_in_relro(const struct elf_module *module, uint64_t address)
{
    return address >= module->own->relro_low && address < module->own->relro_high;
}

static bool is_table(const struct elf_module *module, uint64_t address)
{
    uint64_t first;
    if (address % sizeof first != 0 || elf_is_text(module, address))
        return false;
    if (is_in_relro(module, address))
        return true;
    const uint8_t *bytes = elf_bytes_at(module, address, sizeof first);
    if (module->is_pie || !bytes || !elf_module_is_readonly(module, address, sizeof first))
        return false;
    memcpy(&first, bytes, sizeof first);
    return elf_is_text(module, first);
}

/* Returns: the instruction before `at` that sets the register last, or NULL. */
static const struct insn *setter_of(const struct function *function, size_t at, ZydisRegister reg, size_t *index)
{
    size_t floor = at > INSNS_BACK ? at - INSNS_BACK : 0;
    while (at > floor && !function->insns[at].is_block_start)
        if (insn_changes(&function->insns[--at]) & register_bit(reg)) {
            *index = at;
            return &function->insns[at];
        }
    return NULL;
}

static uint64_t behind(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    return insn->address + insn->length + (uint64_t)operand->mem.disp.value;
}

/* Is the register loaded from a place that the loader has filled in, before the instruction at `at`? */
static bool is_from_loader(const struct elf_module *module, const struct function *function, size_t at,
                           ZydisRegister reg)
{
    const struct insn *setter = setter_of(function, at, reg, &at);
    return setter && setter->decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
           setter->operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY &&
           setter->operands[1].mem.base == ZYDIS_REGISTER_RIP &&
           is_in_relro(module, behind(setter, &setter->operands[1]));
}

/* Is what lies so far behind the address in the register, known or filled in by the loader, a table? */
static bool is_behind_register(const struct elf_module *module, const struct function *function, size_t at,
                               ZydisRegister reg, int64_t distance)
{
    size_t before = at;
    const struct insn *setter = setter_of(function, at, reg, &before);
    if (setter && setter->decoded.mnemonic == ZYDIS_MNEMONIC_LEA && setter->operands[1].mem.base == ZYDIS_REGISTER_RIP)
        return is_table(module, behind(setter, &setter->operands[1]) + (uint64_t)distance);
    return distance >= TABLE_HEAD && is_from_loader(module, function, at, reg);
}

static bool holds_table(const struct elf_module *module, const struct function *function, size_t at, ZydisRegister reg)
{
    const struct insn *setter = setter_of(function, at, reg, &at);
    const ZydisDecodedOperand *from = setter ? &setter->operands[1] : NULL;
    if (!setter)
        return false;
    switch (setter->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_LEA:
        if (from->mem.base == ZYDIS_REGISTER_RIP)
            return is_table(module, behind(setter, from));
        return from->mem.index == ZYDIS_REGISTER_NONE &&
               is_behind_register(module, function, at, from->mem.base, from->mem.disp.value);
    case ZYDIS_MNEMONIC_ADD:
        return from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
               is_behind_register(module, function, at, reg, from->imm.value.s);
    case ZYDIS_MNEMONIC_MOV:
        return from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !module->is_pie && is_table(module, from->imm.value.u);
    default:
        return false;
    }
}

/* ---- two at once --------------------------------------------------------------------------------------------------- */

static bool is_vector(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_XMM0 && reg <= ZYDIS_REGISTER_ZMM31;
}

static bool sets_vector(const struct insn *insn, ZydisRegister reg)
{
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
            is_vector(operand->reg.value) && ZydisRegisterGetId(operand->reg.value) == ZydisRegisterGetId(reg))
            return true;
    }
    return false;
}

/* Returns: the instruction before `at` that sets the vector register last, with no call in between, or NULL. */
static const struct insn *vector_setter_of(const struct function *function, size_t at, ZydisRegister reg, size_t *index)
{
    size_t floor = at > INSNS_BACK ? at - INSNS_BACK : 0;
    while (at > floor && !function->insns[at].is_block_start && function->insns[at - 1].role == ROLE_PLAIN)
        if (sets_vector(&function->insns[--at], reg)) {
            *index = at;
            return &function->insns[at];
        }
    return NULL;
}

/* Is the operand, which the instruction at `at` reads, a table's address, from a register or where addresses are fixed? */
static bool gives_table(const struct elf_module *module, const struct function *function, size_t at,
                        const ZydisDecodedOperand *from)
{
    if (from->type == ZYDIS_OPERAND_TYPE_REGISTER)
        return register_bit(from->reg.value) && holds_table(module, function, at, from->reg.value);
    if (module->is_pie || from->type != ZYDIS_OPERAND_TYPE_MEMORY || from->mem.base != ZYDIS_REGISTER_RIP)
        return false;
    uint64_t place = behind(&function->insns[at], from), address;
    const uint8_t *bytes = elf_bytes_at(module, place, sizeof address);
    if (!bytes || !elf_module_is_readonly(module, place, sizeof address))
        return false;
    memcpy(&address, bytes, sizeof address);
    return is_table(module, address);
}

static bool holds_table_low(const struct elf_module *module, const struct function *function, size_t at,
                            const ZydisDecodedOperand *vector)
{
    const struct insn *setter =
        vector->type == ZYDIS_OPERAND_TYPE_REGISTER ? vector_setter_of(function, at, vector->reg.value, &at) : NULL;
    return setter &&
           (setter->decoded.mnemonic == ZYDIS_MNEMONIC_MOVQ || setter->decoded.mnemonic == ZYDIS_MNEMONIC_VMOVQ) &&
           gives_table(module, function, at, &setter->operands[1]);
}

static bool holds_two_tables(const struct elf_module *module, const struct function *function, size_t at,
                             ZydisRegister reg)
{
    const struct insn *setter = vector_setter_of(function, at, reg, &at);
    if (!setter)
        return false;
    const ZydisDecodedOperand *operands = setter->operands;
    switch (setter->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_PUNPCKLQDQ:
        return holds_table_low(module, function, at, &operands[0]) &&
               holds_table_low(module, function, at, &operands[1]);
    case ZYDIS_MNEMONIC_VPUNPCKLQDQ:
        return holds_table_low(module, function, at, &operands[1]) &&
               holds_table_low(module, function, at, &operands[2]);
    case ZYDIS_MNEMONIC_PINSRQ:
        return operands[2].imm.value.u == 1 && holds_table_low(module, function, at, &operands[0]) &&
               gives_table(module, function, at, &operands[1]);
    case ZYDIS_MNEMONIC_VPINSRQ:
        return operands[3].imm.value.u == 1 && holds_table_low(module, function, at, &operands[1]) &&
               gives_table(module, function, at, &operands[2]);
    case ZYDIS_MNEMONIC_MOVHPS:
        return holds_table_low(module, function, at, &operands[0]) && gives_table(module, function, at, &operands[1]);
    default:
        return false;
    }
}

static bool moves_vector(const struct insn *insn)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVAPS:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_MOVDQA:
    case ZYDIS_MNEMONIC_VMOVUPS:
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVDQU:
    case ZYDIS_MNEMONIC_VMOVDQA:
        return true;
    default:
        return false;
    }
}

static bool stores_two_tables(const struct elf_module *module, const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    const ZydisDecodedOperand *value = &insn->operands[1];
    return moves_vector(insn) && insn->operands[0].mem.segment != ZYDIS_REGISTER_FS &&
           insn->decoded.address_width == 64 && value->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           value->reg.value >= ZYDIS_REGISTER_XMM0 && value->reg.value <= ZYDIS_REGISTER_XMM15 &&
           holds_two_tables(module, function, index, value->reg.value);
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

static bool stores_table(const struct elf_module *module, const struct function *function, size_t index)
{
    const struct insn *insn = &function->insns[index];
    const ZydisDecodedOperand *value = &insn->operands[1];
    if (insn->decoded.mnemonic != ZYDIS_MNEMONIC_MOV || insn->operands[0].mem.segment == ZYDIS_REGISTER_FS ||
        insn->decoded.address_width != 64)
        return false;
    if (value->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return !module->is_pie && is_table(module, value->imm.value.u);
    return value->type == ZYDIS_OPERAND_TYPE_REGISTER && holds_table(module, function, index, value->reg.value);
}

void table_stores_mark(const struct elf_module *module, struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        struct access *access = &insn->access[0];
        if (insn->role != ROLE_PLAIN || insn->access_count != 1 || access->role != ACCESS_PLAIN || !access->is_write ||
            access->operand != 0)
            continue;
        access->may_repeat = (access->size == sizeof(uint64_t) && stores_table(module, function, i)) ||
                             (access->size == 2 * sizeof(uint64_t) && stores_two_tables(module, function, i));
    }
}

/* atomic_moves.c: gives plain accesses the role that debug information says they have. */
#include "weaver/atomic_info.h"

static bool covers(const struct atomic_ranges *ranges, uint64_t address)
{
    size_t low = 0, high = ranges->count;
    while (low < high) { /* the first that begins above the address */
        size_t middle = low + (high - low) / 2;
        if (ranges->ranges[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low && address < ranges->ranges[low - 1].high;
}

/* Returns: the address that the operand names by itself, or 0 when a register is in it. */
static uint64_t named_address(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    uint64_t displacement = (uint64_t)operand->mem.disp.value;
    if (operand->mem.base == ZYDIS_REGISTER_RIP)
        return insn->address + insn->length + displacement;
    bool is_absolute = operand->mem.base == ZYDIS_REGISTER_NONE && operand->mem.index == ZYDIS_REGISTER_NONE;
    return is_absolute ? displacement : 0;
}

static void look_at(const struct atomic_info *info, struct insn *insn, struct access *access)
{
    const ZydisDecodedOperand *operand = &insn->operands[access->operand];
    uint64_t named = named_address(insn, operand);
    bool is_relaxed = covers(&info->relaxed, insn->address);
    if (covers(&info->code, insn->address) || is_relaxed || (named && covers(&info->data, named))) {
        if (access->is_write)
            access->role = is_relaxed ? ACCESS_RELAXED_STORE : ACCESS_ATOMIC_STORE;
        else
            access->role = is_relaxed ? ACCESS_RELAXED_LOAD : ACCESS_ATOMIC_LOAD;
        access->is_guess = false;
    } else if (insn_is_plain_move(insn, access->size)) {
        bool may_be_known_size = !named && (info->c_atomic_sizes >> access->size & 1) != 0;
        access->is_guess = may_be_known_size || covers(&info->unread, insn->address);
    }
}

void atomic_moves_mark(const struct elf_module *module, struct function *function)
{
    const struct atomic_info *info = module->own->atomics;
    for (size_t i = 0; info && i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        for (size_t j = 0; insn->role == ROLE_PLAIN && j < insn->access_count; j++) {
            struct access *access = &insn->access[j];
            if (access->role == ACCESS_PLAIN && access->operand >= 0 && !access->read_modify && access->size <= 16)
                look_at(info, insn, access);
        }
    }
}

/* atomic_moves.c: gives plain accesses the role that debug information says they have. */
#include "weaver/atomic_info.h"
#include "weaver/places.h"

enum { INSNS_BACK = 24 };

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

/* Returns: the address of the module that the instruction's operand leads to, or 0 when a register of unknown value is in it. */
static uint64_t named_address(const struct function *function, size_t index)
{
    size_t floor = index;
    while (floor > 0 && index - floor < INSNS_BACK && !function->insns[floor].is_block_start)
        floor--;
    struct place place = place_find(function, index, index, floor);
    return place.is_known && place.base == ZYDIS_REGISTER_NONE ? place.displacement : 0;
}

static void make_atomic(struct access *access, bool is_relaxed)
{
    if (access->is_write)
        access->role = is_relaxed ? ACCESS_RELAXED_STORE : ACCESS_ATOMIC_STORE;
    else
        access->role = is_relaxed ? ACCESS_RELAXED_LOAD : ACCESS_ATOMIC_LOAD;
    access->is_guess = false;
}

static void look_at(const struct elf_module *module, const struct insn *insn, struct access *access, uint64_t named)
{
    const struct atomic_info *info = module->own->atomics;
    bool says_relaxed = covers(&info->relaxed, insn->address), is_relaxed = says_relaxed && !info->calls_fences;
    if (covers(&info->code, insn->address) || says_relaxed || (named && covers(&info->data, named))) {
        make_atomic(access, is_relaxed);
        return;
    }
    bool may_be_known_size = !named && (info->c_atomic_sizes >> access->size & 1) != 0;
    bool may_be_atomic = module->makes_locks || may_be_known_size || !covers(&info->plain, insn->address);
    if (access->role == ACCESS_PLAIN) {
        access->is_guess = may_be_atomic && insn_may_be_atomic(module, insn, access->size);
    } else if (!may_be_atomic) { /* a loop waits for a plain variable: it hands over, but it races */
        access->role = ACCESS_PLAIN;
        access->is_guess = false;
        access->decides = true;
    }
}

static bool may_be_told(const struct access *access)
{
    bool is_open = access->role == ACCESS_PLAIN || (access->role == ACCESS_ATOMIC_LOAD && access->is_guess);
    return is_open && access->operand >= 0 && !access->read_modify && access->size <= 16;
}

void atomic_moves_mark(const struct elf_module *module, struct function *function)
{
    if (!module->own->atomics && !module->makes_atomics)
        return;
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        for (size_t j = 0; insn->role == ROLE_PLAIN && j < insn->access_count; j++) {
            struct access *access = &insn->access[j];
            if (!may_be_told(access))
                continue;
            if (module->makes_atomics)
                make_atomic(access, false);
            else
                look_at(module, insn, access, j == 0 ? named_address(function, i) : 0);
        }
    }
}

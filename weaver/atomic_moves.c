/* atomic_moves.c: gives plain accesses the role that debug information says they have. */
#include "weaver/atomic_info.h"
#include "weaver/places.h"
#include "weaver/sorted.h"

enum { INSNS_BACK = 24 };

static bool covers(const struct atomic_ranges *ranges, uint64_t address)
{
    size_t above = SORTED_UP_TO(ranges->ranges, ranges->count, low, address);
    return above && address < ranges->ranges[above - 1].high;
}

enum { REGISTERS = 16, SETTERS_NONE = 0, SETTERS_ONE, SETTERS_MANY };

/* What registers that a function restores before it returns hold all through it, once they are set: a place in the module, set once. */
struct kept_places {
    uint8_t setters[REGISTERS];
    uint64_t address[REGISTERS]; /* 0: something else */
};

static bool restores(const struct insn *insn)
{
    return insn->decoded.mnemonic == ZYDIS_MNEMONIC_POP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_LEAVE;
}

static void find_kept_places(const struct function *function, struct kept_places *kept)
{
    *kept = (struct kept_places){.setters = {SETTERS_NONE}};
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        bool is_place =
            insn->decoded.mnemonic == ZYDIS_MNEMONIC_LEA && insn->operands[1].mem.base == ZYDIS_REGISTER_RIP;
        for (unsigned reg = 0; reg < REGISTERS && !restores(insn); reg++) {
            if ((insn_changes(insn) >> reg & 1) == 0)
                continue;
            kept->setters[reg] = kept->setters[reg] == SETTERS_NONE ? SETTERS_ONE : SETTERS_MANY;
            kept->address[reg] =
                is_place ? insn->address + insn->length + (uint64_t)insn->operands[1].mem.disp.value : 0;
        }
    }
}

/* Before it is set such a register holds its caller's value, through which nothing is accessed. */
static uint64_t kept_address(const struct kept_places *kept, const struct place *place)
{
    unsigned reg = (unsigned)__builtin_ctz(register_bit(place->base) | 1U << REGISTERS);
    bool is_kept = (CALL_KEEPS >> reg & 1) != 0 && kept->setters[reg] == SETTERS_ONE && kept->address[reg] != 0;
    return is_kept ? kept->address[reg] + place->displacement : 0;
}

/* Returns: the address of the module that the instruction's operand leads to, or 0 when a register of unknown value is in it. */
static uint64_t named_address(const struct function *function, const struct kept_places *kept, size_t index)
{
    size_t floor = index;
    while (floor > 0 && index - floor < INSNS_BACK && !function->insns[floor].is_block_start)
        floor--;
    struct place place = place_find(function, index, index, floor);
    if (!place.is_known)
        return 0;
    return place.base == ZYDIS_REGISTER_NONE ? place.displacement : kept_address(kept, &place);
}

static void make_atomic(struct access *access, bool is_relaxed)
{
    if (access->is_write)
        access->role = is_relaxed ? ACCESS_RELAXED_STORE : ACCESS_ATOMIC_STORE;
    else
        access->role = is_relaxed ? ACCESS_RELAXED_LOAD : ACCESS_ATOMIC_LOAD;
    access->is_guess = false;
}

/* A wider one sets what surrounds an atomic variable as well, and is none itself. */
static bool is_in_atomic_data(const struct atomic_info *info, uint64_t address, uint16_t size)
{
    return covers(&info->data, address) && covers(&info->data, address + size - 1);
}

static void look_at(const struct elf_module *module, const struct insn *insn, struct access *access, uint64_t named)
{
    const struct atomic_info *info = module->own->atomics;
    bool says_relaxed = covers(&info->relaxed, insn->address), is_relaxed = says_relaxed && !info->calls_fences;
    if (covers(&info->code, insn->address) || says_relaxed || (named && is_in_atomic_data(info, named, access->size))) {
        make_atomic(access, is_relaxed);
        return;
    }
    bool may_be_known_size = !named && (info->c_atomic_sizes >> access->size & 1) != 0;
    bool may_be_atomic = module->makes_locks || may_be_known_size || !covers(&info->plain, insn->address);
    if (access->role == ACCESS_PLAIN) {
        access->is_guess = may_be_atomic && insn_may_be_atomic(module, insn, access->size);
        access->looks = !may_be_atomic && !access->is_write && access->size <= 8; /* when it decides: decisions.c */
    } else if (!may_be_atomic) { /* a loop waits for a plain variable: it hands over, but it races */
        access->role = ACCESS_PLAIN;
        access->is_guess = false;
        access->decides = true;
    }
}

/* A read-modify-write that orders nothing. */
static bool is_relaxed_change(const struct elf_module *module, const struct insn *insn, const struct access *access)
{
    const struct atomic_info *info = module->own->atomics;
    return info && access->role == ACCESS_ATOMIC && !info->calls_fences && covers(&info->relaxed, insn->address);
}

/* An instruction without LOCK that reads and writes may be what clang makes of an atomic store of what an atomic load found, changed. */
static bool may_be_told(const struct access *access)
{
    bool is_open = access->role == ACCESS_PLAIN || (access->role == ACCESS_ATOMIC_LOAD && access->is_guess);
    return is_open && access->operand >= 0 && access->size <= 16;
}

void atomic_moves_mark(const struct elf_module *module, struct function *function)
{
    if (!module->own->atomics && !module->makes_atomics)
        return;
    struct kept_places kept;
    find_kept_places(function, &kept);
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        for (size_t j = 0; insn->role == ROLE_PLAIN && j < insn->access_count; j++) {
            struct access *access = &insn->access[j];
            access->is_relaxed = is_relaxed_change(module, insn, access);
            if (!may_be_told(access))
                continue;
            if (module->makes_atomics)
                make_atomic(access, false);
            else
                look_at(module, insn, access, j == 0 ? named_address(function, &kept, i) : 0);
        }
    }
}

/* plt.c: whom a call of a stub in the procedure linkage table means. */
#include <stdlib.h>

#include "weaver/passes.h"

/* Returns: the address of the slot that the stub at `address` jumps through; 0 when there is no stub. */
static uint64_t slot_of(const struct elf_module *module, uint64_t address)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    const uint8_t *code = elf_bytes_at(module, address, 16);
    if (!code)
        return 0;
    size_t at = memcmp(code, endbr64, sizeof endbr64) == 0 ? sizeof endbr64 : 0;
    at += code[at] == 0xf2; /* bnd */
    if (code[at] != 0xff || code[at + 1] != 0x25)
        return 0;
    int32_t displacement;
    memcpy(&displacement, code + at + 2, sizeof displacement);
    return address + at + 6 + (uint64_t)(int64_t)displacement;
}

static const char *symbol_of(const struct elf_module *module, uint64_t index)
{
    const struct section *symbols = elf_section(module, ".dynsym"), *names = elf_section(module, ".dynstr");
    Elf64_Sym symbol;
    if (!symbols || !names || !symbols->bytes || !names->bytes || index >= symbols->size / sizeof symbol)
        return NULL;
    memcpy(&symbol, symbols->bytes + index * sizeof symbol, sizeof symbol);
    if (names->size == 0 || names->bytes[names->size - 1] != 0 || symbol.st_name >= names->size)
        return NULL;
    return (const char *)names->bytes + symbol.st_name;
}

static bool is_import(const Elf64_Rela *entry)
{
    uint32_t type = (uint32_t)ELF64_R_TYPE(entry->r_info);
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
}

static int by_slot(const void *left, const void *right)
{
    const struct import_slot *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

bool import_slots_read(struct elf_module *module)
{
    struct elf_private *own = module->own;
    size_t count = 0;
    for (struct relocation_walk walk = {0}; elf_next_relocation(module, &walk);)
        count += is_import(&walk.entry);
    own->slots = calloc(count + 1, sizeof *own->slots);
    if (!own->slots)
        return false;
    for (struct relocation_walk walk = {0}; elf_next_relocation(module, &walk);)
        if (is_import(&walk.entry))
            own->slots[own->slot_count++] = (struct import_slot){walk.entry.r_offset, ELF64_R_SYM(walk.entry.r_info)};
    qsort(own->slots, own->slot_count, sizeof *own->slots, by_slot);
    return true;
}

const char *plt_name(const struct elf_module *module, uint64_t address)
{
    const struct import_slot wanted = {.address = slot_of(module, address)};
    const struct import_slot *slot =
        wanted.address == 0 ? NULL
                            : bsearch(&wanted, module->own->slots, module->own->slot_count, sizeof wanted, by_slot);
    return slot ? symbol_of(module, slot->symbol) : NULL;
}

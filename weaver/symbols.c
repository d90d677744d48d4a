/* symbols.c: the names of places in the text, from .symtab and .dynsym. */
#include <stdlib.h>
#include <string.h>

#include "weaver/elf_private.h"
#include "weaver/sorted.h"

static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void read_table(struct elf_module *module, const struct section *table)
{
    struct elf_private *own = module->own;
    const struct section *names = &own->sections[table->link];
    for (size_t i = 0; i < table->size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym raw;
        memcpy(&raw, table->bytes + i * sizeof raw, sizeof raw);
        uint8_t type = ELF64_ST_TYPE(raw.st_info);
        bool may_be_code = type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
        if (!may_be_code || raw.st_shndx == SHN_UNDEF || raw.st_name >= names->size ||
            !elf_is_text(module, raw.st_value))
            continue;
        own->symbols[own->symbol_count++] = (struct symbol){.address = raw.st_value,
                                                            .size = raw.st_size,
                                                            .name = (const char *)names->bytes + raw.st_name,
                                                            .type = type,
                                                            .is_exported = table->type == SHT_DYNSYM};
    }
}

static bool is_table(const struct elf_module *module, const struct section *section)
{
    if ((section->type != SHT_SYMTAB && section->type != SHT_DYNSYM) || section->link >= module->own->section_count)
        return false;
    const struct section *names = &module->own->sections[section->link];
    return names->type == SHT_STRTAB && names->size && names->bytes && names->bytes[names->size - 1] == 0;
}

bool symbols_read(struct elf_module *module)
{
    struct elf_private *own = module->own;
    size_t most = 1;
    for (size_t i = 0; i < own->section_count; i++)
        if (is_table(module, &own->sections[i]))
            most += own->sections[i].size / sizeof(Elf64_Sym);
    own->symbols = calloc(most, sizeof *own->symbols);
    if (!own->symbols)
        return false;
    for (size_t i = 0; i < own->section_count; i++)
        if (is_table(module, &own->sections[i]))
            read_table(module, &own->sections[i]);
    qsort(own->symbols, own->symbol_count, sizeof *own->symbols, by_address);
    return true;
}

const struct symbol *symbols_at(const struct elf_module *module, uint64_t address, size_t *count)
{
    const struct symbol *symbols = module->own->symbols;
    size_t first = SORTED_BELOW(symbols, module->own->symbol_count, address, address);
    for (*count = 0; first + *count < module->own->symbol_count && symbols[first + *count].address == address;)
        ++*count;
    return &symbols[first];
}

const char *symbol_name_at(const struct elf_module *module, uint64_t address)
{
    size_t count;
    const struct symbol *symbols = symbols_at(module, address, &count);
    for (size_t i = 0; i < count; i++)
        if (symbols[i].name[0])
            return symbols[i].name;
    return NULL;
}

/* entries.c: where control may come from outside what a clone knows; see entries.h. */
#include "weaver/entries.h"

#include <stdlib.h>

static void mark_relocations(struct elf_module *module)
{
    for (struct relocation_walk walk = {0}; elf_next_relocation(module, &walk);) {
        uint32_t type = (uint32_t)ELF64_R_TYPE(walk.entry.r_info);
        if (type == R_X86_64_RELATIVE || type == R_X86_64_IRELATIVE)
            entry_mark(module, (uint64_t)walk.entry.r_addend, ENTRY_ADDRESS);
    }
}

/* Where addresses stand in place (no bias; or a packed table of relocations), any aligned word may be one. */
static void mark_words(struct elf_module *module)
{
    if (module->is_pie && !elf_section(module, ".relr.dyn"))
        return;
    for (size_t i = 0; i < module->own->section_count; i++) {
        const struct section *section = &module->own->sections[i];
        if (!section->bytes || (section->flags & SHF_EXECINSTR) || !(section->flags & SHF_ALLOC))
            continue;
        for (uint64_t at = (8 - section->address % 8) % 8; at + 8 <= section->size; at += 8) {
            uint64_t word;
            memcpy(&word, section->bytes + at, sizeof word);
            entry_mark(module, word, ENTRY_ADDRESS);
        }
    }
}

static void mark_names(struct elf_module *module)
{
    const struct elf_private *own = module->own;
    for (size_t i = 0; i < own->symbol_count; i++)
        if (own->symbols[i].type != STT_NOTYPE)
            entry_mark(module, own->symbols[i].address,
                       own->symbols[i].type == STT_FUNC ? ENTRY_ADDRESS | ENTRY_CALLED : ENTRY_ADDRESS);
    entry_mark(module, own->start, ENTRY_ADDRESS);
    entry_mark(module, own->init, ENTRY_ADDRESS);
    entry_mark(module, own->fini, ENTRY_ADDRESS);
}

static void mark_functions(struct elf_module *module)
{
    for (size_t i = 0; i < module->function_count; i++)
        module->entry_kinds[module->functions[i].low - module->text_low] |= ENTRY_FUNCTION;
}

/* What was marked before boundaries were known and lies on none is forgotten. */
static void clean(struct elf_module *module)
{
    for (uint64_t i = 0; i < module->text_high - module->text_low; i++) {
        uint8_t kinds = module->entry_kinds[i];
        if (kinds)
            module->entry_kinds[i] = kinds & ENTRY_BOUNDARY ? kinds & (uint8_t)~ENTRY_BOUNDARY : kinds & ENTRY_FUNCTION;
    }
}

bool entries_find(struct elf_module *module)
{
    struct entry_scan scan = {.module = module};
    code_scan(&scan);
    for (size_t i = 0; i < scan.count; i++)
        entry_mark(module, scan.references[i].address, ENTRY_ADDRESS);
    jump_tables_mark(&scan);
    free(scan.references);
    landing_pads_mark(module);
    mark_relocations(module);
    mark_words(module);
    mark_names(module);
    mark_functions(module);
    clean(module);
    return !scan.no_memory;
}

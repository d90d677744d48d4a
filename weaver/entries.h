/* entries.h: how the entry points of a module are found; what a patch must never lie across.
 *
 *   text --code_scan--> boundaries, after-calls, [references] --jump_tables--> targets      \
 *   .gcc_except_table --landing_pads--> pads                                                 }--> entry_kinds[]
 *   relocations, data words, symbols, headers --entries--> addresses taken                  /
 *
 * Model:     one that is found though it is none costs a patch; one that is missed may cost the program's life.  So
 *            whatever looks like the address of an instruction in data is taken for one.
 * Invariant: every mark of entry_kinds[] but that of functions lies on a boundary between instructions of a function.
 */
#ifndef LOCKHOUND_WEAVER_ENTRIES_H
#define LOCKHOUND_WEAVER_ENTRIES_H

#include "weaver/elf_private.h"

/* A bit of entry_kinds[] while entries are looked for only: an instruction of a known function begins here. */
enum { ENTRY_BOUNDARY = 1 << 7 };

/* An address that code names: lea reg, [rip + x], or an immediate where addresses are absolute. */
struct reference {
    uint64_t address;
    uint32_t function; /* index; UINT32_MAX: none */
};

struct entry_scan {
    struct elf_module *module;
    struct reference *references;
    size_t count, capacity;
    bool no_memory;
};

/* code_scan.c: decodes all of the text; marks boundaries, entries after calls and targets of branches from one function
 * into the middle of another, and collects references. */
void code_scan(struct entry_scan *scan);

/* jump_tables.c: marks what the tables among the references lead to. */
void jump_tables_mark(struct entry_scan *scan);

/* landing_pads.c: marks where exceptions are caught. */
void landing_pads_mark(struct elf_module *module);

/* Returns: whether an instruction of a known function begins at `address`.  While entries are looked for only. */
static inline bool entry_is_boundary(const struct elf_module *module, uint64_t address)
{
    return address >= module->text_low && address < module->text_high &&
           (module->entry_kinds[address - module->text_low] & ENTRY_BOUNDARY);
}

/* Marks `address` when an instruction begins there.  Returns: whether one does. */
static inline bool entry_mark(struct elf_module *module, uint64_t address, uint8_t kind)
{
    if (!entry_is_boundary(module, address))
        return false;
    module->entry_kinds[address - module->text_low] |= kind;
    return true;
}

#endif

/* elf_private.h: what the analysis keeps of an ELF file beside what model.h shows. */
#ifndef LOCKHOUND_WEAVER_ELF_PRIVATE_H
#define LOCKHOUND_WEAVER_ELF_PRIVATE_H

#include <elf.h>

#include "weaver/eh_frame.h"
#include "weaver/model.h"

struct section {
    const char *name;
    const uint8_t *bytes; /* NULL when it takes no room in the file */
    uint64_t address, size;
    uint32_t type;
    uint64_t flags;
    uint32_t link;
};

struct symbol {
    uint64_t address, size;
    const char *name;
    uint8_t type;     /* STT_ */
    bool is_exported; /* from .dynsym */
};

/* [low, high) of code. */
struct code_range {
    uint64_t low, high;
};

/* A word that the loader fills with a function's address. */
struct import_slot {
    uint64_t address;
    uint64_t symbol; /* index in .dynsym */
};

struct elf_private {
    struct section *sections;
    size_t section_count;
    struct code_range *code; /* sections of instructions; a segment may hold constants beside them */
    size_t code_count;
    struct fde *fdes;
    size_t fde_count;
    struct symbol *symbols; /* functions and untyped ones with an address in the text, by address */
    size_t symbol_count;
    struct import_slot *slots; /* by address */
    size_t slot_count;
    uint64_t relro_low, relro_high;
    struct atomic_info *atomics; /* NULL: there is no debug information */
    uint64_t start, init, fini;  /* addresses; 0: none */
    bool is_allocator;           /* see gates.h */
};

/* Returns: the section of that name, or NULL. */
const struct section *elf_section(const struct elf_module *module, const char *name);

/* Goes through the relocations that the loader reads; zeroed before the first. */
struct relocation_walk {
    size_t section;
    uint64_t at; /* bytes of the section that were read */
    Elf64_Rela entry;
};
/* Returns: whether there is one more, in walk->entry. */
bool elf_next_relocation(const struct elf_module *module, struct relocation_walk *walk);

/* Returns: the bytes of the file that stand at `address`, when [address, address + size) is wholly in the file and in one
 * segment; NULL otherwise. */
const uint8_t *elf_bytes_at(const struct elf_module *module, uint64_t address, uint64_t size);

/* Returns: whether `address` is in code. */
bool elf_is_text(const struct elf_module *module, uint64_t address);

/* symbols.c.  Returns: false when there is no memory. */
bool symbols_read(struct elf_module *module);
const char *symbol_name_at(const struct elf_module *module, uint64_t address);
/* Returns: the symbols at `address`, *count of them. */
const struct symbol *symbols_at(const struct elf_module *module, uint64_t address, size_t *count);

/* plt.c: fills own->slots.  Returns: false when there is no memory. */
bool import_slots_read(struct elf_module *module);

/* gates.c: whether the module is an allocator. */
void gates_find(struct elf_module *module);

/* functions.c.  Returns: whether `address` is in a procedure linkage table. */
bool elf_is_plt(const struct elf_module *module, uint64_t address);

/* functions.c: fills module->functions from FDEs and symbols.  Returns: false when there is no memory. */
bool functions_find(struct elf_module *module);

/* Returns: the index of the function that `address` is in, or SIZE_MAX. */
size_t function_at(const struct elf_module *module, uint64_t address);

/* entries.c: fills module->entry_kinds, and refusal for what decoding shows.  Returns: false when there is no memory. */
bool entries_find(struct elf_module *module);

#endif

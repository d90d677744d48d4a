#include "preload/dynamic_symbol.h"

#include "preload/lockhound.h"
#include "preload/real.h"

#include <string.h>

struct search {
    const char *name;
    uint32_t hash;
    uintptr_t found;
    size_t size;
};

struct tables {
    const ElfW(Sym) * symbols;
    const char *names;
    const uint32_t *hash; /* buckets, first symbol, size of the filter, shift; filter; buckets; chains */
};

static uint32_t hash_name(const char *name)
{
    enum { SEED = 5381, FACTOR = 33 };
    uint32_t hash = SEED;
    for (; *name != '\0'; name++)
        hash = hash * FACTOR + (unsigned char)*name;
    return hash;
}

/* The loader has added the base to these pointers already, except where the section is read-only. */
static const void *absolute(uintptr_t base, uintptr_t pointer)
{
    return (const void *)(pointer < base ? base + pointer : pointer);
}

static struct tables find_tables(uintptr_t base, const ElfW(Dyn) * dynamic)
{
    struct tables tables = {0};
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        const void *pointer = absolute(base, dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_SYMTAB)
            tables.symbols = pointer;
        else if (dynamic->d_tag == DT_STRTAB)
            tables.names = pointer;
        else if (dynamic->d_tag == DT_GNU_HASH)
            tables.hash = pointer;
    }
    return tables;
}

/* Returns: the symbol, or NULL when the module does not define it. */
static const ElfW(Sym) * look_up(const struct tables *tables, const struct search *search)
{
    uint32_t bucket_count = tables->hash[0];
    uint32_t first_symbol = tables->hash[1];
    uint32_t filter_size = tables->hash[2];
    const uint32_t *filter = tables->hash + 4;
    const uint32_t *buckets = filter + filter_size * (sizeof(ElfW(Addr)) / sizeof *filter);
    const uint32_t *chains = buckets + bucket_count;
    if (bucket_count == 0)
        return NULL;

    uint32_t i = buckets[search->hash % bucket_count];
    if (i < first_symbol)
        return NULL;
    for (;; i++) {
        uint32_t hash = chains[i - first_symbol];
        const ElfW(Sym) *symbol = &tables->symbols[i];
        if ((hash | 1) == (search->hash | 1) && symbol->st_shndx != SHN_UNDEF &&
            strcmp(tables->names + symbol->st_name, search->name) == 0)
            return symbol;
        if ((hash & 1) != 0) /* the last of its chain */
            return NULL;
    }
}

static bool is_this_library(const struct dl_phdr_info *module)
{
    uintptr_t ours = (uintptr_t)&lockhound;
    for (int i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && ours - module->dlpi_addr - segment->p_vaddr < segment->p_memsz)
            return true;
    }
    return false;
}

/* Returns: the symbol of the module with these headers, or NULL. */
static const ElfW(Sym) *
    find_in(uintptr_t base, const ElfW(Phdr) * segments, unsigned count, const struct search *search)
{
    const ElfW(Sym) *symbol = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (segments[i].p_type != PT_DYNAMIC)
            continue;
        struct tables tables = find_tables(base, (const ElfW(Dyn) *)(base + segments[i].p_vaddr));
        bool is_whole = tables.hash != NULL && tables.symbols != NULL && tables.names != NULL;
        symbol = is_whole ? look_up(&tables, search) : NULL;
    }
    return symbol;
}

static int visit_module(struct dl_phdr_info *module, size_t size, void *argument)
{
    (void)size;
    struct search *search = argument;
    if (is_this_library(module))
        return 0;
    const ElfW(Sym) *symbol = find_in(module->dlpi_addr, module->dlpi_phdr, module->dlpi_phnum, search);
    if (symbol != NULL && symbol->st_value != 0) {
        search->found = module->dlpi_addr + symbol->st_value;
        search->size = symbol->st_size;
    }
    return search->found != 0;
}

uintptr_t dynamic_symbol_find_object(const char *name, size_t *size)
{
    struct search search = {.name = name, .hash = hash_name(name)};
    dl_iterate_phdr(visit_module, &search);
    *size = search.size;
    return search.found;
}

uintptr_t dynamic_symbol_find(const char *name)
{
    size_t size;
    return dynamic_symbol_find_object(name, &size);
}

bool dynamic_symbol_is_defined_in(const struct module *module, const char *name)
{
    const struct search search = {.name = name, .hash = hash_name(name)};
    return find_in(module->bias, module->phdr, module->phdr_count, &search) != NULL;
}

uintptr_t dynamic_symbol_function_in(const struct module *module, const char *name)
{
    const struct search search = {.name = name, .hash = hash_name(name)};
    const ElfW(Sym) *symbol = find_in(module->bias, module->phdr, module->phdr_count, &search);
    return symbol != NULL && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ? module->bias + symbol->st_value : 0;
}

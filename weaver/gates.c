#include "weaver/gates.h"

#include <string.h>

#include "weaver/elf_private.h"

/* The names, between blanks.  C++: operator new and delete, of arrays, with and without alignment, size and nothrow. */
static const struct {
    enum image_gate_kind kind;
    const char *names;
} known[] = {
    {IMAGE_GATE_GIVES,
     " malloc valloc pvalloc mallocx _Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t "
     "_ZnamSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t "},
    {IMAGE_GATE_GIVES_MANY, " calloc "},
    {IMAGE_GATE_GIVES_ALIGNED, " memalign aligned_alloc "},
    {IMAGE_GATE_GIVES_TO, " posix_memalign "},
    {IMAGE_GATE_RESIZES, " realloc rallocx "},
    {IMAGE_GATE_RESIZES_MANY, " reallocarray "},
    {IMAGE_GATE_TAKES,
     " free cfree free_sized free_aligned_sized dallocx sdallocx _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm "
     "_ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t "
     "_ZdaPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t "},
    {IMAGE_GATE_INSIDE,
     " malloc_usable_size malloc_trim malloc_stats malloc_info mallopt mallinfo mallinfo2 mallctl mallctlbymib "
     "mallctlnametomib malloc_stats_print xallocx sallocx nallocx "},
};

static bool is_among(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(names, name); length > 0 && at; at = strstr(at + 1, name))
        if (at > names && at[-1] == ' ' && at[length] == ' ')
            return true;
    return false;
}

static enum image_gate_kind kind_of(const struct symbol *symbol)
{
    char name[64];
    size_t length = strcspn(symbol->name, ".");
    bool is_part = symbol->name[length] != '\0';
    if (length >= sizeof name || symbol->type != STT_FUNC || (!symbol->is_exported && !is_part))
        return IMAGE_GATE_NONE;
    memcpy(name, symbol->name, length);
    name[length] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_among(known[i].names, name))
            return is_part ? IMAGE_GATE_INSIDE : known[i].kind;
    return IMAGE_GATE_NONE;
}

static bool exports(const struct elf_module *module, const char *name)
{
    for (size_t i = 0; i < module->own->symbol_count; i++) {
        const struct symbol *symbol = &module->own->symbols[i];
        if (symbol->is_exported && strcmp(symbol->name, name) == 0)
            return true;
    }
    return false;
}

void gates_find(struct elf_module *module)
{
    module->own->is_allocator = exports(module, "malloc") && exports(module, "free");
}

enum image_gate_kind gate_of(const struct elf_module *module, uint64_t address)
{
    size_t count;
    const struct symbol *symbols = symbols_at(module, address, &count);
    enum image_gate_kind kind = IMAGE_GATE_NONE;
    for (size_t i = 0; module->own->is_allocator && i < count && kind == IMAGE_GATE_NONE; i++)
        kind = kind_of(&symbols[i]);
    return kind;
}

/* entries.c: where control may come from outside what a clone knows. */
#include "weaver/elf_private.h"

bool entries_find(struct elf_module *module)
{
    for (size_t i = 0; i < module->function_count; i++)
        module->entry_kinds[module->functions[i].low - module->text_low] |= ENTRY_FUNCTION;
    return true;
}

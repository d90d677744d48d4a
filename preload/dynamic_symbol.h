/* dynamic_symbol.h: a function of any loaded module, without the loader's own look-up.
 *
 *   name --> modules in load order --> .gnu.hash --> .dynsym --> address
 *
 * For what real.h cannot resolve: a library that came with dlopen(RTLD_LOCAL) is not in our search order, and dlsym()
 * would take the loader's lock, which another thread may hold while it waits for this one.
 * Source:    the layout of DT_GNU_HASH as glibc's elf/dl-lookup.c reads it.
 */
#ifndef LOCKHOUND_PRELOAD_DYNAMIC_SYMBOL_H
#define LOCKHOUND_PRELOAD_DYNAMIC_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

#include "preload/modules.h"

/* Returns: the address of the first definition outside this library, or 0.  Context: signal, in-malloc, loader-lock. */
uintptr_t dynamic_symbol_find(const char *name);
/* The same, and how large the definition is.  Context: signal, in-malloc, loader-lock. */
uintptr_t dynamic_symbol_find_object(const char *name, size_t *size);
/* Returns: true when the module exports a definition of `name`.  Context: signal, in-malloc, loader-lock. */
bool dynamic_symbol_is_defined_in(const struct module *module, const char *name);
/* Returns: the address of the function that the module exports by that name, or 0.
 * Context: signal, in-malloc, loader-lock. */
uintptr_t dynamic_symbol_function_in(const struct module *module, const char *name);

#endif

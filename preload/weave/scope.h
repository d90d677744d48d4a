/* scope.h: which modules are woven.
 *
 *   --weave=LIST given      --> what matches it, and nothing else (lockhound, the loader and the kernel's page never)
 *   else                    --> all but libc and its parts, unwinders, run-times of sanitizers; of allocators that come
 *                               as a library the gates alone (gate.h)
 *   --no-weave=LIST given   --> not what matches it, in either case
 *
 * LIST is globs (*, ?) between commas, each compared with the whole path and with the name behind its last slash.
 * An allocator is a module that defines malloc and free.  A library that is one holds nothing of the program's; a program
 * that is one is woven like any other, with gates.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_SCOPE_H
#define LOCKHOUND_PRELOAD_WEAVE_SCOPE_H

#include <stdbool.h>

#include "preload/modules.h"

/* Returns: NULL when the module is to be woven, else why not, as a constant string.  Context: loader-lock, in-malloc. */
const char *scope_exclusion(const struct module *module);

/* Returns: true when of a module that is to be woven nothing but its gates is.  Context: loader-lock, in-malloc. */
bool scope_is_gates_alone(const struct module *module);

/* Returns: true when the module is an allocator with an operator new of its own, whose blocks no hook sees.
 * Context: loader-lock, in-malloc. */
bool scope_hides_blocks(const struct module *module);

/* Returns: true when the module defines the start of a sanitizer that watches memory: its library, or a program that Clang
 * has linked it into.  Context: loader-lock, in-malloc. */
bool scope_holds_sanitizer(const struct module *module);

/* Returns: true when one of the globs of `list` matches `path` or its last part.  Context: signal, in-malloc. */
bool scope_list_matches(const char *list, const char *path);

#endif

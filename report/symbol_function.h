/* symbol_function.h: what a function is called, by its debug information.
 *
 *   DIE --> mangled name, when it has one
 *       --> else its own name; within a function or a class without a name (a lambda) behind theirs:
 *           main::{lambda#2}::operator()
 *
 * Model:     what has no linkage has no mangled name in GCC's debug information, so that all lambdas would be one
 *            "operator()".  They are told apart as mangled names do it, by their number within what encloses them.
 * Memory:    names are in the pool or in the module's file.
 * Test:      tests/programs/cli/test_names.py
 */
#ifndef LOCKHOUND_REPORT_SYMBOL_FUNCTION_H
#define LOCKHOUND_REPORT_SYMBOL_FUNCTION_H

#include <elfutils/libdw.h>

#include "report/memory.h"

/* Returns: the function's name, mangled or as it is to be shown; NULL when it has none. */
const char *symbol_function_name(struct pool *pool, Dwarf_Die *function);

/* Returns: true when the function's own name is declared at this line and column: where GCC says that a function calls the part of
 * itself that was split off. */
bool symbol_function_begins_at(Dwarf_Die *function, uint32_t line, uint32_t column);

#endif

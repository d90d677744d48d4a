/* gates.h: which functions of a module are its allocator's: the library is told of each call of them and of its return.
 *
 *   .dynsym: malloc and free are defined --> [malloc, realloc, operator new, ...] --gate_of()--> enum image_gate_kind
 *
 * Model:     a module that exports malloc and free serves them to the whole process, and so it does the C++ operators that it
 *            exports beside them.  Known by their standard names alone.
 * Parts:     compilers split functions (free.part.0): what is of a known name up to a dot is inside, with arguments of its own.
 */
#ifndef LOCKHOUND_WEAVER_GATES_H
#define LOCKHOUND_WEAVER_GATES_H

#include "weaver/model.h"

/* Returns: what the function that begins at `address` is to the allocator; IMAGE_GATE_NONE when it is nothing. */
enum image_gate_kind gate_of(const struct elf_module *module, uint64_t address);

#endif

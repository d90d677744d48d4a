/* atomic_code.h: code of one unit whose plain moves are atomic: that of <atomic>, inlined, and of lines that call atomics.
 *
 *   line table --file, line--> <atomic>'s own file, or a text that calls an atomic operation --> ranges of addresses
 *   inlined calls --order------------------------------------------------------------------/
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_CODE_H
#define LOCKHOUND_WEAVER_ATOMIC_CODE_H

#include <elfutils/libdw.h>

#include "weaver/atomic_info.h"
#include "weaver/atomic_source.h"

/* Adds to the ranges of code.  Returns: whether the unit includes <atomic> or its like. */
bool atomic_code_read(struct atomic_info *info, struct atomic_sources *sources, Dwarf_Die *unit);

#endif

/* containers.h: functions of the C++ library that belong to containers.
 *
 *   the function's name --by how it begins--> a string, a list, a tree, a hash table: what it touches is plain
 *
 * Why:       the library comes without debug information, where each move may be an atomic one.  A container's are not: it
 *            synchronises nothing, and whoever shares one has to (C++ [res.on.data.races]).
 * Limit:     known by the names of the ABI, of libstdc++ and libc++.  Strings with shared copies (_ZNSs..., of before C++11)
 *            count their users by atomics, and streams are shared by contract: those are none of these.
 */
#ifndef LOCKHOUND_WEAVER_CONTAINERS_H
#define LOCKHOUND_WEAVER_CONTAINERS_H

#include <stdbool.h>

/* `name`: as the symbol table has it; may be NULL. */
bool container_has_function(const char *name);

#endif

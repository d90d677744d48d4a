/* resolve_code.h: names for objects on heap and stacks; for resolve.c alone. */
#ifndef LOCKHOUND_REPORT_RESOLVE_CODE_H
#define LOCKHOUND_REPORT_RESOLVE_CODE_H

#include "report/symbols.h"

/* Sets name and named_by of a lock, a condition variable or the like; Returns: false when no code that
 * debug information describes names it; nothing is changed then. */
bool resolve_lock_by_code(const struct run_finding *f, struct run_object *object, size_t size, struct pool *pool,
                          struct symbols *symbols);
/* The same for the memory of a race. */
bool resolve_memory_by_code(const struct run_finding *f, struct run_object *memory, struct pool *pool,
                            struct symbols *symbols);
/* Returns: what the memory of a race is to the code, the same whichever side came first: a variable, or a member of a type; NULL when
 * neither side says it. */
const char *resolve_memory_identity(const struct run_finding *f, const struct run_object *memory, struct pool *pool,
                                    struct symbols *symbols);

/* Returns: `name` up to the first member that the C library or that of C++ has for itself: "q" of "q._M_impl._M_start"; NULL when
 * nothing of the user's is left: where code of the library calls it so, "__mem" and "this" are its own. */
const char *resolve_without_internals(const char *name, bool is_of_library, struct pool *pool);

#endif

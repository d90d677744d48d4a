/* atomic_names.h: what a name before a parenthesis says by itself, and what a statement of assembly does.
 *
 * Model:  a call is of an atomic operation when its name contains "atomic", in either case, or is one of a few that are as well
 *         known.  It is of a fence when the name has "fence" in it, or ends with "barrier" or "mb" (Linux' smp_wmb()).
 *         Assembly is an atomic operation when it has an operand in memory and tells the compiler that it changes memory
 *         besides: so are those written that leave a plain move.
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_NAMES_H
#define LOCKHOUND_WEAVER_ATOMIC_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether `part` is in the name, or at its end, in either case. */
bool name_contains(const char *name, size_t size, const char *part);
bool name_ends_with(const char *name, size_t size, const char *part);
bool name_is(const char *name, size_t size, const char *word);
bool name_is_character(char c);
uint64_t name_hash(const char *name, size_t size);
/* Returns: where in [at, end) blanks and tabs end. */
const char *name_past_blanks(const char *at, const char *end);

bool atomic_name_is_call(const char *name, size_t size);
bool atomic_name_is_fence(const char *name, size_t size);
bool atomic_name_is_assembly(const char *name, size_t size);
/* Returns: whether the statement whose text follows its name at [at, end) is an atomic operation. */
bool atomic_assembly_at(const char *at, const char *end);

#endif

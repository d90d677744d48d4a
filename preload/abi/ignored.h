/* ignored.h: memory of which the program said that its races are none.
 *
 *   client request --ignored_add(), ignored_remove()--> [ranges] <--ignored_holds()-- a race is about to be told
 *
 * Model:     asked when a race was found, and only then: what accesses there order is not touched.
 * Threads:   any; a fixed table, under a lock of its own that is spun on.  Fresh memory is ignored no more.
 */
#ifndef LOCKHOUND_PRELOAD_ABI_IGNORED_H
#define LOCKHOUND_PRELOAD_ABI_IGNORED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern _Atomic uint32_t ignored_count;

/* Context of all: signal, in-malloc, loader-lock. */
void ignored_add(uint64_t low, uint64_t high);
/* Forgets the ranges that have a byte in [low, high). */
void ignored_remove(uint64_t low, uint64_t high);
bool ignored_holds(uint64_t address);

static inline bool ignored_has_any(void)
{
    return atomic_load_explicit(&ignored_count, memory_order_relaxed) != 0; /* a hint: the table has its lock */
}

#endif

/* access_trace.h: accesses to memory as lines of the trace (--trace-accesses), for `lockhound analyze` to predict races from.
 *
 *   a check that missed --site--\
 *   libc's accesses -------------+--> which event --not too many yet--> trace_access() --> FILE
 *   memory that is new ---------/
 *
 * Model:     a line stands where a check misses: the first access of a thread to a place since it last released anything.
 *            What may be atomic (RACE_GUESS) counts as atomic.  A read-modify-write is a store before it is done and a load
 *            after it, so that whoever saw a store stands behind it in the file.
 * Bound:     options.trace_accesses lines; what comes later is counted.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_ACCESS_TRACE_H
#define LOCKHOUND_PRELOAD_WEAVE_ACCESS_TRACE_H

#include "preload/lockhound.h"
#include "preload/stacks.h"
#include "preload/weave/routines.h"

struct image_site;
struct self;

/* Context: signal, in-malloc, loader-lock. */
static inline bool access_trace_is_on(void)
{
    return __builtin_expect(lockhound.tracing, 0) && lockhound.options.trace_accesses > 0;
}

/* Before the engine is told of it.  Context: signal, in-malloc, loader-lock, takes(OWN_RANK_TRACE). */
void access_trace_miss(struct plane *plane, uint64_t address, const struct image_site *site,
                       const struct routine_frame *frame);
/* An access that libc makes for the caller `at`.  Context: signal, in-malloc, loader-lock, takes(OWN_RANK_TRACE). */
void access_trace_library(struct self *self, uint64_t address, uint64_t size, uint32_t flags, struct callers_id at);
/* [low, high) is something else from now on.  Context: signal, in-malloc, loader-lock, takes(OWN_RANK_TRACE). */
void access_trace_fresh(struct self *self, uint64_t low, uint64_t high);

/* Returns: how many were left out.  Context: signal, late. */
uint64_t access_trace_left(void);

#endif

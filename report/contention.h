/* contention.h: what runs with contention=yes counted, summed by lock and by call site over processes and files.
 *
 *   run_decode --> run->contention (a record a lock of a process) --contention_merge--> run->contended, heaviest first
 *
 * Model:     variables are one lock each, by name; objects without a name are one entry by kind and by the function that
 *            initialised them, with their number.
 * Precision: a percentile is the upper end of its power of two, and no more than the maximum.
 */
#ifndef LOCKHOUND_REPORT_CONTENTION_H
#define LOCKHOUND_REPORT_CONTENTION_H

#include "preload/run_file.h"
#include "report/symbols.h"

struct contention_times {
    uint64_t total_ns, max_ns;
    uint64_t below[CONTENTION_BUCKETS];
};

struct contention_numbers {
    uint64_t acquisitions, contended;
    struct contention_times wait, hold;
};

struct contention_site {
    struct run_stack stack;
    bool is_shared;
    struct contention_numbers numbers;
    struct contention_site *next; /* heaviest first once merged */
};

struct contention_lock {
    struct run_object object; /* the first of them */
    const char *name;
    uint64_t locks; /* how many stand behind the name */
    struct contention_numbers numbers;
    struct contention_site *sites;
    struct contention_lock *next;
};

/* Names and sums what was read since the last call.  Owns: the run's pool. */
void contention_merge(struct run *run, struct symbols *symbols);
/* `percent` of the times were not above this.  Units: ns. */
uint64_t contention_percentile(const struct contention_times *times, unsigned percent);
/* Returns: the sites of a lock, summed over the ways that led to each place, heaviest first: what a table has room to tell
 * apart.  Owns: `pool`. */
const struct contention_site *contention_places(const struct contention_lock *lock, struct pool *pool);
/* Returns: the frame that a person would name as the place, or NULL. */
const struct symbol_frame *contention_place(const struct contention_site *site);

#endif

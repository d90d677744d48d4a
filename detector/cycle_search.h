/* cycle_search.h: looks for the valid cycles that a dependency closes, exactly and within a bounded number of steps.
 *
 *   closing dependency d1 --wanted--> nestings that hold it --> d2 --wanted--> ... --> dn wants a lock d1 holds
 *
 * Model:     depth-first over chains d1..dn that keep every rule of lock_order.h pairwise; short cycles first (depth
 *            limits 2, 3, 4, 8, ... each with its own allowance of steps), until some are news; one cycle for each set
 *            of wanted locks.
 * Invariant: chain[0..length) satisfies all rules but the last link, and the order of taking that needs all of
 *            them, at any time.
 * Side effect: a dependency that is dismissed because it came first in order gets recheck_wanted.
 * Threads:   no locking inside.
 */
#ifndef LOCKHOUND_DETECTOR_CYCLE_SEARCH_H
#define LOCKHOUND_DETECTOR_CYCLE_SEARCH_H

#include "detector/dependencies.h"

struct cycle_member {
    struct dependency *dependency;
    const struct held_lock *link; /* what it holds and the one before it wants; the last wants what the first holds */
};

struct cycle_cursor;

/* The scratch memory of searches; grows to the longest chain met. */
struct cycle_search {
    const struct detector_host *host;
    struct cycle_member *chain;
    struct cycle_cursor *cursors; /* beside the chain: where the look for each member's successor stands */
    size_t capacity;
    struct hash_table found; /* hashes of the sets of wanted locks reported in this search */
};

/* Called for each valid cycle; the closing dependency comes first.  Returns: true when it is news. */
typedef bool cycle_found(void *ctx, const struct cycle_member *members, size_t count);

enum cycle_result {
    CYCLE_NONE,      /* none was even near */
    CYCLE_DISMISSED, /* only such that break a rule */
    CYCLE_VALID,
};

void cycle_search_init(struct cycle_search *search, const struct detector_host *host);
void cycle_search_release(struct cycle_search *search);
/* Searches from a new occurrence, at `now`, of `closing`.  Sets *cut_short when it ran out of steps or memory. */
enum cycle_result cycle_search_run(struct cycle_search *search, struct dependency *closing,
                                   const struct clock_stamp *now, cycle_found *found, void *ctx, bool *cut_short);

#endif

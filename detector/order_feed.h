/* order_feed.h: from a thread's request to the lock-order graph, in most cases without going there.
 *
 *   request --> thread's order cache --known, same epoch--> nothing
 *                                    --known, new epoch---> dependency_repeated()      no rank
 *                                    --unknown------------> lock_order_request()       RANK_ORDER_GRAPH
 */
#ifndef LOCKHOUND_DETECTOR_ORDER_FEED_H
#define LOCKHOUND_DETECTOR_ORDER_FEED_H

#include "detector/state.h"

/* The part of order_feed() behind the cache. */
void order_feed_slow(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, struct stack_id at,
                     struct order_cache_entry *entry, uint64_t key);
/* The graph forgets this generation of `o`. */
void order_forget(struct detector *d, struct object *o);
/* The graph forgets it, and that its units kept anything apart. */
void order_forget_units(struct detector *d, struct object *semaphore);

/* The thread asks for `o` while it holds ordered locks. */
static inline void order_feed(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                              struct stack_id at)
{
    uint64_t key = chain_next(t->seat->held.chain, relaxed_load(&o->id), mode);
    struct order_cache_entry *entry = &t->order_cache[key % ORDER_CACHE_SIZE];
    if (entry->key != key || entry->epoch != t->handover.epoch)
        order_feed_slow(d, t, o, mode, at, entry, key);
}

#endif

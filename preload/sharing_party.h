/* sharing_party.h: a thread as the other processes are told of it: what it wants, what it holds, where.
 *
 *   self: shared holds, held set of the detector, stacks, hand-over clock --describe--> struct commons_party
 *
 * A lock of this process alone that is nested with a shared one is told of by its number here; see detector/commons.h.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_PARTY_H
#define LOCKHOUND_PRELOAD_SHARING_PARTY_H

#include "detector/commons.h"
#include "preload/self.h"

/* What a thread wants. */
struct sharing_wish {
    struct commons_lock lock;    /* without its stack; identity 0: `object` is wanted */
    const struct object *object; /* of this process alone */
    enum lock_mode mode;
    struct stack_id at;
    bool is_wait; /* it is about to sleep */
};

/* Returns: true for a lock that no other process knows, so far as it can be part of an order, or when `is_wait` of a circle
 * of waits.  Context: signal, in-malloc. */
bool sharing_party_is_private(const struct object *o, bool is_wait);
/* Returns: its number among what the processes share, or 0.  Context: signal, in-malloc, holds(OWN_RANK_COMMONS). */
uint32_t sharing_party_tell_private(struct commons *c, const struct object *o);
/* Returns: the key that it goes by.  Context: signal, in-malloc. */
struct commons_key sharing_party_key(const struct object *o);
/* Returns: the number of the stack there.  Context: signal, in-malloc, holds(OWN_RANK_COMMONS). */
uint32_t sharing_party_tell_stack(struct commons *c, struct stack_id id);
/* Returns: false when there is no room to say what is wanted.  Context: signal, in-malloc, holds(OWN_RANK_COMMONS). */
bool sharing_party_describe(struct commons *c, struct self *self, const struct sharing_wish *wish,
                            struct commons_party *party);

#endif

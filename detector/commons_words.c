/* commons_words.c: what conditions, barriers and semaphores that processes share have been through, counted for all. */
#include <stdatomic.h>

#include "detector/commons_block.h"
#include "detector/commons_rest.h"
#include "detector/object.h"

static struct identity_slot *slot_of(struct commons *c, uint32_t identity)
{
    return identity >= 1 && identity <= COMMONS_IDENTITIES ? &c->identities[identity - 1] : NULL;
}

/* relaxed but where it says so: each is one word, and what it decides about is told under the block's lock */
static void change_waiters(struct identity_slot *slot, uint64_t (*next)(uint64_t word, bool flag), bool flag)
{
    uint64_t word = slot == NULL ? 0 : relaxed_load(&slot->waiters);
    /* acq_rel: a waiter that a signal did not find sees the signal counted; partner: itself */
    while (slot != NULL && !atomic_compare_exchange_weak_explicit(&slot->waiters, &word, next(word, flag),
                                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
}

static void count(struct identity_slot *slot)
{
    if (slot != NULL)
        atomic_fetch_add_explicit(&slot->posts, 1, memory_order_relaxed);
}

static uint64_t one_waits(uint64_t word, bool unused)
{
    (void)unused;
    return COND_WORD(COND_WAITERS(word) + 1, COND_PENDING(word));
}

static uint64_t one_wakes(uint64_t word, bool by_signal)
{
    uint32_t waiters = COND_WAITERS(word), pending = COND_PENDING(word);
    waiters -= waiters > 0;
    pending -= by_signal && pending > 0;
    return COND_WORD(waiters, pending > waiters ? waiters : pending);
}

static uint64_t one_signals(uint64_t word, bool is_broadcast)
{
    uint32_t waiters = COND_WAITERS(word), pending = COND_PENDING(word);
    return COND_WORD(waiters, is_broadcast || pending >= waiters ? waiters : pending + 1);
}

uint32_t commons_cond_waits(struct commons *c, uint32_t cond)
{
    struct identity_slot *slot = slot_of(c, cond);
    change_waiters(slot, one_waits, false);
    return slot == NULL ? 0 : relaxed_load(&slot->posts);
}

void commons_cond_woken(struct commons *c, uint32_t cond, bool by_signal, uint32_t signals)
{
    struct identity_slot *slot = slot_of(c, cond);
    change_waiters(slot, one_wakes, by_signal && slot != NULL && relaxed_load(&slot->posts) != signals);
}

void commons_cond_signalled(struct commons *c, uint32_t cond, bool is_broadcast)
{
    struct identity_slot *slot = slot_of(c, cond);
    count(slot);
    change_waiters(slot, one_signals, is_broadcast);
}

void commons_barrier_arrived(struct commons *c, uint32_t barrier)
{
    struct identity_slot *slot = slot_of(c, barrier);
    if (slot != NULL)
        atomic_fetch_add_explicit(&slot->arrivals, 1, memory_order_relaxed);
}

void commons_semaphore_posted(struct commons *c, uint32_t semaphore)
{
    count(slot_of(c, semaphore));
}

uint32_t commons_semaphore_posts(const struct commons *c, uint32_t semaphore)
{
    bool is_known = semaphore >= 1 && semaphore <= COMMONS_IDENTITIES;
    return is_known ? relaxed_load(&c->identities[semaphore - 1].posts) : 0;
}

/* detector_barrier.c: barriers.  Who leaves a round comes after all that arrived at it, and after nothing of the next one, at which
 * others may have arrived before it has come out.
 *
 *   arrival n --> round n / parties --> the clocks of rounds 0, 2, 4, ... or of 1, 3, 5, ...     --> who leaves that round
 *
 * Two:     a round begins when all have arrived at the one before, and so have left the one before that: its clocks are free again.
 *          What is left in them everybody knows.
 * Uneven:  with more threads than parties, who is counted in one round may be let out with another; that shows in an arrival at a
 *          full barrier.  Of a barrier shared by processes, or in use before it was seen, the others' arrivals are not counted.  Then
 *          whoever leaves comes after all that have arrived. */
#include "detector/locking.h"
#include "detector/loose.h"
#include "detector/usage.h"

static uint64_t parties_of(const struct object *b)
{
    return b->count == 0 ? 1 : b->count;
}

static bool is_uneven(const struct object *b)
{
    return relaxed_load(&b->is_uneven) || b->init_thread.v == 0 || object_alert_any(b, OBJECT_ALERT_SHARED);
}

/* The clocks of a round: those that a lock has for who holds it alone, or for its readers and, of `loose`, its releases. */
static struct sync_clock *round_hb(struct object *b, uint64_t round)
{
    return round % 2 == 0 ? &b->hb : &b->readers_hb;
}

static struct sync_clock *round_loose(struct object *b, uint64_t round)
{
    return round % 2 == 0 ? &b->loose : &b->unlocked;
}

static void receive_round(struct thread *t, struct object *b, uint64_t round)
{
    if (loose_is_kept(t))
        locking_acquire_shared(&t->loose, b, round_loose(b, round));
    locking_acquire_shared(&t->hb, b, round_hb(b, round));
}

/* Counts the thread in and publishes what it did to who leaves its round.  Returns: how many had arrived before, ever. */
static uint64_t enter_round(struct thread *t, struct object *b)
{
    object_enter(b);
    /* relaxed: counts; the waits they decide about are published by their seats */
    uint64_t inside = atomic_fetch_add_explicit(&b->waiters, 1, memory_order_relaxed);
    uint64_t before = (uint64_t)atomic_fetch_add_explicit(&b->value, 1, memory_order_relaxed);
    uint64_t round = before / parties_of(b);
    if (inside >= parties_of(b))
        relaxed_store(&b->is_uneven, true); /* seen by who leaves: the barrier itself lets him out after this */
    if (loose_is_kept(t)) {
        loose_now(t);
        thread_clock_release_join(&t->loose, round_loose(b, round));
    }
    thread_clock_release_join(&t->hb, round_hb(b, round));
    thread_clock_release_join(&t->handover, &b->handed);
    object_leave(b);
    t->barrier_id = relaxed_load(&b->id);
    t->barrier_round = round;
    return before;
}

void detector_barrier_arrive(struct detector *d, struct thread *t, struct object *b, struct stack_id at)
{
    uint64_t before = enter_round(t, b);
    struct wait_record wait = {
        .kind = WAIT_BARRIER,
        .wanted = b,
        .wanted_id = relaxed_load(&b->id),
        .ticket = (t->barrier_round + 1) * parties_of(b),
        .at = at,
        .signal_number = t->signal_depth > 0 ? t->signal_number : 0,
    };
    /* Of one that is shared the others' arrivals are not counted here. */
    if (before + 1 < wait.ticket || object_alert_any(b, OBJECT_ALERT_SHARED))
        locking_begin_wait(d, t, &wait);
}

void detector_barrier_leave(struct detector *d, struct thread *t, struct object *b)
{
    (void)d;
    locking_end_wait(t);
    receive_round(t, b, t->barrier_round);
    /* A handler that waited for another barrier in between has left its round there. */
    if (is_uneven(b) || t->barrier_id != relaxed_load(&b->id))
        receive_round(t, b, t->barrier_round + 1);
    locking_acquire_shared(&t->handover, b, &b->handed);
    uint64_t inside = relaxed_load(&b->waiters);
    while (inside > 0 && !atomic_compare_exchange_weak_explicit(&b->waiters, &inside, inside - 1, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
}

/* Of one that is shared the others' arrivals are not counted here: who is in it may be on the way out. */
bool detector_barrier_is_being_left(const struct object *b)
{
    bool is_full = (uint64_t)relaxed_load(&b->value) % parties_of(b) == 0 || object_alert_any(b, OBJECT_ALERT_SHARED);
    return is_full && relaxed_load(&b->waiters) > 0;
}

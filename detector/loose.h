/* loose.h: the order of threads without what locks alone made, for --races=hybrid.
 *
 *   signal, post, barrier, once, channel, create, join --loose_send/receive()--> t->loose   always an order
 *   unlock --> o->unlocked --loose_take_unlocked()--> t->loose    only when something was handed over under the lock
 *
 * Model:     `loose` is a clock on the epochs of `hb`, which has seen part of what `hb` has seen.  A release of it comes before
 *            the release of `hb` in the same verb, so that it stands for the same epoch.
 * Handed:    whether data went from one critical section to a later one is for the race engine to see, in the accesses.  A
 *            section in which it saw none did its work where nobody looks: then the lock orders like a signal.
 * Inert:     without options.hybrid_races no thread has THREAD_ALERT_LOOSE, and locks keep their quick paths.
 * Threads:   a thread's clock is its own; an object's clocks are under object_enter().
 */
#ifndef LOCKHOUND_DETECTOR_LOOSE_H
#define LOCKHOUND_DETECTOR_LOOSE_H

#include "detector/state.h"

static inline bool loose_is_kept(const struct thread *t)
{
    return (t->alert & THREAD_ALERT_LOOSE) != 0;
}

/* Brings the clock to the present epoch, before it is used for a release. */
static inline void loose_now(struct thread *t)
{
    t->loose.epoch = t->hb.epoch;
}

void loose_send_slow(struct thread *t, struct object *o);
void loose_receive_slow(struct thread *t, struct object *o);

/* What `t` did so far comes before what whoever receives from `o` does next.  Call it before the release of `hb`. */
static inline void loose_send(struct thread *t, struct object *o)
{
    if (__builtin_expect(loose_is_kept(t), 0))
        loose_send_slow(t, o);
}

static inline void loose_receive(struct thread *t, struct object *o)
{
    if (__builtin_expect(loose_is_kept(t), 0))
        loose_receive_slow(t, o);
}

/* A lock was taken, before it is put among those held. */
void loose_lock(struct thread *t, struct object *o);
/* It is about to be released: `entry` is its hold. */
void loose_unlock(struct thread *t, struct object *o, const struct held_entry *entry);
/* Something was handed over under the lock `o`, generation `id`: what came before any release of it counts as seen.
 * Returns: false when it is another object by now, or in use by what this call interrupts.  Called in the midst of the
 * program's code. */
bool loose_take_unlocked(struct thread *t, struct object *o, uint32_t id);

void loose_create(struct thread *parent, struct thread *t);
void loose_end(struct thread *t);
void loose_join(struct thread *t, const struct thread *target);
void loose_forget(struct thread *t);

#endif

#include "detector/loose.h"

#include "detector/locking.h"

enum { TRIES = 10000 };

void loose_send_slow(struct thread *t, struct object *o)
{
    loose_now(t);
    locking_release_shared(&t->loose, o, &o->loose);
}

void loose_receive_slow(struct thread *t, struct object *o)
{
    locking_acquire_shared(&t->loose, o, &o->loose);
}

/* ---- locks ------------------------------------------------------------------------------------------------------ */

/* Accesses since the last lock or unlock belong to all sections that are open. */
static void note_accesses(struct thread *t)
{
    if (t->accessed == NULL || !*t->accessed)
        return;
    for (uint32_t i = 0; i < held_count(&t->seat->held); i++)
        held_entries(&t->seat->held)[i].accessed = true;
}

void loose_lock(struct thread *t, struct object *o)
{
    if (loose_is_kept(t)) {
        note_accesses(t);
        loose_receive_slow(t, o);
    }
}

void loose_unlock(struct thread *t, struct object *o, const struct held_entry *entry)
{
    if (!loose_is_kept(t))
        return;
    note_accesses(t);
    if (!entry->accessed) {
        locking_acquire_shared(&t->loose, o, &o->unlocked);
        loose_send_slow(t, o);
    }
    loose_now(t);
    locking_release_shared(&t->loose, o, &o->unlocked);
}

bool loose_take_unlocked(struct thread *t, struct object *o, uint32_t id)
{
    if (thread_clock_has_taken(&t->loose, &o->unlocked))
        return true;
    uint32_t tries = 0;
    /* acquire: as in object_enter() */
    while (atomic_exchange_explicit(&o->busy, 1, memory_order_acquire) != 0) {
        if (++tries == TRIES)
            return false;
        __builtin_ia32_pause();
    }
    bool is_same = relaxed_load(&o->id) == id;
    if (is_same)
        thread_clock_acquire_slow(&t->loose, &o->unlocked);
    atomic_store_explicit(&o->busy, 0, memory_order_release); /* partner: the exchange above, and object_enter() */
    return is_same;
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */

void loose_create(struct thread *parent, struct thread *t)
{
    thread_clock_init(&t->loose, &t->spares, t->hb.slot, t->hb.epoch);
    if (parent != NULL && loose_is_kept(parent)) {
        loose_now(parent);
        struct clock_stamp stamp = thread_clock_stamp(&parent->loose);
        thread_clock_receive(&t->loose, &stamp);
    }
}

void loose_end(struct thread *t)
{
    if (loose_is_kept(t)) {
        loose_now(t);
        struct clock_stamp stamp = thread_clock_stamp(&t->loose);
        clock_stamp_assign(&t->end_loose, &stamp);
    }
}

void loose_join(struct thread *t, const struct thread *target)
{
    if (loose_is_kept(t))
        thread_clock_receive(&t->loose, &target->end_loose);
}

void loose_forget(struct thread *t)
{
    thread_clock_drop(&t->loose);
    clock_stamp_drop(&t->end_loose);
}

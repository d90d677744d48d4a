/* locking.h: taking and giving up a lock: what locks, condition waits, semaphores and once have in common. */
#ifndef LOCKHOUND_DETECTOR_LOCKING_H
#define LOCKHOUND_DETECTOR_LOCKING_H

#include "detector/state.h"

/* Ends the thread's published wait, when it has one. */
void locking_end_wait(struct thread *t);
/* Publishes a wait and looks for a deadlock. */
void locking_begin_wait(struct detector *d, struct thread *t, const struct wait_record *wait);
/* A signal handler runs on a thread that waits: for as long, it does not sleep. */
void locking_interrupt_wait(struct thread *t);
void locking_resume_wait(struct detector *d, struct thread *t);
/* Makes the thread the exclusive owner and puts `o` in its held set.  Returns: the entry, or NULL without memory. */
struct held_entry *locking_own(struct detector *d, struct thread *t, struct object *o, bool ordered,
                               struct stack_id at);
/* There was no memory for a hold: what its end releases will not be known. */
void locking_lose_hold(struct detector *d);
/* Ends any exclusive hold of `o`, whoever has it. */
void locking_disown(struct object *o);
/* Release and acquire of clocks that several threads may use at once. */
void locking_release_shared(struct thread_clock *clock, struct object *o, struct sync_clock *sync);
void locking_acquire_shared(struct thread_clock *clock, struct object *o, const struct sync_clock *sync);
/* What signallers handed over through this mutex. */
void locking_take_handed(struct thread *t, struct object *o);

#endif

/* usage.h: misuse of synchronisation objects: one small automaton a kind.
 *
 *   verb (detector_*.c) --before it changes the state--> usage_*() --wrong?--> finding
 *
 * Model:     the state of an object is its generation, owner word, holders and counts (object.h); each check is the
 *            precondition that POSIX sets for a call, asked before the call changes that state.
 * Threads:   called with no rank held; a check that looks at other threads reads their seats.
 */
#ifndef LOCKHOUND_DETECTOR_USAGE_H
#define LOCKHOUND_DETECTOR_USAGE_H

#include "detector/evidence.h"

/* ---- locks (usage_lock.c) -- */

/* Returns: true when the thread, about to wait for what it holds itself, is never to run again: nobody else runs, nor has unlocked it before
 * he fell asleep, wrong as that is. */
bool usage_is_stuck(struct detector *d, const struct thread *t, const struct object *o);
/* Asks for a lock that this thread holds already, or that nobody will ever release. */
void usage_lock_request(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                        struct stack_id at);
/* Unlocks what it does not hold. */
void usage_unlock_not_held(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_unlock_inconsistent(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_held_too_long(struct detector *d, struct thread *t, struct object *o, const struct held_entry *entry,
                         struct stack_id at);
void usage_blocking_call(struct detector *d, struct thread *t, const char *what, struct stack_id at);

/* ---- signal handlers (usage_signal.c) -- */

/* A handler asks for a lock.  Returns: true when the interrupted code holds it, which has then been reported. */
bool usage_signal_request(struct detector *d, struct thread *t, struct object *o, bool timed, struct stack_id at);
/* Code outside handlers took a lock: which signals can arrive meanwhile is kept, for the handler that wants it later. */
void usage_signal_open(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
/* Code outside handlers took a lock that was also taken in one. */
void usage_signal_outside(struct detector *d, struct thread *t, struct object *o, struct stack_id at);

/* ---- conditions (usage_cond.c) -- */

void usage_cond_wait(struct detector *d, struct thread *t, struct object *c, struct object *m, struct stack_id at);
void usage_cond_signal(struct detector *d, struct thread *t, struct object *c, struct stack_id at);

/* ---- life and death of objects (usage_object.c) -- */

/* Returns: true when somebody holds `o`, as far as is known here. */
bool usage_object_is_held(const struct detector *d, const struct object *o);
/* `what` is about to happen to the live `o`: its destruction, the freeing of its memory, another initialisation.
 * Returns: true when it was held or waited for, which has then been reported. */
enum object_end { END_DESTROY, END_FREE, END_REINIT };
bool usage_object_end(struct detector *d, struct thread *t, struct object *o, enum object_end what, struct stack_id at);
void usage_double_init(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_after_destroy(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_uninitialized(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_invalid(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void usage_sem_overflow(struct detector *d, struct thread *t, struct object *s, struct stack_id at);

/* ---- threads (usage_thread.c) -- */

/* Returns: true when the join is wrong and must not count as a wait. */
bool usage_join(struct detector *d, struct thread *t, struct thread *target, struct stack_id at);
void usage_detach(struct detector *d, struct thread *t, struct thread *target, struct stack_id at);
void usage_stale_thread(struct detector *d, struct thread *t, enum finding_kind kind, const struct thread_past *gone,
                        struct stack_id at);
void usage_thread_end(struct detector *d, struct thread *t, struct stack_id at);
void usage_thread_leak(struct detector *d, struct thread_id leaked, struct stack_id created_at);

#endif

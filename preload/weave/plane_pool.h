/* plane_pool.h: which plane, or blind header, a thread gets, and their memory.
 *
 *   plane_pool_take() --number--> [with a thread] --plane_pool_end()--> [ended, oldest first] --thread gone--> taken again
 *   plane_pool_take_blind() ---> [header before a shared window of zeros] --plane_pool_end_blind()--> free
 *
 * Model:     see plane.h.  A plane whose history the new thread has seen is given first, then one that ended long ago, then a
 *            new one.
 * Threads:   all under OWN_RANK_PLANES; what a place says of its plane is changed by the thread that has taken it.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_PLANE_POOL_H
#define LOCKHOUND_PRELOAD_WEAVE_PLANE_POOL_H

#include "preload/weave/plane.h"

/* Once, before any other.  Returns: false when there is no address space.  Context: may-block. */
bool plane_pool_start(struct race_engine *engine);

/* Returns: a plane for the thread and its number; NULL and 0 when there is none.  Context: takes(OWN_RANK_PLANES). */
struct plane *plane_pool_take(const struct self *self, uint32_t *number);
/* Returns: whether the engine knows the plane from an earlier thread.  Context: signal. */
bool plane_pool_is_known(uint32_t number);
/* The thread has begun in the plane it took, or could not.  Context: takes(OWN_RANK_PLANES). */
void plane_pool_begin(uint32_t number, bool begun);
/* The thread of the plane ends.  Context: takes(OWN_RANK_PLANES). */
void plane_pool_end(uint32_t number);

/* Returns: a header, or NULL; the engine is told that the thread's order is not seen.  Context: signal, takes(OWN_RANK_PLANES). */
struct plane_header *plane_pool_take_blind(pid_t tid);
/* The header that the calling thread took is that of another one, perhaps in a process of its own that shares our memory.
 * Context: takes(OWN_RANK_PLANES). */
void plane_pool_give_blind(const struct plane_header *header, pid_t tid, bool is_process);
/* Frees what the thread got before it was known.  Context: takes(OWN_RANK_PLANES). */
void plane_pool_release_blind(pid_t tid);
/* The thread of the header ends.  Context: takes(OWN_RANK_PLANES). */
void plane_pool_end_blind(const struct plane_header *header);

enum { PLANE_UNSEEN_MAX = 64 };
/* Returns: the i-th blind header of those for threads that come unseen, made anew; below PLANE_UNSEEN_MAX.  Context: signal. */
struct plane_header *plane_pool_unseen(unsigned i);

/* Makes the windows zero and gives their pages back.  Its thread calls.  Context: signal. */
void plane_empty_windows(struct plane *plane);
/* And the history.  Context: signal. */
void plane_empty(struct plane *plane);

/* No other thread is left.  Context: fork-child. */
void plane_pool_fork_child(const struct self *self);

#endif

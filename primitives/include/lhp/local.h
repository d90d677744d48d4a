/* local.h: thread-local data: a block of memory a thread, made on first use and destroyed when its thread ends.
 *
 *   operation            may block   signal handler   destructor
 *   lhp_local_init       no          no               yes
 *   lhp_local_get        yes (1)     no               yes (2)
 *   lhp_local_destroy    yes         no               yes
 *
 *   (1) on the first use in a thread, for an instant.  (2) in a destructor of the same object it makes a new block,
 *   which is destroyed in turn (POSIX: at most PTHREAD_DESTRUCTOR_ITERATIONS rounds).
 *
 * Edges:        none between threads: a block is its thread's own; lhp_local_destroy() happens after the end of every
 *               thread that was joined before.
 * Lifetime:     a block lives until its thread ends or the object is destroyed, whichever is first; destroy only when no
 *               thread uses it any more.
 * Cancellation: not a cancellation point.
 * Fork:         the child keeps the forking thread's block; those of the other threads are freed with the object.
 * Cost:         pthread_getspecific().
 * Source:       Python's threading.local.
 */
#ifndef LHP_LOCAL_H
#define LHP_LOCAL_H

#include <lhp/status.h>
#include <pthread.h>

struct lhp_local_block;

struct lhp_local {
    pthread_key_t key;
    size_t size;
    void (*construct)(void *block, void *arg);
    void (*destruct)(void *block, void *arg);
    void *arg;
    pthread_mutex_t mutex;          /* guards the list */
    struct lhp_local_block *blocks; /* of all threads */
};

LHP_BEGIN
/* `construct` fills a zeroed block of `size` bytes on its first use, `destruct` empties it; either may be NULL.
 * Returns: LHP_OK, or LHP_SYSTEM (EAGAIN) when the process is out of keys. */
LHP_API LHP_NODISCARD enum lhp_status lhp_local_init(struct lhp_local *local, size_t size,
                                                     void (*construct)(void *block, void *arg),
                                                     void (*destruct)(void *block, void *arg), void *arg);
/* Destroys the blocks of all threads that still live, the caller's included. */
LHP_API void lhp_local_destroy(struct lhp_local *local);
/* Returns: the calling thread's block, or NULL when there is no memory. */
static inline void *lhp_local_get(struct lhp_local *local);

/* The first lhp_local_get() in a thread. */
LHP_API void *lhp_local_make(struct lhp_local *local);

static inline void *lhp_local_get(struct lhp_local *local)
{
    void *block = pthread_getspecific(local->key);
    return block ? block : lhp_local_make(local);
}
LHP_END

#endif

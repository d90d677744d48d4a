/* future.h: what the waits for several futures (futures.c) know of one (future.c).
 *
 *   future gets done --under its mutex--> each watch --under the watcher's mutex--> line of done futures, signal
 *
 * Order of locks: a future's mutex before a watcher's, never the reverse.
 */
#ifndef LHP_SRC_FUTURE_H
#define LHP_SRC_FUTURE_H

#include <lhp/future.h>
#include <pthread.h>

struct watcher;

/* One future watched by one waiter. */
struct watch {
    struct watcher *watcher;
    struct lhp_future *future;
    struct watch *next_of_future; /* guarded by the future's mutex */
    struct watch *next_done;      /* guarded by the watcher's */
};

/* Puts the watch on the future's list, or hands it to its watcher now when the future is done. */
void lhp_future_watch(struct lhp_future *future, struct watch *watch);
/* Takes it off again; after this the future never touches it. */
void lhp_future_unwatch(struct lhp_future *future, struct watch *watch);
/* Called by a future that got done, with its mutex held.  failed: neither a result nor a cancellation. */
void lhp_watcher_hear(struct watch *watch, bool failed);

#endif

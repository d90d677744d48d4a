/* waits_threads.c: the waits for locks, conditions, events and barriers of one process, as a table. */
#include "waits.h"

#include <string.h>

#include <lhp/barrier.h>
#include <lhp/condition.h>
#include <lhp/event.h>
#include <lhp/gil.h>
#include <lhp/rwlock.h>
#include <lhp/semaphore.h>

static struct lhp_lock lock;
static struct lhp_rlock rlock;
static struct lhp_rwlock rwlock;
static struct lhp_semaphore semaphore;
static struct lhp_bounded bounded;
static struct lhp_event event;
static struct lhp_barrier barrier;
static struct lhp_gil gil;

/* ---- locks: the main thread holds them first --------------------------------------------------------------------- */

static void lock_open(void)
{
    lhp_lock_init(&lock);
    lhp_lock_acquire(&lock);
}

static void lock_close(void)
{
    lhp_lock_destroy(&lock);
}

static enum lhp_status lock_wait(int64_t timeout_ns)
{
    if (timeout_ns != LHP_FOREVER)
        return lhp_lock_acquire_for(&lock, timeout_ns);
    lhp_lock_acquire(&lock);
    return LHP_OK;
}

static void lock_free(void)
{
    CHECK_IS(lhp_lock_release(&lock), LHP_OK);
}

static void rlock_open(void)
{
    lhp_rlock_init(&rlock);
    lhp_rlock_acquire(&rlock);
}

static void rlock_close(void)
{
    lhp_rlock_destroy(&rlock);
}

static enum lhp_status rlock_wait(int64_t timeout_ns)
{
    return lhp_rlock_acquire_for(&rlock, timeout_ns);
}

static void rlock_free(void)
{
    CHECK_IS(lhp_rlock_release(&rlock), LHP_OK);
}

static void semaphore_open(void)
{
    CHECK_IS(lhp_semaphore_init(&semaphore, 0), LHP_OK);
}

static void semaphore_close(void)
{
    lhp_semaphore_destroy(&semaphore);
}

static enum lhp_status semaphore_wait(int64_t timeout_ns)
{
    if (timeout_ns != LHP_FOREVER)
        return lhp_semaphore_acquire_for(&semaphore, timeout_ns);
    lhp_semaphore_acquire(&semaphore);
    return LHP_OK;
}

static void semaphore_let_go(void)
{
    CHECK_IS(lhp_semaphore_release(&semaphore, 1), LHP_OK);
}

static void bounded_open(void)
{
    CHECK_IS(lhp_bounded_init(&bounded, 1), LHP_OK);
    lhp_bounded_acquire(&bounded);
}

static void bounded_close(void)
{
    lhp_bounded_destroy(&bounded);
}

static enum lhp_status bounded_wait(int64_t timeout_ns)
{
    return lhp_bounded_acquire_for(&bounded, timeout_ns);
}

static void bounded_free(void)
{
    CHECK_IS(lhp_bounded_release(&bounded, 1), LHP_OK);
}

static void writer_open(void)
{
    lhp_rwlock_init(&rwlock);
    CHECK_IS(lhp_rwlock_acquire_exclusive(&rwlock), LHP_OK);
}

static void reader_open(void)
{
    lhp_rwlock_init(&rwlock);
    CHECK_IS(lhp_rwlock_acquire_shared(&rwlock), LHP_OK);
}

static void rwlock_close(void)
{
    lhp_rwlock_destroy(&rwlock);
}

static enum lhp_status shared_wait(int64_t timeout_ns)
{
    return timeout_ns == LHP_FOREVER ? lhp_rwlock_acquire_shared(&rwlock)
                                     : lhp_rwlock_acquire_shared_for(&rwlock, timeout_ns);
}

static enum lhp_status exclusive_wait(int64_t timeout_ns)
{
    return timeout_ns == LHP_FOREVER ? lhp_rwlock_acquire_exclusive(&rwlock)
                                     : lhp_rwlock_acquire_exclusive_for(&rwlock, timeout_ns);
}

static void shared_free(void)
{
    CHECK_IS(lhp_rwlock_release_shared(&rwlock), LHP_OK);
}

static void exclusive_free(void)
{
    CHECK_IS(lhp_rwlock_release_exclusive(&rwlock), LHP_OK);
}

static void gil_open(void)
{
    lhp_gil_init(&gil, 0);
    lhp_gil_acquire(&gil);
}

static void gil_close(void)
{
    lhp_gil_destroy(&gil);
}

static enum lhp_status gil_wait(int64_t timeout_ns)
{
    (void)timeout_ns;
    lhp_gil_acquire(&gil);
    return LHP_OK;
}

static void gil_free(void)
{
    lhp_gil_release(&gil);
}

/* ---- Condition: a notify must find its waiter in line, which both know by counts under the lock -------------------- */

static struct {
    struct lhp_condition condition;
    struct lhp_lock lock;
    unsigned inside, notified; /* of those inside, who have been notified */
    bool open;
} room;

static void condition_open(void)
{
    memset(&room, 0, sizeof(room));
    lhp_condition_init(&room.condition);
}

static void condition_over_lock_open(void)
{
    memset(&room, 0, sizeof(room));
    lhp_lock_init(&room.lock);
    lhp_condition_init_lock(&room.condition, &room.lock);
}

static void condition_close(void)
{
    if (room.condition.lock)
        lhp_lock_destroy(&room.lock);
    lhp_condition_destroy(&room.condition);
}

static void condition_left(void *nothing)
{
    (void)nothing;
    room.inside--;
    CHECK_IS(lhp_condition_release(&room.condition), LHP_OK); /* held again, however the wait ended */
}

static enum lhp_status condition_wait(int64_t timeout_ns)
{
    enum lhp_status status;
    lhp_condition_acquire(&room.condition);
    room.inside++;
    pthread_cleanup_push(condition_left, NULL);
    status = lhp_condition_wait_for(&room.condition, timeout_ns);
    room.notified -= status == LHP_OK;
    pthread_cleanup_pop(1);
    return status;
}

static void condition_let_go(void)
{
    for (bool done = false; !done; sched_yield()) {
        lhp_condition_acquire(&room.condition);
        if ((done = room.inside > room.notified)) {
            CHECK_IS(lhp_condition_notify(&room.condition, 1), LHP_OK);
            room.notified++;
        }
        CHECK_IS(lhp_condition_release(&room.condition), LHP_OK);
    }
}

static bool room_is_open(void *nothing)
{
    (void)nothing;
    return room.open;
}

static enum lhp_status condition_wait_until(int64_t timeout_ns)
{
    enum lhp_status status;
    lhp_condition_acquire(&room.condition);
    room.inside++;
    pthread_cleanup_push(condition_left, NULL);
    status = lhp_condition_wait_until(&room.condition, room_is_open, NULL, timeout_ns);
    pthread_cleanup_pop(1);
    return status;
}

static void condition_open_room(void)
{
    lhp_condition_acquire(&room.condition);
    room.open = true;
    CHECK_IS(lhp_condition_notify_all(&room.condition), LHP_OK);
    CHECK_IS(lhp_condition_release(&room.condition), LHP_OK);
}

/* ---- Event, Barrier ---------------------------------------------------------------------------------------------- */

static void event_open(void)
{
    lhp_event_init(&event);
}

static void event_close(void)
{
    lhp_event_destroy(&event);
}

static enum lhp_status event_wait(int64_t timeout_ns)
{
    if (timeout_ns != LHP_FOREVER)
        return lhp_event_wait_for(&event, timeout_ns);
    lhp_event_wait(&event);
    return LHP_OK;
}

static void event_undo(void)
{
    lhp_event_clear(&event);
}

static void event_let_go(void)
{
    lhp_event_set(&event);
}

static void barrier_open(void)
{
    CHECK_IS(lhp_barrier_init(&barrier, 2, NULL, NULL), LHP_OK);
}

static void barrier_close(void)
{
    lhp_barrier_destroy(&barrier);
}

static enum lhp_status barrier_wait(int64_t timeout_ns)
{
    return lhp_barrier_wait_for(&barrier, timeout_ns, NULL);
}

static void barrier_let_go(void)
{
    CHECK_IS(lhp_barrier_wait(&barrier, NULL), LHP_OK);
}

static void barrier_mend(void)
{
    lhp_barrier_reset(&barrier);
}

/* Name, open, close, wait, let_go, leave, mend, late, reach, cancellable, forgets, undo. */
const struct wait_kind thread_waits[] = {
    {"Lock", lock_open, lock_close, lock_wait, lock_free, lock_free, NULL, LHP_TIMEOUT, REACHES_CHAIN, true, false,
     NULL},
    {"RLock", rlock_open, rlock_close, rlock_wait, rlock_free, rlock_free, NULL, LHP_TIMEOUT, REACHES_CHAIN, false,
     false, NULL},
    {"Semaphore", semaphore_open, semaphore_close, semaphore_wait, semaphore_let_go, NULL, NULL, LHP_TIMEOUT,
     REACHES_ONE, true, false, NULL},
    {"BoundedSemaphore", bounded_open, bounded_close, bounded_wait, bounded_free, bounded_free, NULL, LHP_TIMEOUT,
     REACHES_CHAIN, true, false, NULL},
    {"RWLock, readers", writer_open, rwlock_close, shared_wait, exclusive_free, shared_free, NULL, LHP_TIMEOUT,
     REACHES_ALL, false, false, NULL},
    {"RWLock, a writer", reader_open, rwlock_close, exclusive_wait, shared_free, exclusive_free, NULL, LHP_TIMEOUT,
     REACHES_CHAIN, false, false, NULL},
    {"GIL", gil_open, gil_close, gil_wait, gil_free, gil_free, NULL, LHP_OK, REACHES_CHAIN, false, false, NULL},
    {"Condition", condition_open, condition_close, condition_wait, condition_let_go, NULL, NULL, LHP_TIMEOUT,
     REACHES_ONE, true, true, NULL},
    {"Condition over a Lock", condition_over_lock_open, condition_close, condition_wait, condition_let_go, NULL, NULL,
     LHP_TIMEOUT, REACHES_ONE, true, true, NULL},
    {"Condition with a predicate", condition_open, condition_close, condition_wait_until, condition_open_room, NULL,
     NULL, LHP_TIMEOUT, REACHES_ALL, true, false, NULL},
    {"Event", event_open, event_close, event_wait, event_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true, false,
     event_undo},
    {"Barrier", barrier_open, barrier_close, barrier_wait, barrier_let_go, NULL, barrier_mend, LHP_TIMEOUT,
     REACHES_SOLE, true, true, NULL},
};

const size_t thread_waits_count = sizeof(thread_waits) / sizeof(thread_waits[0]);

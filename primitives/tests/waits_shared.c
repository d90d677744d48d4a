/* waits_shared.c: the waits for what processes share, as a table; here of threads, of which one process has all. */
#include "waits.h"

#include <lhp/shared.h>

enum { CAPACITY = 1 };

static struct lhp_shared_lock *lock;
static struct lhp_shared_rlock *rlock;
static struct lhp_shared_semaphore *semaphore;
static struct lhp_shared_event *event;
static struct lhp_shared_barrier *barrier;
static struct lhp_shared_queue *queue;

/* ---- locks: the main thread holds them first --------------------------------------------------------------------- */

static void lock_open(void)
{
    CHECK((lock = lhp_shared_alloc(sizeof(*lock))));
    lhp_shared_lock_init(lock);
    CHECK_IS(lhp_shared_lock_acquire(lock), LHP_OK);
}

/* Each close also asks that whoever waited has said that he does no more. */
static void lock_close(void)
{
    CHECK(lock->monitor.waiting == 0);
    lhp_shared_lock_destroy(lock);
    lhp_shared_free(lock);
}

static enum lhp_status lock_wait(int64_t timeout_ns)
{
    return lhp_shared_lock_acquire_for(lock, timeout_ns);
}

static void lock_free(void)
{
    CHECK_IS(lhp_shared_lock_release(lock), LHP_OK);
}

static void rlock_open(void)
{
    CHECK((rlock = lhp_shared_alloc(sizeof(*rlock))));
    lhp_shared_rlock_init(rlock);
    CHECK_IS(lhp_shared_rlock_acquire(rlock), LHP_OK);
}

static void rlock_close(void)
{
    lhp_shared_rlock_destroy(rlock);
    lhp_shared_free(rlock);
}

static enum lhp_status rlock_wait(int64_t timeout_ns)
{
    return lhp_shared_rlock_acquire_for(rlock, timeout_ns);
}

static void rlock_free(void)
{
    CHECK_IS(lhp_shared_rlock_release(rlock), LHP_OK);
}

static void semaphore_new(bool bounded)
{
    CHECK((semaphore = lhp_shared_alloc(sizeof(*semaphore))));
    lhp_shared_semaphore_init(semaphore, bounded, bounded);
}

static void semaphore_open(void)
{
    semaphore_new(false);
}

static void bounded_open(void)
{
    semaphore_new(true);
    CHECK_IS(lhp_shared_semaphore_acquire(semaphore), LHP_OK);
}

static void semaphore_close(void)
{
    CHECK(semaphore->monitor.waiting == 0);
    lhp_shared_semaphore_destroy(semaphore);
    lhp_shared_free(semaphore);
}

static enum lhp_status semaphore_wait(int64_t timeout_ns)
{
    return lhp_shared_semaphore_acquire_for(semaphore, timeout_ns);
}

static void semaphore_let_go(void)
{
    CHECK_IS(lhp_shared_semaphore_release(semaphore, 1), LHP_OK);
}

/* ---- Condition: a notify must find its waiter in line, which both know by counts under the lock -------------------- */

static struct room {
    struct lhp_shared_condition condition;
    struct lhp_shared_rlock lock;
    unsigned inside, notified; /* of those inside, who have been notified */
    bool open;
} * room;

static void condition_open(void)
{
    CHECK((room = lhp_shared_alloc(sizeof(*room))));
    lhp_shared_rlock_init(&room->lock);
    lhp_shared_condition_init(&room->condition, &room->lock);
}

static void condition_close(void)
{
    CHECK(room->condition.monitor.waiting == 0);
    lhp_shared_condition_destroy(&room->condition);
    lhp_shared_rlock_destroy(&room->lock);
    lhp_shared_free(room);
}

static void condition_left(void *nothing)
{
    (void)nothing;
    room->inside--;
    CHECK_IS(lhp_shared_rlock_release(&room->lock), LHP_OK); /* held again, however the wait ended */
}

static enum lhp_status condition_wait(int64_t timeout_ns)
{
    enum lhp_status status;
    CHECK_IS(lhp_shared_rlock_acquire(&room->lock), LHP_OK);
    room->inside++;
    pthread_cleanup_push(condition_left, NULL);
    status = lhp_shared_condition_wait_for(&room->condition, timeout_ns);
    room->notified -= status == LHP_OK;
    pthread_cleanup_pop(1);
    return status;
}

static void condition_let_go(void)
{
    for (bool done = false; !done; sched_yield()) {
        CHECK_IS(lhp_shared_rlock_acquire(&room->lock), LHP_OK);
        if ((done = room->inside > room->notified)) {
            CHECK_IS(lhp_shared_condition_notify(&room->condition, 1), LHP_OK);
            room->notified++;
        }
        CHECK_IS(lhp_shared_rlock_release(&room->lock), LHP_OK);
    }
}

static bool room_is_open(void *nothing)
{
    (void)nothing;
    return room->open;
}

static enum lhp_status condition_wait_until(int64_t timeout_ns)
{
    enum lhp_status status;
    CHECK_IS(lhp_shared_rlock_acquire(&room->lock), LHP_OK);
    room->inside++;
    pthread_cleanup_push(condition_left, NULL);
    status = lhp_shared_condition_wait_until(&room->condition, room_is_open, NULL, timeout_ns);
    pthread_cleanup_pop(1);
    return status;
}

static void condition_open_room(void)
{
    CHECK_IS(lhp_shared_rlock_acquire(&room->lock), LHP_OK);
    room->open = true;
    CHECK_IS(lhp_shared_condition_notify_all(&room->condition), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&room->lock), LHP_OK);
}

/* ---- Event, Barrier, Queue --------------------------------------------------------------------------------------- */

static void event_open(void)
{
    CHECK((event = lhp_shared_alloc(sizeof(*event))));
    lhp_shared_event_init(event);
}

static void event_close(void)
{
    CHECK(event->monitor.waiting == 0);
    lhp_shared_event_destroy(event);
    lhp_shared_free(event);
}

static enum lhp_status event_wait(int64_t timeout_ns)
{
    return lhp_shared_event_wait_for(event, timeout_ns);
}

static void event_undo(void)
{
    lhp_shared_event_clear(event);
}

static void event_let_go(void)
{
    lhp_shared_event_set(event);
}

static void barrier_open(void)
{
    CHECK((barrier = lhp_shared_alloc(sizeof(*barrier))));
    CHECK_IS(lhp_shared_barrier_init(barrier, 2, NULL, NULL), LHP_OK);
}

static void barrier_close(void)
{
    CHECK(barrier->monitor.waiting == 0);
    lhp_shared_barrier_destroy(barrier);
    lhp_shared_free(barrier);
}

static enum lhp_status barrier_wait(int64_t timeout_ns)
{
    return lhp_shared_barrier_wait_for(barrier, timeout_ns, NULL);
}

static void barrier_let_go(void)
{
    CHECK_IS(lhp_shared_barrier_wait(barrier, NULL), LHP_OK);
}

static void barrier_mend(void)
{
    lhp_shared_barrier_reset(barrier);
}

static void queue_open(void)
{
    CHECK((queue = lhp_shared_queue_new(3, sizeof(int))));
}

static void queue_close(void)
{
    lhp_shared_queue_free(queue);
}

static void full_queue_open(void)
{
    CHECK((queue = lhp_shared_queue_new(CAPACITY, sizeof(int))));
    CHECK_IS(lhp_shared_queue_put(queue, &(int){1}), LHP_OK);
}

static enum lhp_status queue_wait_get(int64_t timeout_ns)
{
    int item;
    return lhp_shared_queue_get_for(queue, &item, timeout_ns);
}

static enum lhp_status queue_wait_put(int64_t timeout_ns)
{
    return lhp_shared_queue_put_for(queue, &(int){1}, timeout_ns);
}

static void queue_let_get(void)
{
    CHECK_IS(lhp_shared_queue_put(queue, &(int){1}), LHP_OK);
}

static void queue_let_put(void)
{
    int item;
    CHECK_IS(lhp_shared_queue_get(queue, &item), LHP_OK);
}

/* Name, open, close, wait, let_go, leave, mend, late, reach, cancellable, forgets, undo. */
const struct wait_kind shared_waits[] = {
    {"shared Lock", lock_open, lock_close, lock_wait, lock_free, lock_free, NULL, LHP_TIMEOUT, REACHES_CHAIN, true,
     false, NULL},
    {"shared RLock", rlock_open, rlock_close, rlock_wait, rlock_free, rlock_free, NULL, LHP_TIMEOUT, REACHES_CHAIN,
     false, false, NULL},
    {"shared Semaphore", semaphore_open, semaphore_close, semaphore_wait, semaphore_let_go, NULL, NULL, LHP_TIMEOUT,
     REACHES_ONE, true, false, NULL},
    {"shared BoundedSemaphore", bounded_open, semaphore_close, semaphore_wait, semaphore_let_go, semaphore_let_go, NULL,
     LHP_TIMEOUT, REACHES_CHAIN, true, false, NULL},
    {"shared Condition", condition_open, condition_close, condition_wait, condition_let_go, NULL, NULL, LHP_TIMEOUT,
     REACHES_ONE, true, true, NULL},
    {"shared Condition with a predicate", condition_open, condition_close, condition_wait_until, condition_open_room,
     NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true, false, NULL},
    {"shared Event", event_open, event_close, event_wait, event_let_go, NULL, NULL, LHP_TIMEOUT, REACHES_ALL, true,
     false, event_undo},
    {"shared Barrier", barrier_open, barrier_close, barrier_wait, barrier_let_go, NULL, barrier_mend, LHP_TIMEOUT,
     REACHES_SOLE, true, true, NULL},
    {"shared Queue, get", queue_open, queue_close, queue_wait_get, queue_let_get, NULL, NULL, LHP_EMPTY, REACHES_ONE,
     true, false, NULL},
    {"shared Queue, put", full_queue_open, queue_close, queue_wait_put, queue_let_put, NULL, NULL, LHP_FULL,
     REACHES_ONE, true, false, NULL},
};

const size_t shared_waits_count = sizeof(shared_waits) / sizeof(shared_waits[0]);

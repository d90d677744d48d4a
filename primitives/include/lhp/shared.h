/* shared.h: the toolbox for several processes: Lock, RLock, Semaphore, BoundedSemaphore, Condition, Event, Barrier,
 * Queue, Value and Array in shared memory, all of which survive the death of a process at any instruction.
 *
 *   lhp_shared_alloc() --> [object] --fork--> parent and children use the same object
 *                              |
 *                      struct lhp_shared_monitor: a robust guard, and a line of waiters, each with its process
 *
 *   operation                          may block   signal handler   destructor
 *   lhp_shared_alloc, free             no          no               yes
 *   init, destroy, new                 no          no               yes
 *   acquire[_for], wait[_for]          yes         no               yes
 *   wait_until, put[_for], get[_for]   yes         no               yes
 *   lhp_shared_rlock_release           no          no               yes
 *   lhp_shared_barrier_parties         no          yes              yes
 *   lhp_shared_value_get, add          yes (2)     no               yes
 *   everything else                    no (1)      no               yes
 *
 *   (1) but enters the guard, which others hold for some dozens of instructions.
 *   (2) for the value's lock.
 *
 * Death:        a process that dies while it holds a Lock or RLock, or permits of a BoundedSemaphore, is noticed by the
 *               next acquire that must wait, within LHP_SHARED_CHECK_NS: it gets the lock and LHP_OWNER_DIED.
 *               A waiter that dies takes no notification with it; a party that dies in a Barrier breaks it.  The permits
 *               of a plain Semaphore have no holder (whoever likes may release), so a dead process keeps those it took.
 * Edges:        as those of the objects for threads; between processes they order shared memory alone.
 * Identity:     a process is its pid and its start time, so that a reused pid is not taken for it; one pid namespace.
 * Limits:       LHP_SHARED_WAITERS waiters at a time; more than that wait by polling every millisecond, and at a
 *               Condition are told so.
 * Cancellation: acquire, wait, put and get are cancellation points while they wait, RLock excepted; nothing is lost.
 * Fork:         made for it.  A child inherits no holds: locks belong to the process that acquired them.
 * Lifetime:     initialise once, before the other processes exist; destroy when nobody uses it.  Pointers between
 *               shared objects (Condition to lock) must be valid in every process: allocate before fork.
 * Cost:         a robust process-shared mutex an operation; an RLock is nothing but such a mutex.
 * Source:       Python's multiprocessing; POSIX robust mutexes.  Not built on pthread_cond_t, whose waiters may not die
 *               in glibc: the next broadcast would wait for them for ever.
 */
#ifndef LHP_SHARED_H
#define LHP_SHARED_H

#include <lhp/status.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

#define LHP_SHARED_WAITERS  64
#define LHP_SHARED_CHECK_NS LHP_MS(50)

struct lhp_shared_identity {
    pid_t pid;      /* 0: nobody */
    uint64_t start; /* Units: clock ticks since boot */
};

struct lhp_shared_slot {
    struct lhp_shared_identity who; /* nobody: free */
    uint64_t ticket;                /* who came first */
    int kind;                       /* what it waits for; a number of the object's own */
    int told;                       /* a notification is on its way, or the outcome of a barrier's round */
    sem_t wake;
};

struct lhp_shared_monitor {
    pthread_mutex_t guard; /* robust */
    uint64_t tickets;
    unsigned waiting; /* taken slots, or more after a death */
    struct lhp_shared_slot slots[LHP_SHARED_WAITERS];
};

LHP_BEGIN
/* Memory that children of fork share.  Returns: `size` zeroed bytes, or NULL. */
LHP_API LHP_NODISCARD void *lhp_shared_alloc(size_t size);
LHP_API void lhp_shared_free(void *memory);

/* ---- Lock: released by any process */
struct lhp_shared_lock {
    struct lhp_shared_monitor monitor;
    int held;
    struct lhp_shared_identity holder;
};

LHP_API void lhp_shared_lock_init(struct lhp_shared_lock *lock);
LHP_API void lhp_shared_lock_destroy(struct lhp_shared_lock *lock);
/* Returns: LHP_OK or LHP_OWNER_DIED, held in either case; with a limit, LHP_TIMEOUT. */
LHP_API enum lhp_status lhp_shared_lock_acquire(struct lhp_shared_lock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_lock_acquire_for(struct lhp_shared_lock *lock, int64_t timeout_ns);
/* Returns: LHP_OK or LHP_NOT_HELD. */
LHP_API enum lhp_status lhp_shared_lock_release(struct lhp_shared_lock *lock);
LHP_API bool lhp_shared_lock_locked(struct lhp_shared_lock *lock);

/* ---- RLock: owned by a thread of a process */
struct lhp_shared_rlock {
    pthread_mutex_t mutex; /* robust, recursive */
    pid_t owner;           /* a thread's kernel id, accessed atomically */
    unsigned level;
};

LHP_API void lhp_shared_rlock_init(struct lhp_shared_rlock *lock);
LHP_API void lhp_shared_rlock_destroy(struct lhp_shared_rlock *lock);
/* Returns: LHP_OK or LHP_OWNER_DIED, held in either case; with a limit, LHP_TIMEOUT. */
LHP_API enum lhp_status lhp_shared_rlock_acquire(struct lhp_shared_rlock *lock);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_rlock_acquire_for(struct lhp_shared_rlock *lock, int64_t timeout_ns);
/* Returns: LHP_OK or LHP_NOT_OWNER. */
LHP_API enum lhp_status lhp_shared_rlock_release(struct lhp_shared_rlock *lock);

/* ---- Semaphore and BoundedSemaphore */
struct lhp_shared_hold {
    struct lhp_shared_identity who;
    unsigned permits;
};

struct lhp_shared_semaphore {
    struct lhp_shared_monitor monitor;
    unsigned value, bound;
    bool bounded;
    struct lhp_shared_hold holds[LHP_SHARED_WAITERS]; /* bounded only */
};

LHP_API void lhp_shared_semaphore_init(struct lhp_shared_semaphore *semaphore, unsigned permits, bool bounded);
LHP_API void lhp_shared_semaphore_destroy(struct lhp_shared_semaphore *semaphore);
/* Returns: LHP_OK; bounded: LHP_OWNER_DIED with a permit that a dead process had; with a limit, LHP_TIMEOUT. */
LHP_API enum lhp_status lhp_shared_semaphore_acquire(struct lhp_shared_semaphore *semaphore);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_semaphore_acquire_for(struct lhp_shared_semaphore *semaphore,
                                                                       int64_t timeout_ns);
/* Returns: LHP_OK; LHP_INVALID for n = 0; LHP_OVER_BOUND. */
LHP_API enum lhp_status lhp_shared_semaphore_release(struct lhp_shared_semaphore *semaphore, unsigned n);
LHP_API unsigned lhp_shared_semaphore_value(struct lhp_shared_semaphore *semaphore);

/* ---- Condition, over a shared RLock */
struct lhp_shared_condition {
    struct lhp_shared_monitor monitor;
    struct lhp_shared_rlock *lock;
};

LHP_API void lhp_shared_condition_init(struct lhp_shared_condition *condition, struct lhp_shared_rlock *lock);
LHP_API void lhp_shared_condition_destroy(struct lhp_shared_condition *condition);
/* Returns: LHP_OK; LHP_NOT_OWNER; with a limit, LHP_TIMEOUT; LHP_OWNER_DIED when it was notified and the lock came from
 * a process that died; LHP_OVER_BOUND at once when LHP_SHARED_WAITERS wait already.  Held again in every case but
 * LHP_NOT_OWNER. */
LHP_API enum lhp_status lhp_shared_condition_wait(struct lhp_shared_condition *condition);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_condition_wait_for(struct lhp_shared_condition *condition,
                                                                    int64_t timeout_ns);
/* Waits until `predicate(arg)`, called with the lock held, is true.  Returns: as wait. */
LHP_API enum lhp_status lhp_shared_condition_wait_until(struct lhp_shared_condition *condition,
                                                        bool (*predicate)(void *arg), void *arg, int64_t timeout_ns);
/* Returns: LHP_OK or LHP_NOT_OWNER. */
LHP_API enum lhp_status lhp_shared_condition_notify(struct lhp_shared_condition *condition, unsigned n);
LHP_API enum lhp_status lhp_shared_condition_notify_all(struct lhp_shared_condition *condition);

/* ---- Event */
struct lhp_shared_event {
    struct lhp_shared_monitor monitor;
    bool up;
    uint64_t sets;
};

LHP_API void lhp_shared_event_init(struct lhp_shared_event *event);
LHP_API void lhp_shared_event_destroy(struct lhp_shared_event *event);
LHP_API void lhp_shared_event_set(struct lhp_shared_event *event);
LHP_API void lhp_shared_event_clear(struct lhp_shared_event *event);
LHP_API bool lhp_shared_event_is_set(struct lhp_shared_event *event);
LHP_API void lhp_shared_event_wait(struct lhp_shared_event *event);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_event_wait_for(struct lhp_shared_event *event, int64_t timeout_ns);

/* ---- Barrier */
struct lhp_shared_barrier {
    struct lhp_shared_monitor monitor;
    unsigned parties;
    int (*action)(void *arg);
    void *arg;
    struct lhp_shared_identity
        ending; /* who came last, while it runs the action and ends the round; nobody otherwise */
    bool broken;
    uint64_t breaks; /* so that the runner of an action notices a reset or an abort */
};

/* `action`, if not NULL, runs once a round in the process that came last, with no lock held; it returns 0, or else breaks
 * the barrier, as does the death of its process.  It and `arg` are addresses that must be valid in every party.
 * Returns: LHP_OK, or LHP_INVALID for no parties or more than LHP_SHARED_WAITERS. */
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_barrier_init(struct lhp_shared_barrier *barrier, unsigned parties,
                                                              int (*action)(void *arg), void *arg);
LHP_API void lhp_shared_barrier_destroy(struct lhp_shared_barrier *barrier);
/* Returns: LHP_OK; LHP_BROKEN; LHP_FAILED in the process whose action failed; with a limit, LHP_TIMEOUT, which breaks it for
 * the others. */
LHP_API enum lhp_status lhp_shared_barrier_wait(struct lhp_shared_barrier *barrier, unsigned *index);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_barrier_wait_for(struct lhp_shared_barrier *barrier,
                                                                  int64_t timeout_ns, unsigned *index);
LHP_API void lhp_shared_barrier_reset(struct lhp_shared_barrier *barrier);
LHP_API void lhp_shared_barrier_abort(struct lhp_shared_barrier *barrier);
LHP_API bool lhp_shared_barrier_broken(struct lhp_shared_barrier *barrier);
LHP_API unsigned lhp_shared_barrier_parties(struct lhp_shared_barrier *barrier);
LHP_API unsigned lhp_shared_barrier_waiting(struct lhp_shared_barrier *barrier);

/* ---- Queue of items of one size, first in first out, bounded */
struct lhp_shared_queue;

/* Returns: a queue in shared memory of its own, or NULL. */
LHP_API LHP_NODISCARD struct lhp_shared_queue *lhp_shared_queue_new(size_t capacity, size_t item_size);
LHP_API void lhp_shared_queue_free(struct lhp_shared_queue *queue);
/* Copies the item.  Returns: LHP_OK; with a limit, LHP_FULL. */
LHP_API enum lhp_status lhp_shared_queue_put(struct lhp_shared_queue *queue, const void *item);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_queue_put_for(struct lhp_shared_queue *queue, const void *item,
                                                               int64_t timeout_ns);
/* Returns: LHP_OK; with a limit, LHP_EMPTY. */
LHP_API enum lhp_status lhp_shared_queue_get(struct lhp_shared_queue *queue, void *item);
LHP_API LHP_NODISCARD enum lhp_status lhp_shared_queue_get_for(struct lhp_shared_queue *queue, void *item,
                                                               int64_t timeout_ns);
LHP_API size_t lhp_shared_queue_size(struct lhp_shared_queue *queue);
LHP_API bool lhp_shared_queue_empty(struct lhp_shared_queue *queue);
LHP_API bool lhp_shared_queue_full(struct lhp_shared_queue *queue);

/* ---- Value and Array: an RLock and what it guards.  Lock, use the memory, unlock. */
struct lhp_shared_value {
    struct lhp_shared_rlock lock;
    union {
        int64_t integer;
        double real;
        void *pointer;
    } value;
};

struct lhp_shared_array {
    struct lhp_shared_rlock lock;
    size_t count, item_size;
    unsigned char items[] __attribute__((aligned(16)));
};

/* Returns: a value of 0 in shared memory of its own, or NULL.  Free it by lhp_shared_free(). */
LHP_API LHP_NODISCARD struct lhp_shared_value *lhp_shared_value_new(void);
LHP_API LHP_NODISCARD struct lhp_shared_array *lhp_shared_array_new(size_t count, size_t item_size);
/* Adds under the lock.  Returns: the new value. */
LHP_API int64_t lhp_shared_value_add(struct lhp_shared_value *value, int64_t n);
LHP_API int64_t lhp_shared_value_get(struct lhp_shared_value *value);
LHP_END

#endif

/* object.h: one synchronisation object of the program, one generation at a time.
 *
 *   object_init --> live --object_destroy--> destroyed (a tombstone that knows who and where)
 *        ^            |                           |
 *        +- object_adopt (first use seen)         +-- initialised again, or its memory is freed --> recycled
 *
 * Model:     (address, generation); the generation is object_id, never used twice.
 * Memory:    type-stable: a recycled object becomes another object and is never given back, so that a stale pointer
 *            reads a valid object, whose live_address or id then differs.
 * Threads:   the first line is written by whoever holds the lock in the program, and read by anybody; the fields that
 *            several may write are atomic or guarded by object_enter().  Identity changes under RANK_OBJECTS.
 */
#ifndef LOCKHOUND_DETECTOR_OBJECT_H
#define LOCKHOUND_DETECTOR_OBJECT_H

#include "detector/clocks.h"
#include "detector/detector.h"

/* Why the quick path of a lock's events does not suffice.  OBJECT_ALERT_* bits of `alert`. */
enum {
    OBJECT_ALERT_HANDED = 1u << 0,      /* its mutex hands over what signallers knew: see `handed` */
    OBJECT_ALERT_ORPHANED = 1u << 1,    /* held by a thread that a fork left behind */
    OBJECT_ALERT_IN_HANDLER = 1u << 2,  /* was taken in a signal handler */
    OBJECT_ALERT_SIGNAL_SAID = 1u << 3, /* signal-unsafe-lock has been reported */
    OBJECT_ALERT_DESTROYED = 1u << 4,   /* a tombstone */
    OBJECT_ALERT_SHARED = 1u << 5,      /* other processes may hold it */
    OBJECT_ALERT_NOT_MUTEX = 1u << 6,   /* rwlock, semaphore, ...: more than one owner word to keep */
    OBJECT_ALERT_ROBUST = 1u << 7,      /* its owner may have died */
    OBJECT_ALERT_UNSOUND = 1u << 8,     /* used before it began or after its end: calls may do nothing */
    OBJECT_ALERT_SIGNALS = 1u << 9,     /* not known yet to be taken while a signal may arrive: see `open_signals` */
};

#define OBJECT_ALERT_SLOW (~(uint32_t)OBJECT_ALERT_HANDED) /* what the quick paths do not see to themselves */

struct object {
    /* -- the lock's own line: what request, acquired and released touch -- */
    _Alignas(64) _Atomic uint64_t live_address; /* 0 while recycled or a tombstone */
    _Atomic uint64_t owner; /* OWNER(seat, thread) of the exclusive holder or once runner; 0: none */
    _Atomic uint32_t id;    /* generation */
    _Atomic uint32_t alert;
    _Atomic uint32_t serial; /* counts exclusive holds and hand-overs: a held entry of an older one is stale */
    uint8_t kind;            /* enum object_kind */
    uint8_t type;            /* enum mutex_type */
    bool prefers_writers;
    bool is_static;
    bool schedules;
    struct sync_clock hb;
    _Atomic uint32_t busy; /* object_enter() */

    /* -- rarely written -- */
    struct sync_clock handed;          /* hand-over clock: signals, posts, barrier, channel */
    struct sync_clock readers_hb;      /* of shared holders, joined; for the next exclusive one; barrier: odd rounds */
    struct sync_clock loose, unlocked; /* with --races=hybrid: loose.h */
    _Atomic uint64_t address;          /* key in the table, also of a tombstone */
    _Atomic(struct object *) next;     /* in its bucket, or free */
    struct thread_id init_thread;
    struct stack_id init_stack;
    struct thread_id end_thread; /* who destroyed it */
    struct stack_id end_stack;
    _Atomic uint32_t common;         /* the host's: its number among what processes share; 0: not asked yet */
    _Atomic bool in_order;           /* the lock-order graph knows this generation */
    struct thread_id handler_thread; /* the latest taking in a signal handler */
    struct stack_id handler_stack;
    _Atomic int32_t handler_signal;
    uint64_t open_signals; /* could arrive when it was taken by this thread, outside handlers; SIGNAL_BIT() of each */
    struct thread_id open_thread; /* these three, and the next, under object_enter() */
    struct stack_id open_stack;
    uint32_t masked_takings; /* since OBJECT_ALERT_SIGNALS was set, when none could */

    /* -- by kind -- */
    _Atomic int64_t value;       /* semaphore: modelled; barrier, channel, condition: arrivals, sends, signals so far */
    _Atomic uint64_t waiters;    /* condition: COND_WORD(waiters, pending); barrier: threads inside */
    _Atomic uint32_t partner_id; /* condition: generation of the mutex it is used with */
    _Atomic(struct object *) partner;
    _Atomic uint64_t idle_signals; /* condition: signals that found nobody waiting */
    uint32_t count;                /* parties of a barrier */
    _Atomic bool is_uneven;        /* barrier that more threads than parties use */
    _Atomic uint32_t units; /* semaphore that so far let that many threads in, two at least, and no more; else 0 */
    _Atomic bool lock_like; /* semaphore: so far used as a lock */
    _Atomic bool posted_by_holder; /* semaphore: its holder has released it once, or is sure to */
};

/* A condition's `waiters`: threads waiting, and how many of them have a signal coming. */
#define COND_WORD(waiters, pending) (((uint64_t)(waiters) << 32) | (pending))
#define COND_WAITERS(word)          ((uint32_t)((word) >> 32))
#define COND_PENDING(word)          ((uint32_t)(word))

#define OWNER(seat, thread) (((uint64_t)(seat) << 32) | (thread))
#define OWNER_SEAT(owner)   ((uint32_t)((owner) >> 32))
#define OWNER_THREAD(owner) ((uint32_t)(owner))

/* The id under which a thread is an object, as the target of a join. */
#define THREAD_OBJECT_ID(thread) (UINT32_C(1) << 31 | (thread))

/* Guards the clocks and words of objects that several threads use at once; short, never nested, never across a call
 * that takes a rank other than RANK_CLOCKS. */
void object_enter(struct object *o);
void object_leave(struct object *o);

struct object_ref object_reference(const struct object *o);

static inline bool object_alert_any(const struct object *o, uint32_t bits)
{
    return (relaxed_load(&o->alert) & bits) != 0;
}

static inline void object_alert_not(struct object *o, uint32_t bits)
{
    atomic_fetch_and_explicit(&o->alert, ~bits, memory_order_relaxed); /* read on its own, as every bit is */
}

static inline struct object_id object_identity(const struct object *o)
{
    return (struct object_id){relaxed_load(&o->id)};
}

/* Returns: true for kinds whose exclusive holds take part in lock order: not once, not conditions and so on. */
static inline bool object_kind_is_lock(uint8_t kind)
{
    return kind == OBJECT_MUTEX || kind == OBJECT_RWLOCK || kind == OBJECT_SPINLOCK;
}

#endif

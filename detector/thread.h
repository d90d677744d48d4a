/* thread.h: what the detector keeps of one thread for that thread itself.
 *
 *   struct thread (memory of the host, private) ---> struct seat (memory of the detector, readable by all)
 *
 * Two clocks: `hb` is full happens-before; `handover` knows only what makes one piece of code certain to come after
 * another in every run: create and join, signals, posts, barriers, channels, but not mutual exclusion.
 * With --races=hybrid there is a third, `loose`: all of `hb` but what locks alone ordered.
 *
 * Order cache: (chain of the locks held, wanted, mode) -> dependency of the lock-order graph.  A hit takes no rank.
 * While the hand-over epoch stays the same nothing is looked up either: the graph knows of this occurrence.  In a new
 * epoch the dependency counts only when no lock has left the graph since, for then dependencies may have been merged.
 */
#ifndef LOCKHOUND_DETECTOR_THREAD_H
#define LOCKHOUND_DETECTOR_THREAD_H

#include "detector/lock_order.h"
#include "detector/registry.h"

/* Why the quick path of a lock's events does not suffice.  Bits of thread.alert. */
enum {
    THREAD_ALERT_WAITING = 1u << 0,    /* a published wait is to be ended */
    THREAD_ALERT_IN_HANDLER = 1u << 1, /* a signal handler is running */
    THREAD_ALERT_TIMING = 1u << 2,     /* lock-held-too-long is on */
    THREAD_ALERT_HANG_SAID = 1u << 3,  /* its present request was reported as one that hangs */
    THREAD_ALERT_LOOSE = 1u << 4,      /* keeps the clock `loose` */
};

#define ORDER_CACHE_SIZE 128

struct order_cache_entry {
    uint64_t key;
    uint64_t epoch; /* hand-over epoch at which the dependency was told last */
    struct dependency *dependency;
    uint32_t removals; /* of the graph when it gave the dependency */
};

/* How to take back the latest release, should the program's unlock fail. */
struct release_record {
    struct object *object;
    bool popped;      /* the entry left the top of the held set, where its content still stands */
    bool decremented; /* one level of a recursion */
    bool was_held;
    uint64_t owner_before;
    uint32_t serial_before;
    enum lock_mode mode;
    struct stack_id at;
    bool inconsistent;
};

struct thread {
    _Alignas(64) struct seat *seat;
    uint64_t self; /* OWNER(seat, id) */
    uint32_t alert;
    uint32_t signal_depth;
    struct thread_clock hb, handover;
    struct thread_clock loose; /* loose.h */
    uint64_t born_in;          /* first epoch of `hb` */
    uint64_t created_in;       /* epoch of the creator's `hb` in which it made this thread */
    struct clock_spares spares;
    struct release_record last_release;

    struct thread_id id;
    struct thread_id creator;
    struct stack_id created_at;
    bool detached;
    bool joined;
    _Atomic uint32_t let_go_by, let_go_at; /* thread that detached it or asked to join it last, and its stack */
    _Atomic uint32_t joiner;               /* thread in a join of this one; set under RANK_REGISTRY */
    struct clock_stamp end_hb, end_handover, end_loose; /* set when it ended */
    const bool *accessed; /* the race engine saw an access since the last lock or unlock; NULL: it sees none */
    int32_t signal_number;
    uint32_t barrier_id;            /* generation of the barrier at which it arrived last */
    uint64_t barrier_round;         /* and the round there, from 0 */
    bool wait_interrupted;          /* its published wait is suspended while a signal handler runs */
    const struct object *hang_said; /* with THREAD_ALERT_HANG_SAID: the object asked for */

    struct seat unlisted;      /* stands in for a seat that there was no memory for; nobody else sees it */
    struct held_lock *scratch; /* for an order_request */
    size_t scratch_count;
    struct order_cache_entry order_cache[ORDER_CACHE_SIZE];
};

static inline bool thread_owns(const struct thread *t, const struct object *o)
{
    return relaxed_load(&o->owner) == t->self;
}

#endif

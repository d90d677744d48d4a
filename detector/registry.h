/* registry.h: a seat for each thread: what the others may see of it at any time.
 *
 *   thread --seat_publish_wait()--> seat: sequence odd, wanted object, mode, stack, held set
 *                                     ^ read by any thread about to block, without a lock
 *
 * Model:     the seats are an array; seat n belongs to one live thread or to none.  The number is also its clock slot.
 * Sequence:  odd while the thread sleeps.  A reader loads it, reads the rest with relaxed loads, and loads it again:
 *            unchanged and odd means that what it read was true at once.
 * Invariant: of two threads that publish a wait and then look at each other, at least one sees the other (both
 *            publications are sequentially consistent).
 * Rest:      who takes a seat knows all that its last thread did, whether or not the program ordered the two.  So a seat
 *            is left empty until SEATS_AT_REST others are, and then given to a new thread oldest first.
 * Threads:   seats are taken and freed under RANK_REGISTRY.
 * Memory:    segments that double in size and live as long as the detector, so that a late reader reads valid memory.
 */
#ifndef LOCKHOUND_DETECTOR_REGISTRY_H
#define LOCKHOUND_DETECTOR_REGISTRY_H

#include "detector/held.h"

enum thread_state { THREAD_NONE, THREAD_CREATED, THREAD_RUNNING, THREAD_ENDED };

/* What a thread waits for. */
enum wait_kind { WAIT_NONE, WAIT_LOCK, WAIT_SEMAPHORE, WAIT_COND, WAIT_BARRIER, WAIT_ONCE, WAIT_FUTEX, WAIT_JOIN };

struct seat {
    /* -- its wait: written by its thread, read by all -- */
    _Alignas(64) _Atomic uint64_t sequence; /* odd: asleep */
    _Atomic uint32_t thread;                /* struct thread_id; 0: nobody */
    _Atomic uint8_t state;                  /* enum thread_state */
    _Atomic bool is_cancelled;              /* asked to end; written by whoever asks */
    _Atomic uint8_t wait;                   /* enum wait_kind */
    _Atomic uint8_t mode;                   /* enum lock_mode wanted */
    _Atomic bool timed;
    _Atomic(struct object *) wanted;
    _Atomic uint32_t wanted_id;   /* its generation, or the thread joined */
    _Atomic uint32_t target_seat; /* of the thread joined */
    _Atomic uint64_t ticket;      /* barrier: arrivals that open it; futex, condition: sends, signals before it */
    _Atomic uint32_t at;          /* struct stack_id */
    _Atomic int32_t signal_number;

    /* -- what it holds -- */
    _Alignas(64) struct held_set held;

    /* -- under RANK_REGISTRY -- */
    uint64_t reported;                 /* sequence of the wait that was reported as part of a deadlock */
    uint64_t hb_epoch, handover_epoch; /* where the slot's clocks stood when the last thread left it */
    struct thread *owner;
    uint32_t number;
    struct seat *next_free;
    struct stack_id created_at;
};

#define SEAT_SEGMENTS 26
#define SEAT_FIRST    8 /* seats of the first segment; segment s has SEAT_FIRST << s */
#define SEATS_AT_REST 32

struct registry {
    const struct detector_host *host;
    _Atomic(struct seat *) segment[SEAT_SEGMENTS];
    _Atomic uint32_t count;        /* seats that have ever been taken */
    _Atomic uint32_t births;       /* seats taken so far: unchanged means that no thread was created meanwhile */
    _Atomic uint32_t running_hint; /* seat that was found running last */
    struct seat *free_oldest, *free_newest;
    uint32_t free_count;
    uint32_t last_thread; /* ids are given in this order */
    uint32_t live, live_max;
};

void registry_init(struct registry *registry, const struct detector_host *host);
void registry_delete(struct registry *registry);
/* Returns: a seat for a new thread with its id, or NULL without memory.  Context: holds RANK_REGISTRY. */
struct seat *registry_take_seat(struct registry *registry);
void registry_free_seat(struct registry *registry, struct seat *seat);
/* Returns: seat `number`, which is below registry->count. */
struct seat *registry_seat(const struct registry *registry, uint32_t number);

/* Publishes a wait: store everything, then make the sequence odd. */
struct wait_record {
    enum wait_kind kind;
    struct object *wanted;
    uint32_t wanted_id;
    uint32_t target_seat;
    uint64_t ticket;
    enum lock_mode mode;
    bool timed;
    struct stack_id at;
    int32_t signal_number;
};
void seat_publish_wait(struct seat *seat, const struct wait_record *wait);
void seat_end_wait(struct seat *seat);
/* Publishes the same wait again. */
void seat_resume_wait(struct seat *seat);
/* Reads a seat's wait.  Returns: its odd sequence, or 0 when the thread is not asleep or changed while being read. */
uint64_t seat_read_wait(const struct seat *seat, struct wait_record *wait);

#endif

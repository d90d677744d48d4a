/* event.h: the vocabulary of detector.h's verbs as data, and the player that turns data back into verbs.
 *
 *   trace text --trace_read, names--> struct event --event_apply()--> detector_*()
 *   live shim ---------------------> struct event --trace_write--> trace text
 *
 * Model:     threads go by labels and objects by addresses, as the recorder of the events knew them; the player keeps
 *            which struct thread a label stands for now.
 * Leniency:  traces of other tools say less than ours.  A thread that nobody forked exists from its first event; one that
 *            is joined has ended; an acquisition implies its request and an object its kind (a lock is a mutex, or a
 *            rwlock when it is shared).
 * Threads:   a player is driven by one thread.
 */
#ifndef LOCKHOUND_DETECTOR_EVENT_H
#define LOCKHOUND_DETECTOR_EVENT_H

#include "detector/detector.h"

/* What an event may say besides its kind and operand. */
enum event_flag {
    EVENT_SHARED = 1 << 0,
    EVENT_TIMED = 1 << 1,
    EVENT_TRY = 1 << 2,        /* by a call that does not wait: no request */
    EVENT_OWNER_DIED = 1 << 3, /* EOWNERDEAD */
    EVENT_TIMEOUT = 1 << 4,    /* not woken by a signal */
    EVENT_DETACHED = 1 << 5,
    EVENT_OVERFLOW = 1 << 6,
    EVENT_ABORTED = 1 << 7,
    EVENT_RECURSIVE = 1 << 8,
    EVENT_ERRORCHECK = 1 << 9,
    EVENT_ADAPTIVE = 1 << 10,
    EVENT_ROBUST = 1 << 11,
    EVENT_PROCESS_SHARED = 1 << 12,
    EVENT_PREFERS_WRITERS = 1 << 13,
    EVENT_STATIC = 1 << 14,    /* the address will never be that of another object */
    EVENT_HAS_KIND = 1 << 15,  /* object_kind is meant */
    EVENT_HAS_ORDER = 1 << 16, /* order is */
    EVENT_HAS_SIZE = 1 << 17,  /* size is */
    EVENT_HAS_COUNT = 1 << 18, /* count is */
    EVENT_SCHEDULES = 1 << 19, /* a condition that says whose turn it is */
    EVENT_TRAITS = EVENT_RECURSIVE | EVENT_ERRORCHECK | EVENT_ADAPTIVE | EVENT_ROBUST | EVENT_PROCESS_SHARED |
                   EVENT_PREFERS_WRITERS | EVENT_STATIC | EVENT_SCHEDULES
};

enum event_kind {
#define EVENT(name, word, operand, flags, help) EVENT_##name,
#include "detector/events.def"
#undef EVENT
    EVENT_KIND_COUNT
};

enum event_operand {
    OPERAND_NOTHING,
    OPERAND_OBJECT,
    OPERAND_OBJECT_AND_MUTEX,
    OPERAND_THREAD,
    OPERAND_NUMBER,
    OPERAND_ANYTHING /* or nothing; kept as an object */
};

enum event_order {
    ORDER_RELAXED,
    ORDER_CONSUME,
    ORDER_ACQUIRE,
    ORDER_RELEASE,
    ORDER_ACQ_REL,
    ORDER_SEQ_CST,
    ORDER_COUNT
};

struct event {
    enum event_kind kind;
    uint32_t flags;
    uint32_t thread; /* label of who does it */
    uint32_t target; /* label of whom it concerns (OPERAND_THREAD) */
    uint64_t object; /* address (OPERAND_OBJECT...) or number (OPERAND_NUMBER) */
    uint64_t mutex;  /* address (OPERAND_OBJECT_AND_MUTEX) */
    uint64_t size;   /* Units: bytes */
    uint32_t count;  /* a semaphore's value or a barrier's parties */
    enum object_kind object_kind;
    enum event_order order;
    struct stack_id at;
};

/* What the vocabulary says of a kind of event. */
struct event_rule {
    const char *word;
    enum event_operand operand;
    uint32_t flags;
};

extern const struct event_rule event_rules[EVENT_KIND_COUNT];

struct event_player;

/* Returns: a player on memory of `host`, the detector's host, or NULL when there is none. */
struct event_player *event_player_new(struct detector *detector, const struct detector_host *host);
/* Ends no thread; what still runs must not be used again.  Call it before detector_delete(). */
void event_player_delete(struct event_player *player);

enum event_status {
    EVENT_APPLIED,
    EVENT_IGNORED,      /* no engine takes it */
    EVENT_WRONG_THREAD, /* of a thread that has ended, or a fork of one that exists */
    EVENT_OUT_OF_MEMORY,
};

enum event_status event_apply(struct event_player *player, const struct event *event);
/* Returns: true and sets *label when the thread was made by this player. */
bool event_player_label(const struct event_player *player, struct thread_id thread, uint32_t *label);

#endif

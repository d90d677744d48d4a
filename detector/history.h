/* history.h: what a thread did lately, so that the other side of a race has a stack and its locks.
 *
 *   miss --> history_append() --\
 *   new callers --> history_context() --> [ring of 16-byte entries, in parts] --history_recall()--> stack, locks held
 *   lock, unlock --> history_lock()...--/                                     \--history_sent()--> what released an epoch
 *
 * Model:     one ring a thread, written by it alone and read by others; entries are overwritten oldest first.  Each part
 *            begins with a snapshot (epoch, thread, callers, locks held), so that what came after it can be replayed.
 * Releases:  an entry HISTORY_EPOCH e follows whatever released the epochs before e: the latest entry of something that
 *            sends, in the epoch that ends there, or else the access that the entry names.
 * Invariant: a recall that met an entry being overwritten says so (found = false), never a wrong stack: `written` counts
 *            entries ever written and is read before and after.
 * Source:    LLVM's tsan v3 trace parts (the idea).
 */
#ifndef LOCKHOUND_DETECTOR_HISTORY_H
#define LOCKHOUND_DETECTOR_HISTORY_H

#include "detector/finding.h"
#include "detector/prefetch.h"
#include "detector/relaxed.h"

enum history_kind {
    HISTORY_NONE,
    HISTORY_ACCESS,  /* by woven code: `place` is its site */
    HISTORY_RANGE,   /* by libc for the program: `place` is its callers */
    HISTORY_CONTEXT, /* `place` is the callers from here on */
    HISTORY_EPOCH,   /* `place` is the epoch from here on; `low` and the size are the site that caused it, or 0 */
    HISTORY_LOCK,    /* see struct history_hold */
    HISTORY_UNLOCK,  /* likewise; the stack is the unlock's, 0 when it is not known */
    HISTORY_SENT,    /* likewise: something that is not held, or is still: a semaphore, a condition, ... */
    HISTORY_CREATED, /* a thread: `place` is its number, `low` the stack */
    HISTORY_CLEAR    /* begins a snapshot: nothing is held; `place` is the epoch, `low` the number of the thread */
};

/* One entry.  `place` of an access is the site (return address of the stub's call), the host turns it into a frame on top of
 * the callers' stack; of a range it is those callers. */
struct history_entry {
    uint64_t place;
    uint32_t low;  /* low 32 bits of the address; stack of a lock's acquisition */
    uint32_t what; /* kind:4 | flags:8 (enum race_access_flag) | size:20 (saturated) */
};
#define HISTORY_WHAT(kind, flags, size) ((uint32_t)(kind) << 28 | (uint32_t)(flags) << 20 | (uint32_t)(size))
#define HISTORY_SIZE_MAX                0xfffffu

enum { HISTORY_HELD_MAX = 16 };

/* A lock that is held, or an object that is released.  `object` is the host's pointer, of 48 bits; what it points to is of
 * generation `id` or stale. */
struct history_hold {
    uint64_t object;
    uint32_t id;
    struct stack_id stack;
    bool shared;
};

struct history {
    struct history_entry *ring;
    uint32_t capacity;        /* a power of two, of entries */
    uint32_t part_size;       /* entries, a power of two; divides capacity */
    _Atomic uint64_t written; /* entries ever written */
    uint64_t epoch;
    uint32_t thread;
    uint64_t unlocked;         /* number of the latest HISTORY_UNLOCK */
    struct callers_id context; /* of the last HISTORY_CONTEXT */
    uint32_t held_count;       /* locks of which the outermost HISTORY_HELD_MAX are in held[] */
    struct history_hold held[HISTORY_HELD_MAX];
};

struct history_found {
    bool found;
    bool is_site; /* an access by woven code: `place` is its site, on top of `callers` */
    uint64_t place;
    uint64_t position; /* number of the entry, of all ever written */
    uint64_t until;    /* of the end of its epoch, up to which the same may have been done again without an entry */
    struct callers_id callers;
    uint32_t flags;
    uint64_t size;
    uint32_t low;
    struct history_hold held[HISTORY_HELD_MAX];
    size_t held_count;
};

/* `memory` is zeroed, of `capacity` entries: a power of two, 256 at least. */
void history_init(struct history *history, void *memory, uint32_t capacity);

/* Another thread goes on with it: nothing is held, the callers are unknown. */
void history_restart(struct history *history, uint32_t thread);

/* Returns: true when the next entry must be preceded by a snapshot, as history_append() sees to. */
static inline bool history_part_begins(const struct history *history)
{
    return (relaxed_load(&history->written) & (history->part_size - 1)) == 0;
}

static inline void history_put(struct history *history, uint64_t place, uint32_t low, uint32_t what)
{
    enum { AHEAD = 16 }; /* what stores to memory far away holds up the next fence */
    uint64_t n = relaxed_load(&history->written);
    prefetch_write(&history->ring[(n + AHEAD) & (history->capacity - 1)]);
    history->ring[n & (history->capacity - 1)] = (struct history_entry){place, low, what};
    /* release: partner of the loads in history_recall() */
    atomic_store_explicit(&history->written, n + 1, memory_order_release);
}

/* Returns: true when one of the latest entries says the same, and nothing but accesses has come since. */
static inline bool history_has_just(const struct history *history, uint64_t place, uint32_t low, uint32_t what)
{
    enum { LATEST = 3 };
    uint64_t n = relaxed_load(&history->written);
    for (uint64_t i = 1; i <= LATEST; i++) {
        const struct history_entry *entry = &history->ring[(n - i) & (history->capacity - 1)];
        if (entry->what >> 28 != HISTORY_ACCESS)
            return false;
        if (entry->place == place && entry->low == low && entry->what == what)
            return true;
    }
    return false;
}

/* Out of line part of history_append(). */
void history_begin_part(struct history *history);

static inline void history_append(struct history *history, uint64_t place, uint32_t low, uint32_t what)
{
    if (__builtin_expect(history_part_begins(history), 0))
        history_begin_part(history);
    history_put(history, place, low, what);
}

/* Each says what is so from now on; saying it again adds nothing. */
static inline void history_context(struct history *history, struct callers_id callers)
{
    if (history->context.v == callers.v)
        return;
    history->context = callers;
    history_append(history, callers.v, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
}
void history_lock(struct history *history, const struct history_hold *hold);
void history_unlock(struct history *history, const struct history_hold *hold);
/* Out of line part of history_epoch(). */
void history_next_epoch(struct history *history, uint64_t epoch, uint64_t site);
/* `site` is where woven code caused it, of 48 bits; 0: something else did, which has an entry of its own. */
static inline void history_epoch(struct history *history, uint64_t epoch, uint64_t site)
{
    if (history->epoch != epoch)
        history_next_epoch(history, epoch, site);
}

/* Something else released the present epoch. */
void history_send(struct history *history, const struct history_hold *sent);
void history_create(struct history *history, uint32_t thread, struct stack_id stack);
/* Where the latest unlock was made, when that is learnt after the lock is free. */
void history_unlocked_at(struct history *history, struct stack_id stack);

/* Looks for the last access to any byte of [low, low + size) (a write, when `write`) in the epochs [epoch_low, epoch_high].
 * Any thread may ask about another's. */
void history_recall(const struct history *history, uint64_t epoch_low, uint64_t epoch_high, uint32_t low, uint64_t size,
                    bool write, struct history_found *found);

struct history_sent {
    enum history_kind kind;   /* HISTORY_UNLOCK, _SENT, _CREATED, or _EPOCH: by an access; HISTORY_NONE: not known */
    struct history_hold what; /* for the first two; `stack` for the third too */
    uint32_t created;
    uint64_t position;         /* of the entry HISTORY_EPOCH */
    uint64_t site;             /* of the access, ... */
    struct callers_id callers; /* ... and its callers */
};

/* Says what `thread` did to release its epoch `epoch`.  Any thread may ask about another's. */
void history_sent(const struct history *history, uint32_t thread, uint64_t epoch, struct history_sent *sent);

#endif

/* history.h: what a thread did lately, so that the other side of a race has a stack and its locks.
 *
 *   miss --> history_access() --\
 *   new callers --> history_context() --> [ring of 16-byte entries, in parts] --history_recall()--> stack, locks held
 *   lock, unlock --> history_lock()...--/
 *
 * Model:     one ring a thread, written by it alone and read by others; entries are overwritten oldest first.  Each part
 *            begins with a snapshot (epoch, callers, locks held), so that what came after it can be replayed.
 * Invariant: a recall that met an entry being overwritten says so (found = false), never a wrong stack: `written` counts
 *            entries ever written and is read before and after.
 * Source:    LLVM's tsan v3 trace parts (the idea).
 */
#ifndef LOCKHOUND_DETECTOR_HISTORY_H
#define LOCKHOUND_DETECTOR_HISTORY_H

#include "detector/finding.h"
#include "detector/relaxed.h"

enum history_kind { HISTORY_ACCESS, HISTORY_CONTEXT, HISTORY_EPOCH, HISTORY_LOCK, HISTORY_UNLOCK, HISTORY_RANGE, HISTORY_SNAPSHOT };

/* One entry.  `place` of an access is the site (return address of the stub's call), the host turns it into a frame on top of
 * the context's stack; of a range it is a stack_id. */
struct history_entry {
    uint64_t place;     /* site, stack_id, epoch or object id */
    uint32_t low;       /* low 32 bits of the address */
    uint32_t what;      /* kind:4 | flags:8 (enum race_access_flag) | size:20 (saturated) */
};
#define HISTORY_WHAT(kind, flags, size) ((uint32_t)(kind) << 28 | (uint32_t)(flags) << 20 | (uint32_t)(size))

struct history {
    struct history_entry *ring;
    uint32_t capacity;          /* a power of two, of entries */
    uint32_t part_size;         /* entries; divides capacity */
    _Atomic uint64_t written;   /* entries ever written */
    struct stack_id context;    /* of the last HISTORY_CONTEXT */
    uint64_t epoch;
};

struct history_found {
    bool found;
    bool is_site;               /* an access by woven code: `place` is its site and `stack` its callers */
    uint64_t place;
    struct stack_id stack;
    uint32_t flags;
    uint64_t size;
    uint32_t low;
    struct { struct object_id object; struct stack_id stack; bool shared; } held[16];
    size_t held_count;
};

void history_init(struct history *history, void *memory, uint32_t capacity);
static inline void history_append(struct history *history, uint64_t place, uint32_t low, uint32_t what)
{
    uint64_t n = relaxed_load(&history->written);
    history->ring[n & (history->capacity - 1)] = (struct history_entry){place, low, what};
    /* release: partner of the loads in history_recall() */
    atomic_store_explicit(&history->written, n + 1, memory_order_release);
}
/* Any thread may ask about another's.  Epochs as in the HISTORY_EPOCH entries. */
void history_recall(const struct history *history, uint64_t epoch_low, uint64_t epoch_high, uint32_t low, uint64_t size, bool write,
                    struct history_found *found);

#endif

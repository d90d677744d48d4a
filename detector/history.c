#include "detector/history.h"

#include "detector/race.h"

enum { PARTS = 16, OBJECT_BITS = 48 };

/* An entry of a lock keeps its object's pointer in 48 bits of `place`; the generation's low half lies above, the high half
 * where an access has its size. */
static uint64_t pack_place(const struct history_hold *hold)
{
    return hold->object | (uint64_t)(hold->id & 0xffff) << OBJECT_BITS;
}

static uint32_t pack_what(const struct history_hold *hold)
{
    return HISTORY_WHAT(HISTORY_LOCK, hold->shared, hold->id >> 16);
}

static struct history_hold unpack(const struct history_entry *entry)
{
    return (struct history_hold){.object = entry->place & ((UINT64_C(1) << OBJECT_BITS) - 1),
                                 .id = (uint32_t)(entry->place >> OBJECT_BITS) | (entry->what & 0xffff) << 16,
                                 .stack = {entry->low},
                                 .shared = (entry->what >> 20 & 1) != 0};
}

static enum history_kind kind_of(const struct history_entry *entry)
{
    return (enum history_kind)(entry->what >> 28);
}

void history_init(struct history *history, void *memory, uint32_t capacity)
{
    *history = (struct history){.ring = memory, .capacity = capacity, .part_size = capacity / PARTS};
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* Takes out the innermost hold of `object`.  Returns: false when it is not among those kept. */
static bool drop_hold(struct history_hold *held, uint32_t *count, uint64_t object)
{
    uint32_t kept = *count < HISTORY_HELD_MAX ? *count : HISTORY_HELD_MAX;
    for (uint32_t i = kept; i-- > 0;) {
        if (held[i].object != object)
            continue;
        for (; i + 1 < kept; i++)
            held[i] = held[i + 1];
        *count = kept - 1; /* those beyond are forgotten, should there be any */
        return true;
    }
    if (*count > HISTORY_HELD_MAX)
        (*count)--; /* one of those beyond */
    return false;
}

static void add_hold(struct history_hold *held, uint32_t *count, const struct history_hold *hold)
{
    if (*count < HISTORY_HELD_MAX)
        held[*count] = *hold;
    (*count)++;
}

void history_begin_part(struct history *history)
{
    history_put(history, history->epoch, 0, HISTORY_WHAT(HISTORY_CLEAR, 0, 0));
    history_put(history, history->context.v, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
    for (uint32_t i = 0; i < history->held_count && i < HISTORY_HELD_MAX; i++)
        history_put(history, pack_place(&history->held[i]), history->held[i].stack.v, pack_what(&history->held[i]));
}

void history_restart(struct history *history)
{
    history->context.v = 0;
    history->held_count = 0;
    history_append(history, history->epoch, 0, HISTORY_WHAT(HISTORY_CLEAR, 0, 0));
    history_put(history, 0, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
}

void history_context(struct history *history, struct stack_id callers)
{
    if (history->context.v == callers.v)
        return;
    history->context = callers;
    history_append(history, callers.v, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
}

void history_epoch(struct history *history, uint64_t epoch)
{
    if (history->epoch == epoch)
        return;
    history->epoch = epoch;
    history_append(history, epoch, 0, HISTORY_WHAT(HISTORY_EPOCH, 0, 0));
}

void history_lock(struct history *history, const struct history_hold *hold)
{
    history_append(history, pack_place(hold), hold->stack.v, pack_what(hold));
    add_hold(history->held, &history->held_count, hold);
}

void history_unlock(struct history *history, uint64_t object)
{
    history_append(history, object, 0, HISTORY_WHAT(HISTORY_UNLOCK, 0, 0));
    drop_hold(history->held, &history->held_count, object);
}

/* ---- recalling ---------------------------------------------------------------------------------------------------- */

struct question {
    uint64_t epoch_low, epoch_high, size;
    uint32_t low;
    bool write;
};

/* What is so after the entries replayed up to now. */
struct replay {
    uint64_t epoch;
    struct stack_id context;
    struct history_hold held[HISTORY_HELD_MAX];
    uint32_t held_count;
};

static bool answers(const struct question *question, const struct replay *replay, const struct history_entry *entry)
{
    uint32_t size = entry->what & HISTORY_SIZE_MAX, flags = entry->what >> 20 & 0xff;
    if (replay->epoch < question->epoch_low || replay->epoch > question->epoch_high ||
        (question->write && (flags & RACE_WRITE) == 0))
        return false;
    /* Modulo 4 GiB: one begins in the other. */
    return (uint32_t)(question->low - entry->low) < size || (uint32_t)(entry->low - question->low) < question->size;
}

static void answer(const struct replay *replay, const struct history_entry *entry, uint64_t position,
                   struct history_found *found)
{
    found->found = true;
    found->position = position;
    found->is_site = kind_of(entry) == HISTORY_ACCESS;
    found->place = entry->place;
    found->stack = found->is_site ? replay->context : (struct stack_id){(uint32_t)entry->place};
    found->flags = entry->what >> 20 & 0xff;
    found->size = entry->what & HISTORY_SIZE_MAX;
    found->low = entry->low;
    found->held_count = replay->held_count < HISTORY_HELD_MAX ? replay->held_count : HISTORY_HELD_MAX;
    for (size_t i = 0; i < found->held_count; i++)
        found->held[i] = replay->held[i];
}

static void replay_one(struct replay *replay, const struct history_entry *entry, uint64_t position,
                       const struct question *question, struct history_found *found)
{
    struct history_hold hold;
    switch (kind_of(entry)) {
    case HISTORY_CLEAR:
        replay->held_count = 0;
        replay->epoch = entry->place;
        break;
    case HISTORY_EPOCH:
        replay->epoch = entry->place;
        break;
    case HISTORY_CONTEXT:
        replay->context.v = (uint32_t)entry->place;
        break;
    case HISTORY_LOCK:
        hold = unpack(entry);
        add_hold(replay->held, &replay->held_count, &hold);
        break;
    case HISTORY_UNLOCK:
        drop_hold(replay->held, &replay->held_count, entry->place);
        break;
    case HISTORY_ACCESS:
    case HISTORY_RANGE:
        if (answers(question, replay, entry))
            answer(replay, entry, position, found);
        break;
    case HISTORY_NONE:
        break;
    }
}

static uint64_t written_so_far(const struct history *history)
{
    /* acquire: partner of the release in history_put() */
    return atomic_load_explicit(&history->written, memory_order_acquire);
}

/* Replays the part that begins with entry `begin`, up to `end`. */
static void replay_part(const struct history *history, uint64_t begin, uint64_t end, const struct question *question,
                        struct history_found *found)
{
    struct replay replay = {0};
    for (uint64_t n = begin; n < end; n++) {
        struct history_entry entry = history->ring[n & (history->capacity - 1)];
        replay_one(&replay, &entry, n, question, found);
    }
    /* The entry after the last one written is the next to be overwritten: it may be half so already. */
    atomic_thread_fence(memory_order_acquire);
    if (written_so_far(history) >= begin + history->capacity)
        found->found = false;
}

/* Part by part from the newest, for the last answer is in the newest part that has one. */
void history_recall(const struct history *history, uint64_t epoch_low, uint64_t epoch_high, uint32_t low, uint64_t size,
                    bool write, struct history_found *found)
{
    const struct question question = {epoch_low, epoch_high, size, low, write};
    uint64_t end = written_so_far(history);
    uint64_t oldest = end >= history->capacity ? end - history->capacity + 1 : 0;
    found->found = false;
    if (history->ring == NULL)
        return;
    while (end > 0 && !found->found) {
        uint64_t begin = (end - 1) / history->part_size * history->part_size;
        if (begin < oldest)
            return;
        replay_part(history, begin, end, &question, found);
        end = begin;
    }
}

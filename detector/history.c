#include "detector/history.h"

#include "detector/race.h"

enum { PARTS = 16, OBJECT_BITS = 48 };

/* An entry of a lock keeps its object's pointer in 48 bits of `place`; the generation's low half lies above, the high half
 * where an access has its size. */
static uint64_t pack_place(const struct history_hold *hold)
{
    return hold->object | (uint64_t)(hold->id & 0xffff) << OBJECT_BITS;
}

static void put_hold(struct history *history, enum history_kind kind, const struct history_hold *hold)
{
    history_put(history, pack_place(hold), hold->stack.v, HISTORY_WHAT(kind, hold->shared, hold->id >> 16));
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

/* The site in an entry HISTORY_EPOCH. */
static uint64_t site_of(const struct history_entry *entry)
{
    return entry->low | (uint64_t)(entry->what & 0xffff) << 32;
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
    history_put(history, history->epoch, history->thread, HISTORY_WHAT(HISTORY_CLEAR, 0, 0));
    history_put(history, history->context.v, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
    for (uint32_t i = 0; i < history->held_count && i < HISTORY_HELD_MAX; i++)
        put_hold(history, HISTORY_LOCK, &history->held[i]);
}

/* Returns: the number of the entry. */
static uint64_t append_hold(struct history *history, enum history_kind kind, const struct history_hold *hold)
{
    if (history_part_begins(history))
        history_begin_part(history);
    put_hold(history, kind, hold);
    return relaxed_load(&history->written) - 1;
}

void history_restart(struct history *history, uint32_t thread)
{
    history->context.v = 0;
    history->held_count = 0;
    history->thread = thread;
    history_append(history, history->epoch, thread, HISTORY_WHAT(HISTORY_CLEAR, 0, 0));
    history_put(history, 0, 0, HISTORY_WHAT(HISTORY_CONTEXT, 0, 0));
}

void history_next_epoch(struct history *history, uint64_t epoch, uint64_t site)
{
    history->epoch = epoch;
    history_append(history, epoch, (uint32_t)site, HISTORY_WHAT(HISTORY_EPOCH, 0, site >> 32 & 0xffff));
}

void history_lock(struct history *history, const struct history_hold *hold)
{
    append_hold(history, HISTORY_LOCK, hold);
    add_hold(history->held, &history->held_count, hold);
}

void history_unlock(struct history *history, const struct history_hold *hold)
{
    history->unlocked = append_hold(history, HISTORY_UNLOCK, hold);
    drop_hold(history->held, &history->held_count, hold->object);
}

void history_send(struct history *history, const struct history_hold *sent)
{
    append_hold(history, HISTORY_SENT, sent);
}

void history_create(struct history *history, uint32_t thread, struct stack_id stack)
{
    history_append(history, thread, stack.v, HISTORY_WHAT(HISTORY_CREATED, 0, 0));
}

void history_unlocked_at(struct history *history, struct stack_id stack)
{
    struct history_entry *entry = &history->ring[history->unlocked & (history->capacity - 1)];
    /* A signal handler may have come in between and written very much. */
    if (relaxed_load(&history->written) - history->unlocked < history->capacity && kind_of(entry) == HISTORY_UNLOCK)
        entry->low = stack.v;
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
    struct callers_id context;
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
    found->until = UINT64_MAX;
    found->is_site = kind_of(entry) == HISTORY_ACCESS;
    found->place = entry->place;
    found->callers = found->is_site ? replay->context : (struct callers_id){(uint32_t)entry->place};
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
        found->until = found->until < position ? found->until : position;
        break;
    case HISTORY_CONTEXT:
        replay->context.v = (uint32_t)entry->place;
        break;
    case HISTORY_LOCK:
        hold = unpack(entry);
        add_hold(replay->held, &replay->held_count, &hold);
        break;
    case HISTORY_UNLOCK:
        hold = unpack(entry);
        drop_hold(replay->held, &replay->held_count, hold.object);
        break;
    case HISTORY_ACCESS:
    case HISTORY_RANGE:
        if (answers(question, replay, entry))
            answer(replay, entry, position, found);
        break;
    case HISTORY_SENT:
    case HISTORY_CREATED:
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
    const uint64_t now = end;
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
    found->until = found->until < now ? found->until : now;
}

/* ---- what released an epoch --------------------------------------------------------------------------------------- */

struct search {
    uint32_t thread;
    uint64_t epoch;
    /* What is so after the entries looked at up to now: */
    uint32_t thread_now;
    uint64_t epoch_now;
    struct callers_id callers;
    struct history_entry sender; /* the latest of this epoch; all zero when there is none */
    bool is_over;                /* the epoch's end was met: what is known of it is in *sent */
};

static void name_sender(const struct history_entry *entry, struct history_sent *sent)
{
    sent->kind = kind_of(entry);
    if (sent->kind == HISTORY_CREATED) {
        sent->created = (uint32_t)entry->place;
        sent->what.stack.v = entry->low;
    } else if (sent->kind != HISTORY_NONE) {
        sent->what = unpack(entry);
    }
}

/* The epoch that was ends before `next`, at an access at `site` when that is not 0. */
static void end_epoch(struct search *search, uint64_t next, uint64_t site, uint64_t position, struct history_sent *sent)
{
    if (search->thread_now != search->thread || search->epoch < search->epoch_now || search->epoch >= next)
        return;
    search->is_over = true;
    if (site != 0)
        *sent = (struct history_sent){
            .kind = HISTORY_EPOCH, .position = position, .site = site, .callers = search->callers};
    else
        name_sender(&search->sender, sent);
}

static void begin_epoch(struct search *search, uint32_t thread, uint64_t epoch)
{
    search->thread_now = thread;
    search->epoch_now = epoch;
    search->sender = (struct history_entry){0};
}

static void search_one(struct search *search, const struct history_entry *entry, uint64_t position,
                       struct history_sent *sent)
{
    switch (kind_of(entry)) {
    case HISTORY_CLEAR:
        if (search->thread_now != entry->low)
            end_epoch(search, UINT64_MAX, 0, position, sent);
        begin_epoch(search, entry->low, entry->place);
        break;
    case HISTORY_EPOCH:
        end_epoch(search, entry->place, site_of(entry), position, sent);
        begin_epoch(search, search->thread_now, entry->place);
        break;
    case HISTORY_CONTEXT:
        search->callers.v = (uint32_t)entry->place;
        break;
    case HISTORY_UNLOCK:
    case HISTORY_SENT:
    case HISTORY_CREATED:
        search->sender = *entry;
        break;
    default:
        break;
    }
}

/* Goes over the part that begins with entry `begin`, up to `end`. */
static void search_part(const struct history *history, uint64_t begin, uint64_t end, struct search *search,
                        struct history_sent *sent)
{
    search->thread_now = 0; /* nobody's, until the snapshot says whose it is */
    for (uint64_t n = begin; n < end && !search->is_over; n++) {
        struct history_entry entry = history->ring[n & (history->capacity - 1)];
        search_one(search, &entry, n, sent);
    }
    if (!search->is_over)
        end_epoch(search, UINT64_MAX, 0, end, sent);
    /* As in replay_part(). */
    atomic_thread_fence(memory_order_acquire);
    if (written_so_far(history) >= begin + history->capacity) {
        *sent = (struct history_sent){.kind = HISTORY_NONE};
        search->is_over = true;
    }
}

/* From the newest part: each begins in an epoch, and what ended before that stands in an older one. */
void history_sent(const struct history *history, uint32_t thread, uint64_t epoch, struct history_sent *sent)
{
    struct search search = {.thread = thread, .epoch = epoch};
    uint64_t end = written_so_far(history);
    uint64_t oldest = end >= history->capacity ? end - history->capacity + 1 : 0;
    *sent = (struct history_sent){.kind = HISTORY_NONE};
    while (history->ring != NULL && end > 0 && !search.is_over) {
        uint64_t begin = (end - 1) / history->part_size * history->part_size;
        if (begin < oldest)
            return;
        search_part(history, begin, end, &search, sent);
        end = begin;
    }
}

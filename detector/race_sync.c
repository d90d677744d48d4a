#include "detector/race_sync.h"

#include "detector/event.h"
#include "detector/loose.h"
#include "detector/race_become.h"
#include "detector/race_chunk.h"
#include "detector/race_freed.h"
#include "detector/race_generation.h"
#include "detector/race_granules.h"
#include "detector/race_hand_over.h"
#include "detector/race_hybrid.h"
#include "detector/race_updates.h"

/* ---- clocks ----------------------------------------------------------------------------------------------------- */

enum deed {
    DEED_RELEASE = 1,
    DEED_ACQUIRE = 2,
    DEED_RELAXED_STORE = 4,
    DEED_RELAXED_LOAD = 8,
    DEED_NOTE = 16, /* what is there, when all of it has been acquired: the operation touches no other granule */
    DEED_END = 32,  /* of a read-modify-write: what it makes known was said before it */
    DEED_ADD = 64,  /* an atomic operation that adds something to what is there */
    DEED_MOVE = 128,
    DEED_UPDATE = 256,     /* plain ones, which are not known to be atomic */
    DEED_UNOBSERVED = 512, /* a change of which its thread sees nothing */
    DEED_CHANGE = DEED_RELEASE | DEED_ACQUIRE,
    DEED_STORES = DEED_RELEASE | DEED_RELAXED_STORE
};

/* ---- what was acquired last ------------------------------------------------------------------------------------- */

static struct race_taken *taken_of(struct race_plane *plane, uint64_t address)
{
    return &plane->taken[address / RACE_TAKEN_BYTES % RACE_TAKEN];
}

/* The quick path of a signal handler that comes in between finds nothing.  Context: the clock is held. */
static void note_taken(struct race_plane *plane, uint64_t address, const struct sync_clock *clock)
{
    struct race_taken *taken = taken_of(plane, address);
    taken->address = 0;
    atomic_signal_fence(memory_order_seq_cst);
    taken->version = &clock->version;
    taken->taken = relaxed_load(&clock->version);
    atomic_signal_fence(memory_order_seq_cst);
    taken->address = address;
}

/* Returns: true when nobody has released to the address since the thread acquired what was there. */
static bool has_taken(struct race_plane *plane, uint64_t address)
{
    const struct race_taken *taken = taken_of(plane, address);
    return taken->address == address && relaxed_load(taken->version) == taken->taken;
}

static void forget_taken(struct race_plane *plane)
{
    for (uint32_t i = 0; i < RACE_TAKEN; i++)
        plane->taken[i].address = 0;
}

/* ---- clocks of granules ----------------------------------------------------------------------------------------- */

/* On one clock of a granule; `clock` is the thread's of that kind, `loaded` and `fence` what its relaxed ones left. */
static void clock_do(struct thread_clock *clock, struct thread_clock *loaded, const struct clock_stamp *fence,
                     struct sync_clock *sync, unsigned deeds)
{
    if ((deeds & DEED_ACQUIRE) != 0)
        thread_clock_acquire(clock, sync);
    if ((deeds & DEED_RELAXED_LOAD) != 0)
        thread_clock_acquire(loaded, sync);
    if ((deeds & DEED_RELEASE) != 0)
        thread_clock_release_join(clock, sync);
    if ((deeds & DEED_RELAXED_STORE) != 0 && fence->epoch != 0)
        thread_clock_pass_on(clock, sync, fence);
}

static void clocks_do(struct race_engine *engine, struct race_plane *plane, const struct race_granule_hold *hold,
                      unsigned deeds)
{
    struct race_part *part = race_part(plane);
    struct sync_clock *loose = race_granule_loose(engine, hold);
    if (loose != NULL) {
        loose_now(plane->thread); /* before hb's epoch moves on */
        clock_do(&plane->thread->loose, &part->loose_loaded, &part->loose_fence, loose, deeds);
    }
    clock_do(race_clock(plane), &part->loaded, &part->fence, race_granule_clock(engine, hold), deeds);
}

/* On the clock of all that have none of their own. */
static void spilled_do(struct race_engine *engine, struct race_plane *plane, unsigned deeds)
{
    struct race_granule_hold hold;
    race_granule_hold_common(engine, &hold);
    clocks_do(engine, plane, &hold, deeds);
    race_granule_release(&hold);
}

static enum race_change change_of(unsigned deeds)
{
    return (deeds & DEED_ADD) != 0      ? RACE_CHANGE_ADDS
           : (deeds & DEED_UPDATE) != 0 ? RACE_CHANGE_UPDATES
           : (deeds & DEED_MOVE) != 0   ? RACE_CHANGE_MOVES
                                        : RACE_CHANGE_ATOMIC;
}

static bool is_relaxed_add(unsigned deeds)
{
    return (deeds & (DEED_ADD | DEED_RELAXED_STORE)) == (DEED_ADD | DEED_RELAXED_STORE);
}

/* Nobody hears of it by the address. */
static void end_epoch(const struct race_engine *engine, struct race_plane *plane)
{
    if (engine->d->options.hybrid_races)
        loose_now(plane->thread);
    race_clock(plane)->epoch++;
}

/* What a relaxed store lets others know ends no epoch, but for additions, which are to be found again. */
static void note_last(struct race_engine *engine, const struct race_plane *plane, const struct race_granule_hold *hold,
                      uint32_t mask, unsigned deeds)
{
    const struct thread_clock *clock = race_clock(plane);
    const struct race_last last = {.epoch = (deeds & DEED_RELEASE) != 0 || is_relaxed_add(deeds) ? clock->epoch : 0,
                                   .slot = clock->slot,
                                   .bytes = (uint8_t)mask,
                                   .how = (uint8_t)change_of(deeds)};
    race_granule_set_last(engine, hold, last);
}

static void object_do(struct race_engine *engine, struct race_plane *plane, const struct race_granule_hold *hold,
                      uint32_t mask, unsigned deeds)
{
    if ((deeds & DEED_STORES) != 0)
        note_last(engine, plane, hold, mask, deeds);
    if (deeds != 0)
        clocks_do(engine, plane, hold, deeds);
    if (is_relaxed_add(deeds))
        end_epoch(engine, plane);
}

/* The present epoch is released to somebody before its end: what the thread takes in from now on belongs to the next. */
static void open_epoch(struct race_plane *plane)
{
    struct thread_clock *clock = race_clock(plane);
    if (relaxed_load(&clock->claimed) != clock->epoch) {
        thread_clock_claim(clock, clock->epoch);
        relaxed_store(&race_part(plane)->open[clock->epoch % RACE_OPEN], clock->epoch);
    }
}

/* What a thread adds to again and again, and nobody else uses, is a counter that hands nothing over: that ends no epoch.  Whoever comes
 * acquires the present one, which goes on until the next release.  Of what is exchanged, a lock, epochs say more to those who guess what
 * is handed over (race_hand_over.h).  Returns: false when it is no addition, or more is to be released; then nothing was done. */
static bool add_alone(struct race_engine *engine, struct race_plane *plane, const struct race_granule_hold *hold,
                      unsigned deeds)
{
    const struct thread_clock *clock = race_clock(plane);
    struct sync_clock *sync = race_granule_clock(engine, hold);
    if ((deeds & DEED_ADD) == 0 || race_granule_is_mixed(engine, hold) || race_granule_loose(engine, hold) != NULL)
        return false;
    if (is_relaxed_add(deeds))
        return race_part(plane)->fence.epoch == 0;
    if (sync->epoch == 0 || sync->slot != clock->slot || sync->seen != clock->seen || clock->later_count != 0)
        return false;
    open_epoch(plane);
    sync->epoch = clock->epoch;
    return true;
}

/* Returns: whether who acquires there hears of the thread's present epoch. */
static bool says_present(const struct sync_clock *sync, const struct thread_clock *clock)
{
    if (sync->epoch != 0)
        return sync->slot == clock->slot && sync->epoch == clock->epoch;
    return clock_snapshot_epoch(sync->seen, clock->slot) >= clock->epoch;
}

/* A counter of events, to which several threads add, and at which one looks now and then: that ends no epoch either.  Who looks acquires
 * the present ones of all.  Returns: false when more is to be done; then nothing was. */
static bool change_unobserved(struct race_engine *engine, struct race_plane *plane,
                              const struct race_granule_hold *hold, unsigned deeds)
{
    struct thread_clock *clock = race_clock(plane);
    struct sync_clock *sync = race_granule_clock(engine, hold);
    if ((deeds & DEED_UNOBSERVED) == 0 || race_granule_is_mixed(engine, hold) ||
        race_granule_loose(engine, hold) != NULL)
        return false;
    if ((deeds & DEED_RELEASE) == 0)
        return race_part(plane)->fence.epoch == 0;
    if (!says_present(sync, clock)) {
        open_epoch(plane);
        struct clock_stamp present = thread_clock_stamp(clock);
        thread_clock_pass_on(clock, sync, &present);
    }
    return true;
}

/* What a relaxed load finds may have been acquired before, or be nothing. */
static void note_absorbed(struct race_engine *engine, struct race_plane *plane, uint64_t address,
                          const struct race_granule_hold *hold, unsigned deeds)
{
    struct sync_clock *clock = race_granule_clock(engine, hold);
    bool is_relaxed = (deeds & DEED_ACQUIRE) == 0;
    if (!is_relaxed ||
        (race_granule_loose(engine, hold) == NULL && thread_clock_has_absorbed(race_clock(plane), clock)))
        note_taken(plane, address, clock);
}

/* Returns: false when none of these bytes is sync, or not all of `wanted` are those of one object, or of mixed ones. */
static bool sync_do(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t mask,
                    uint32_t wanted, unsigned deeds)
{
    struct race_granule_hold hold;
    if (!race_granule_hold(engine, address & ~(uint64_t)7, mask, wanted, &hold))
        return false;
    if ((deeds & (DEED_ADD | DEED_UPDATE)) != 0) {
        enum race_change how = change_of(deeds);
        struct race_last last = race_granule_last(engine, &hold);
        if (__builtin_expect(race_updates_meet(engine, plane, &last, how, mask), 0)) {
            race_granule_release(&hold);
            race_updates_report(engine, plane, address, &last, how);
            if (!race_granule_hold(engine, address & ~(uint64_t)7, mask, wanted, &hold))
                return false;
        }
    }
    unsigned use = race_granule_note_use(engine, &hold, race_clock(plane)->slot, (deeds & DEED_UNOBSERVED) != 0);
    bool is_done = ((use & RACE_USED_ALONE) != 0 && add_alone(engine, plane, &hold, deeds)) ||
                   ((use & RACE_USED_UNOBSERVED) != 0 && change_unobserved(engine, plane, &hold, deeds));
    if (!is_done)
        do {
            object_do(engine, plane, &hold, mask, deeds);
        } while (race_granule_next(engine, &hold));
    if ((deeds & DEED_NOTE) != 0 && !race_granule_is_mixed(engine, &hold))
        note_absorbed(engine, plane, address, &hold, deeds);
    race_granule_release(&hold);
    return true;
}

static void granule_do(struct race_engine *engine, struct race_plane *plane, uint64_t address, size_t size,
                       unsigned deeds)
{
    uint32_t mask = race_granule_mask(address, size);
    /* The chunk has its bit for good once it has one, unless its memory became fresh: then the granule is gone too. */
    if (sync_do(engine, plane, address, mask, mask, deeds))
        return;
    if ((deeds & DEED_END) != 0) { /* who was handed the last reference has freed the block, and it may be another's */
        if ((relaxed_load(&race_chunk_at(engine, address)->state) & RACE_STATE_SPILLED) != 0)
            spilled_do(engine, plane, deeds);
        return;
    }
    const struct race_piece piece = {address, size,
                                     RACE_ATOMIC | ((deeds & DEED_STORES) != 0 ? RACE_WRITE : 0u) |
                                         ((deeds & DEED_ADD) != 0 ? RACE_READ_MODIFY : 0u)};
    race_freed_meet(engine, plane, &piece);
    if (race_become_sync(engine, plane, address, size, 0))
        (void)sync_do(engine, plane, address, mask, mask, deeds);
    else
        spilled_do(engine, plane, deeds);
}

static void atomic_do(struct race_engine *engine, struct race_plane *plane, uint64_t address, size_t size,
                      unsigned deeds)
{
    bool is_one = (address & 7) + size <= RACE_GRANULE_BYTES;
    deeds |= is_one && (deeds & (DEED_ACQUIRE | DEED_RELAXED_LOAD)) != 0 ? DEED_NOTE : 0u;
    deeds &= is_one ? ~0u : ~(unsigned)DEED_ADD;
    while (size > 0) {
        size_t here = RACE_GRANULE_BYTES - (address & 7);
        here = here < size ? here : size;
        granule_do(engine, plane, address, here, deeds);
        address += here;
        size -= here;
    }
    race_generation_advance(engine, plane);
}

/* ---- plain loads and stores ------------------------------------------------------------------------------------- */

/* Of what is owed, the bytes stand above the granule's address: those of programs have no more than 56 bits. */
enum { OWED_MASK = 56 /* shift */ };

static void acquire_granule(struct race_engine *engine, struct race_plane *plane, uint64_t granule, uint32_t mask)
{
    if (!sync_do(engine, plane, granule, mask, 0, DEED_ACQUIRE) &&
        (relaxed_load(&race_chunk_at(engine, granule)->state) & RACE_STATE_SPILLED) != 0)
        spilled_do(engine, plane, DEED_ACQUIRE);
}

/* Acquires of all sync addresses in [low, high). */
static void acquire_range(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high)
{
    while (low < high) {
        uint64_t end = (low | (RACE_CHUNK_BYTES - 1)) + 1;
        end = end < high ? end : high;
        bool has_any = (relaxed_load(&race_chunk_at(engine, low)->state) & RACE_STATE_SYNC) != 0;
        for (; has_any && low < end; low += RACE_GRANULE_BYTES)
            acquire_granule(engine, plane, low, 0xff);
        low = end;
    }
}

void race_sync_settle_owed(struct race_engine *engine, struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    while (plane->owed > 0) {
        uint64_t owed = part->owed[--plane->owed];
        acquire_granule(engine, plane, owed & ~(UINT64_C(0xff) << OWED_MASK), (uint32_t)(owed >> OWED_MASK));
    }
    if (part->owed_low != 0) {
        acquire_range(engine, plane, part->owed_low, part->owed_high);
        part->owed_low = 0;
    }
}

void race_settle(struct race_engine *engine, struct race_plane *plane)
{
    if (race_enter(race_part(plane))) {
        race_sync_settle(engine, plane);
        race_leave(engine, race_part(plane));
    }
}

static void owe(struct race_plane *plane, const struct race_piece *piece)
{
    struct race_part *part = race_part(plane);
    uint64_t granule = piece->address & ~(uint64_t)(RACE_GRANULE_BYTES - 1);
    uint64_t owed = granule | (uint64_t)race_granule_mask(piece->address, piece->size) << OWED_MASK;
    for (uint32_t i = 0; i < plane->owed; i++)
        if (part->owed[i] == owed)
            return;
    if (plane->owed < RACE_OWED) {
        part->owed[plane->owed++] = owed;
        return;
    }
    /* A copy of a row of them. */
    bool is_first = part->owed_low == 0;
    part->owed_high =
        is_first || part->owed_high < granule + RACE_GRANULE_BYTES ? granule + RACE_GRANULE_BYTES : part->owed_high;
    part->owed_low = is_first || granule < part->owed_low ? granule : part->owed_low;
}

bool race_sync_is_place(const struct race_engine *engine, const struct race_piece *piece)
{
    size_t granule = (piece->address & engine->window) / RACE_GRANULE_BYTES;
    return engine->sync_places != NULL &&
           (relaxed_load(&engine->sync_places[granule]) & race_granule_mask(piece->address, piece->size)) != 0;
}

/* One plain instruction of the program's that reads and writes. */
static bool is_update(uint32_t flags)
{
    return (flags & (RACE_WRITE | RACE_READ_MODIFY | RACE_GUESS | RACE_LIBRARY)) == (RACE_WRITE | RACE_READ_MODIFY);
}

bool race_sync_access(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                      bool spilled)
{
    bool writes = (piece->flags & RACE_WRITE) != 0;
    bool reads = !writes || (piece->flags & RACE_READ_MODIFY) != 0;
    /* What was released so far is acquired now: should a verb come before the rest is settled, less is missed. */
    unsigned deeds = (writes ? DEED_RELEASE | DEED_MOVE : 0u) | (reads ? DEED_ACQUIRE : 0u);
    deeds |= is_update(piece->flags) ? DEED_UPDATE : 0u;
    if (!sync_do(engine, plane, piece->address, race_granule_mask(piece->address, piece->size), 0, deeds)) {
        if (!spilled)
            return false;
        spilled_do(engine, plane, deeds);
    }
    if (writes)
        race_generation_advance(engine, plane);
    if (reads)
        owe(plane, piece);
    return true;
}

void race_sync_adopt(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                     uint32_t known)
{
    uint32_t mask = race_granule_mask(piece->address, piece->size);
    bool spilled = false;
    if (!sync_do(engine, plane, piece->address, mask, mask, 0))
        spilled = !race_become_sync(engine, plane, piece->address, piece->size, known);
    (void)race_sync_access(engine, plane, piece, spilled);
}

/* ---- atomics and fences ----------------------------------------------------------------------------------------- */

/* Returns: false in a handler that interrupts its own thread in here: what it would order is lost. */
static bool may_enter(struct race_part *part)
{
    bool enters = race_enter(part);
    part->turned_away = part->turned_away || !enters;
    return enters;
}

static void begin_change(struct race_part *part, uint64_t address, uint32_t size)
{
    part->changing = address;
    part->changing_size = size;
}

/* Returns: whether a relaxed store there would change nothing: no release fence came before it, and the thread knows the place. */
static bool is_idle(const struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size)
{
    bool is_one = (address & 7) + size <= RACE_GRANULE_BYTES;
    return is_one && !engine->d->options.hybrid_races && race_part(plane)->fence.epoch == 0 && !race_owes(plane) &&
           has_taken(plane, address);
}

/* A read-modify-write acquires what is there already: most often nobody comes in between, and that is all. */
static void atomic_before(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                          int order, unsigned deeds)
{
    struct race_part *part = race_part(plane);
    bool releases = order == ORDER_RELEASE || order == ORDER_ACQ_REL || order == ORDER_SEQ_CST;
    if (!releases && is_idle(engine, plane, address, size)) {
        begin_change(part, address, size);
        return;
    }
    if (!may_enter(part))
        return;
    race_sync_settle(engine, plane);
    begin_change(part, address, size);
    atomic_do(engine, plane, address, size,
              deeds | (order == ORDER_ACQ_REL ? DEED_CHANGE
                       : releases             ? DEED_RELEASE
                                              : DEED_RELAXED_STORE));
    race_leave(engine, part);
}

void race_atomic_before(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                        int order)
{
    atomic_before(engine, plane, address, size, order, 0);
}

void race_atomic_add(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size, int order)
{
    atomic_before(engine, plane, address, size, order, DEED_ADD);
}

void race_atomic_unobserved(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                            int order, bool adds)
{
    atomic_before(engine, plane, address, size, order, DEED_UNOBSERVED | (adds ? DEED_ADD : 0u));
    race_part(plane)->changing = 0;
}

void race_atomic_after(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size, int order)
{
    struct race_part *part = race_part(plane);
    if (!may_enter(part))
        return;
    race_sync_settle(engine, plane);
    bool acquires = order != ORDER_RELAXED && order != ORDER_RELEASE;
    bool is_one = (address & 7) + size <= RACE_GRANULE_BYTES;
    if (!is_one || !has_taken(plane, address)) {
        bool is_end = part->changing == address && part->changing_size == size;
        atomic_do(engine, plane, address, size,
                  (acquires ? DEED_ACQUIRE : DEED_RELAXED_LOAD) | (is_end ? DEED_END : 0u));
    }
    part->changing = 0;
    race_leave(engine, part);
}

static void acquire_fence(struct thread_clock *clock, struct thread_clock *loaded)
{
    struct clock_stamp seen = thread_clock_stamp(loaded);
    thread_clock_receive(clock, &seen);
}

static void fence(struct race_engine *engine, struct race_plane *plane, int order)
{
    race_sync_settle(engine, plane);
    struct race_part *part = race_part(plane);
    struct thread_clock *clock = race_clock(plane);
    if (order != ORDER_RELAXED && order != ORDER_RELEASE) {
        acquire_fence(clock, &part->loaded);
        if (engine->d->options.hybrid_races)
            acquire_fence(&plane->thread->loose, &part->loose_loaded);
    }
    if (order == ORDER_RELEASE || order == ORDER_ACQ_REL || order == ORDER_SEQ_CST) {
        if (engine->d->options.hybrid_races) {
            loose_now(plane->thread);
            struct clock_stamp loose = thread_clock_stamp(&plane->thread->loose);
            clock_stamp_assign(&part->loose_fence, &loose);
        }
        struct clock_stamp now = thread_clock_send(clock);
        clock_stamp_assign(&part->fence, &now);
        race_generation_advance(engine, plane);
    }
}

void race_fence(struct race_engine *engine, struct race_plane *plane, int order)
{
    if (may_enter(race_part(plane))) {
        fence(engine, plane, order);
        race_leave(engine, race_part(plane));
    }
}

void race_sync_thread_begin(struct race_plane *plane)
{
    struct race_part *part = race_part(plane);
    plane->owed = 0;
    part->owed_low = 0;
    part->inside = false;
    part->has_thread = true;
    forget_taken(plane);
    thread_clock_init(&part->loaded, &plane->thread->spares, plane->thread->hb.slot, 0);
    thread_clock_init(&part->loose_loaded, &plane->thread->spares, plane->thread->hb.slot, 0);
}

void race_sync_thread_end(struct race_part *part)
{
    part->has_thread = false;
    part->owed_low = 0;
    race_hand_over_forget(part);
    clock_stamp_drop(&part->fence);
    thread_clock_drop(&part->loaded);
    clock_stamp_drop(&part->loose_fence);
    thread_clock_drop(&part->loose_loaded);
}

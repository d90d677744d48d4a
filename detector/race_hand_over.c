#include "detector/race_hand_over.h"

#include "detector/race_generation.h"
#include "detector/race_hybrid.h"
#include "detector/race_sync.h"
#include "detector/race_trust.h"

/* ---- what was received ------------------------------------------------------------------------------------------ */

/* Copies what may change meanwhile.  Returns: false when there is nothing of plane `number`, or it did. */
static bool received_read(const struct race_part *part, uint32_t number, struct race_received *copy)
{
    const struct race_received *r = &part->received[number % RACE_HANDED];
    uint32_t version = atomic_load_explicit(&r->version, memory_order_acquire); /* partner: received_write() */
    relaxed_store(&copy->slot, relaxed_load(&r->slot));
    relaxed_store(&copy->epoch, relaxed_load(&r->epoch));
    relaxed_store(&copy->number, relaxed_load(&r->number));
    relaxed_store(&copy->beyond, relaxed_load(&r->beyond));
    relaxed_store(&copy->position, relaxed_load(&r->position));
    atomic_thread_fence(memory_order_acquire); /* what was read before stays before; partner: received_write() */
    return (version & 1) == 0 && relaxed_load(&r->version) == version && relaxed_load(&copy->number) == number;
}

static void received_write(struct race_received *r, const struct race_handed *handed, uint32_t slot, uint64_t epoch)
{
    uint32_t version = relaxed_load(&r->version);
    relaxed_store(&r->version, version + 1);
    atomic_thread_fence(memory_order_release); /* odd before anything changes; partner: received_read() */
    relaxed_store(&r->slot, slot);
    relaxed_store(&r->epoch, epoch);
    relaxed_store(&r->number, handed->number);
    relaxed_store(&r->beyond, handed->beyond);
    relaxed_store(&r->position, handed->position);
    atomic_store_explicit(&r->version, version + 2, memory_order_release); /* partner: received_read() */
}

static uint64_t end_of(const struct race_handed *handed)
{
    return handed->position + handed->beyond;
}

static struct race_handed handed_of(const struct race_received *received)
{
    return (struct race_handed){relaxed_load(&received->number), relaxed_load(&received->beyond),
                                relaxed_load(&received->position)};
}

static struct race_handed joined(const struct race_handed *a, const struct race_handed *b)
{
    uint64_t end = end_of(a) > end_of(b) ? end_of(a) : end_of(b);
    uint64_t position = a->position > b->position ? a->position : b->position;
    return (struct race_handed){a->number, end - position < UINT32_MAX ? (uint32_t)(end - position) : UINT32_MAX,
                                position};
}

void race_hand_over_receive(const struct race_plane *plane, const struct race_handed *handed)
{
    if (handed->number == 0) {
        return;
    }
    struct race_received *received = &race_part(plane)->received[handed->number % RACE_HANDED];
    struct race_handed before = handed_of(received);
    if (before.number != handed->number) {
        received_write(received, handed, race_clock(plane)->slot, race_clock(plane)->epoch);
        return;
    }
    struct race_handed both = joined(&before, handed);
    if (both.position != before.position || both.beyond != before.beyond) {
        /* Since the first of the epochs: at worst a race is missed. */
        received_write(received, &both, relaxed_load(&received->slot), relaxed_load(&received->epoch));
    }
}

/* Whatever the other thread has received it may have handed over as well. */
static void receive_from(const struct race_plane *plane, const struct race_part *other)
{
    for (uint32_t i = 0; i < RACE_HANDED; i++) {
        struct race_received copy;
        uint32_t number = relaxed_load(&other->received[i].number);
        if (number != 0 && number != plane->number && received_read(other, number, &copy)) {
            const struct race_handed handed = handed_of(&copy);
            race_hand_over_receive(plane, &handed);
        }
    }
}

void race_hand_over_forget(struct race_part *part)
{
    const struct race_handed none = {0};
    for (uint32_t i = 0; i < RACE_HANDED; i++) {
        received_write(&part->received[i], &none, 0, 0);
    }
}

static enum race_handed_over covered_by(const struct race_received *received, uint64_t position)
{
    const struct race_handed handed = handed_of(received);
    return position >= end_of(&handed)   ? RACE_NOT_HANDED
           : position >= handed.position ? RACE_PERHAPS_HANDED
                                         : RACE_HANDED_OVER;
}

enum race_handed_over race_hand_over_covers(const struct race_engine *engine, const struct race_plane *plane,
                                            uint32_t number, const struct race_recalled *theirs)
{
    enum race_handed_over best = RACE_NOT_HANDED;
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t last = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    for (uint32_t n = 1; theirs->found && n <= last; n++) {
        const struct race_part *part = race_part_at(engine, n);
        struct race_received received;
        if (part == NULL || !received_read(part, number, &received) ||
            (n != plane->number &&
             !thread_clock_has_seen(race_clock(plane), relaxed_load(&received.slot), relaxed_load(&received.epoch)))) {
            continue;
        }
        enum race_handed_over covered = covered_by(&received, theirs->position);
        best = covered > best ? covered : best;
    }
    return best;
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* A counter that a library's own locks keep, changed in place. */
static bool is_counter(uint32_t flags)
{
    return (flags & (RACE_WRITE | RACE_READ_MODIFY | RACE_GUESS)) == (RACE_WRITE | RACE_READ_MODIFY | RACE_GUESS);
}

static bool is_deciding_load(uint32_t flags)
{
    return (flags & (RACE_DECIDES | RACE_WRITE)) == RACE_DECIDES;
}

/* A guess hands over to a guess; what a loop waits for, to all. */
static bool hands_over(uint32_t load, uint32_t store)
{
    bool is_store = (store & (RACE_WRITE | RACE_READ_MODIFY)) == RACE_WRITE || is_counter(store);
    return is_deciding_load(load) && is_store && ((store & RACE_GUESS) != 0 || (load & RACE_GUESS) == 0);
}

static uint32_t beyond(const struct race_recalled *theirs)
{
    uint64_t distance = theirs->until > theirs->position ? theirs->until - theirs->position : 0;
    return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}

/* Takes in what the thread of `other` has seen, and did in epochs up to `latest` that have ended. */
static void take_in(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                    uint64_t latest)
{
    const struct thread_clock *theirs = relaxed_load(&other->clock);
    struct clock_stamp stamp;
    if (theirs == NULL ||
        !thread_clock_overhear(race_clock(plane), theirs, relaxed_load(&other->born_in), latest, &stamp)) {
        race_trust_all(engine, race_part(plane)); /* it is forgotten, or never at rest */
        return;
    }
    thread_clock_receive(race_clock(plane), &stamp);
    clock_stamp_drop(&stamp);
    receive_from(plane, other);
    race_hybrid_trust_all(engine); /* the loose clock takes in nothing */
}

bool race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         uint32_t number, uint64_t latest, const struct race_recalled *theirs)
{
    const struct race_part *other = race_part_at(engine, number);
    if (!theirs->found && is_deciding_load(piece->flags) && (piece->address & 7) + piece->size <= 8) {
        /* What stored there, and so what was before it, is not known any more. */
        take_in(engine, plane, other, latest);
        race_trust_part(engine, other);
        race_sync_adopt(engine, plane, piece, 0);
        return true;
    }
    bool receives = hands_over(piece->flags, theirs->flags);
    bool sends = hands_over(theirs->flags, piece->flags);
    if (!theirs->found || !(receives || sends) || (piece->address & 7) + piece->size > 8) {
        return false;
    }
    const struct race_handed handed = {number, beyond(theirs), theirs->position};
    if (receives) {
        take_in(engine, plane, other, latest);
        race_hand_over_receive(plane, &handed);
    }
    /* Others may have counted before, each ordered with the last by the lock alone. */
    race_sync_adopt(engine, plane, piece, is_counter(theirs->flags) ? 0 : number);
    if (receives) {
        race_sync_hand_on(engine, piece, &handed);
    }
    return true;
}

/* Returns: true when the generation is not seen, but trusted. */
static bool is_trusted(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                       uint32_t g)
{
    uint32_t version = race_version_begin(other);
    uint32_t slot = relaxed_load(&other->generation[g].slot);
    uint64_t epoch = relaxed_load(&other->generation[g].epoch);
    return g != 0 && !thread_clock_has_seen(race_clock(plane), slot, epoch) && race_trusts(engine, slot, epoch) &&
           race_version_stands(other, version);
}

void race_hand_over_trusted(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                            const struct race_piece *piece)
{
    size_t place = race_place(plane, piece->address);
    bool stores = (piece->flags & RACE_WRITE) != 0;
    uint32_t g = bytes_load_one((stores ? other->tags : other->writes) + place) >> 1;
    bool waits = !stores || (g == relaxed_load(&other->present) && other->has_thread);
    if (!waits || (piece->address & 7) + piece->size > 8 || !is_trusted(engine, plane, other, g)) {
        return;
    }
    if (!stores) {
        take_in(engine, plane, other, UINT64_MAX);
    }
    race_sync_adopt(engine, plane, piece, other->number);
}

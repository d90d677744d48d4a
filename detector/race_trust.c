#include "detector/race_trust.h"

static void trust(_Atomic uint64_t *table, uint32_t slot, uint64_t epoch)
{
    if (slot >= RACE_SLOTS)
        return; /* trusted as it is */
    uint64_t before = relaxed_load(&table[slot]);
    while (before < epoch && !atomic_compare_exchange_weak_explicit(&table[slot], &before, epoch, memory_order_relaxed,
                                                                    memory_order_relaxed)) {
    }
}

/* The plane may have had several threads, one after the other; entries move down while it is renumbered, so that they are
 * read from the top, where those of last time stay until newer ones take their place. */
static void trust_part(_Atomic uint64_t *table, const struct race_part *part)
{
    for (uint32_t g = RACE_GENERATIONS; g > 0; g--)
        trust(table, relaxed_load(&part->generation[g].slot), relaxed_load(&part->generation[g].epoch));
}

void race_trust_part(struct race_engine *engine, const struct race_part *part)
{
    trust_part(engine->trusted, part);
}

void race_trust_up(struct race_engine *engine, _Atomic uint64_t *table, const struct race_part *but)
{
    /* acquire: the parts up to it; partner: race_plane_begin() */
    uint32_t last = atomic_load_explicit(&engine->last_number, memory_order_acquire);
    for (uint32_t i = 1; i <= last; i++) {
        const struct race_part *part = race_part_at(engine, i);
        if (part != NULL && part != but)
            trust_part(table, part);
    }
}

void race_trust_all(struct race_engine *engine, const struct race_part *but)
{
    race_trust_up(engine, engine->trusted, but);
    race_count(&engine->trusts);
}

bool race_trust_is_sure(const struct race_engine *engine)
{
    const struct detector *d = engine->d;
    return relaxed_load(&engine->unseen) == 0 && relaxed_load(&d->clocks.lost) == 0 &&
           relaxed_load(&d->lost_objects) == 0 && relaxed_load(&d->lost_orders) == 0;
}

void race_unseen_begin(struct race_engine *engine)
{
    /* seq_cst: whoever asks after what this thread did unseen finds it; partner: race_trust_is_sure() */
    atomic_fetch_add(&engine->unseen, 1);
}

void race_unseen_end(struct race_engine *engine)
{
    race_trust_all(engine, NULL);
    atomic_fetch_sub(&engine->unseen, 1); /* seq_cst: trusted first */
}

void race_order_unseen(struct race_engine *engine)
{
    race_trust_all(engine, NULL);
}

void race_mend(struct race_engine *engine, struct race_part *part)
{
    part->turned_away = false; /* first: a handler that comes now is turned away no more, or sets it again */
    atomic_signal_fence(memory_order_seq_cst);
    race_trust_all(engine, NULL);
}

#include "detector/live.h"

#include "detector/wait_for.h"

static void add_seat(struct evidence *e, const struct seat *seat)
{
    struct wait_record wait;
    uint8_t state = relaxed_load(&seat->state);
    struct thread_id thread = {relaxed_load(&seat->thread)};
    if (thread.v == 0 || (state != THREAD_CREATED && state != THREAD_RUNNING))
        return;
    if (seat_read_wait(seat, &wait) != 0) {
        wait_for_add_party(e, seat, &wait);
    } else {
        struct finding_party *party = evidence_party(e, PARTY_ACTS, thread, (struct stack_id){0});
        evidence_held(e, party, &seat->held);
    }
}

void detector_live(struct detector *d, void (*visit)(void *ctx, const struct finding *finding), void *ctx)
{
    struct evidence e;
    evidence_begin(&e, d, FINDING_DEADLOCK, "");
    for (uint32_t i = 0; i < relaxed_load(&d->registry.count); i++)
        add_seat(&e, registry_seat(&d->registry, i));
    e.finding.parties = e.parties;
    visit(ctx, &e.finding);
    evidence_discard(&e);
}

#include "detector/race_heard.h"

/* Returns: true when epoch `seen` of its slot is none of the thread's own. */
static bool is_before_birth(const struct race_part *other, struct thread_id thread, uint64_t seen)
{
    bool is_latest = relaxed_load(&other->thread) == thread.v;
    return seen == 0 || (is_latest && seen < relaxed_load(&other->born_in));
}

void race_heard(const struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                uint32_t slot, struct thread_id thread, struct finding_heard *heard)
{
    const struct thread *t = plane->thread;
    const struct race_host *host = &engine->host;
    if (slot == t->hb.slot)
        return; /* its clock went on in the present thread's slot, which says nothing of what was heard */
    uint64_t seen = clock_snapshot_epoch(t->hb.seen, slot);
    if (is_before_birth(other, thread, seen)) {
        heard->how = HEARD_NEVER;
    } else if (t->creator.v == thread.v && seen == t->created_in) {
        *heard = (struct finding_heard){.how = HEARD_BY_CREATION, .created = t->id, .stack = t->created_at};
    } else {
        heard->how = HEARD_LOST;
        if (relaxed_load(&other->open[seen % RACE_OPEN]) == seen)
            return; /* it was released before it had ended, by an operation that left no entry */
        if (host->sent != NULL && other->plane != NULL)
            host->sent(host->ctx, other->plane, thread, seen, heard);
    }
}

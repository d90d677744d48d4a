/* race_finding.c: from a tag that seems to race to a finding with two parties, unless it has been told (race_said.h). */
#include "detector/evidence.h"
#include "detector/race_chunk.h"
#include "detector/race_generation.h"
#include "detector/race_hand_over.h"
#include "detector/race_heard.h"
#include "detector/race_hybrid.h"
#include "detector/race_last.h"
#include "detector/race_said.h"
#include "detector/race_trust.h"

/* A race that was confirmed, with what is needed to tell of it. */
struct report {
    struct race_engine *engine;
    struct race_plane *plane;
    const struct race_part *other;
    struct race_piece piece;
    struct race_met met;
    uint64_t epoch_low, epoch_high;
    uint32_t other_slot;
    struct thread_id other_thread;
    bool hidden;  /* by the order in which locks were taken: race_hybrid.h */
    bool covered; /* by what was handed over: another one may have stored there since */
    bool perhaps_handed;
    const struct race_last *by_clock; /* that operation, which left no tags, ended epoch_low; NULL: a tag was met */
};

/* ---- looking again ---------------------------------------------------------------------------------------------- */

/* With --races=hybrid: generation `g` is hidden by locks, or a race in any case.  Under which locks it was is not known while it is
 * renumbered.  Returns: false when it is neither. */
static bool judge_hidden(struct report *r, uint32_t version, uint32_t g)
{
    const struct race_generation *met = &r->other->generation[g];
    if ((version & 1) != 0)
        return false;
    r->hidden = thread_clock_has_seen(race_clock(r->plane), relaxed_load(&met->slot), relaxed_load(&met->epoch));
    return !r->hidden || race_hybrid_hides(r->engine, r->plane, r->other, g);
}

enum verdict { VERDICT_NONE, VERDICT_RACE, VERDICT_NOT_YET };

/* Looks at the tag again, with the chunk locked: is it of this address, and unseen by what it stands for? */
static enum verdict judge(struct report *r, struct race_chunk *chunk, uint32_t state)
{
    const struct race_part *part = r->other;
    const struct race_set *set = race_set_get(r->engine, state >> RACE_STATE_SET);
    if (!race_word_is_of(r->engine, relaxed_load(&chunk->who), r->met.address) || !race_set_has(set, r->met.number))
        return VERDICT_NONE;
    uint32_t version = race_version_begin(part);
    bool writes = (r->piece.flags & RACE_WRITE) != 0;
    const uint8_t *window = writes ? r->other->tags : r->other->writes;
    uint8_t tag = bytes_load_one(window + (r->met.address & r->engine->window));
    uint32_t g = tag >> 1;
    const struct race_generation *numbering = race_numbering(part, version, (uint32_t)(chunk - r->engine->chunks));
    const struct race_generation *met = &numbering[g];
    if (g == 0 || race_generation_is_seen(r->engine, r->plane, met))
        return race_numbering_stood(part, version) ? VERDICT_NONE : VERDICT_NOT_YET;
    if (r->engine->hidden_trusted != NULL && !judge_hidden(r, version, g))
        return VERDICT_NONE;
    r->met.wrote = (tag & 1) != 0;
    r->epoch_low = relaxed_load(&met->epoch);
    r->epoch_high = UINT64_MAX;
    r->other_slot = relaxed_load(&met->slot);
    r->other_thread = (struct thread_id){relaxed_load(&met->thread)};
    if (g < relaxed_load(&part->present) && relaxed_load(&numbering[g + 1].slot) == r->other_slot) {
        uint64_t next = relaxed_load(&numbering[g + 1].epoch);
        r->epoch_high = next > r->epoch_low ? next - 1 : next; /* the same when other locks began the next one */
    }
    return race_numbering_stood(part, version) ? VERDICT_RACE : VERDICT_NOT_YET;
}

static bool is_confirmed(struct report *r, struct race_chunk *chunk)
{
    enum { TRIES = 64 };
    struct race_part *part = race_part(r->plane);
    enum verdict verdict = VERDICT_NOT_YET;
    for (int i = 0; verdict == VERDICT_NOT_YET && i < TRIES; i++) {
        uint32_t state = race_chunk_lock(part, chunk);
        verdict = judge(r, chunk, state);
        race_chunk_unlock(part, chunk, state);
    }
    return verdict == VERDICT_RACE;
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

static enum party_role role_of(bool wrote, uint32_t flags)
{
    if ((flags & RACE_FREE) != 0)
        return PARTY_FREES;
    return wrote ? PARTY_WRITES : PARTY_READS;
}

/* Single moves alone are atomic operations in the source. */
static bool is_guess(const struct race_host *host, struct stack_id stack, uint64_t size, uint32_t flags)
{
    bool is_move = (flags & (RACE_LIBRARY | RACE_READ_MODIFY | RACE_ATOMIC | RACE_FREE)) == 0 && size <= 8;
    return (flags & RACE_GUESS) != 0 || (is_move && host->is_unsure != NULL && host->is_unsure(host->ctx, stack));
}

static void set_access(const struct race_host *host, struct finding_party *party, uint64_t address, uint64_t size,
                       uint32_t flags)
{
    party->access_address = address;
    party->access_size = size;
    party->access_atomic = (flags & RACE_ATOMIC) != 0;
    party->access_by_library = (flags & RACE_LIBRARY) != 0;
    party->access_guess = is_guess(host, party->stack, size, flags);
}

/* An access is looked at before it is made, but for what libc has written. */
static void set_value(const struct report *r, struct finding_party *mine)
{
    const struct race_host *host = &r->engine->host;
    bool was_made = (r->piece.flags & RACE_LIBRARY) != 0 && (r->piece.flags & RACE_WRITE) != 0;
    if (host->value != NULL && !was_made && (r->piece.flags & RACE_FREE) == 0 &&
        r->piece.size <= sizeof mine->access_value)
        mine->has_value = host->value(host->ctx, r->piece.address, r->piece.size, &mine->access_value);
}

/* Sets the block to what one of the parties freed. */
static void set_freed_block(struct finding *finding, const struct race_host *host)
{
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *party = &finding->parties[i];
        if (party->role == PARTY_FREES && finding->memory.block_size == 0) {
            finding->memory.block = party->access_address;
            finding->memory.block_size = party->access_size;
            if (host->freed_block != NULL)
                host->freed_block(host->ctx, &finding->memory);
        }
    }
}

static void set_memory(struct finding *finding, const struct report *r)
{
    finding->has_memory = true;
    finding->memory = (struct finding_memory){.address = r->met.address, .size = 1};
    uint64_t end = r->piece.address + r->piece.size;
    const struct finding_party *other = &finding->parties[1];
    if (other->access_size != 0 && other->access_address + other->access_size < end)
        end = other->access_address + other->access_size;
    if (end > r->met.address)
        finding->memory.size = end - r->met.address;
    if (r->engine->host.block != NULL)
        r->engine->host.block(r->engine->host.ctx, &finding->memory);
    set_freed_block(finding, &r->engine->host);
}

static bool is_followed(const struct race_engine *engine, const struct finding *finding)
{
    const struct race_host *host = &engine->host;
    return host->is_followed == NULL || host->is_followed(host->ctx, finding);
}

static bool is_ignored(const struct race_engine *engine, const struct finding *finding)
{
    const struct race_host *host = &engine->host;
    return host->is_ignored != NULL && host->is_ignored(host->ctx, &finding->memory);
}

/* A plain load of what another stores atomically is not told of at all. */
static bool looks_at_guess(uint32_t load, uint32_t store)
{
    return (load & RACE_LOOKS) != 0 && (store & (RACE_WRITE | RACE_GUESS)) == (RACE_WRITE | RACE_GUESS);
}

static void set_doubt(struct finding *finding, const struct report *r, const struct race_recalled *theirs)
{
    const struct race_host *host = &r->engine->host;
    bool is_looked_at = looks_at_guess(r->piece.flags, theirs->flags) || looks_at_guess(theirs->flags, r->piece.flags);
    const char *doubt = r->perhaps_handed ? "what may be an atomic store may have handed it over"
                        : is_looked_at ? "the store may be an atomic one, which on this processor any load may look at"
                        : host->doubt == NULL ? NULL
                                              : host->doubt(host->ctx);
    if (doubt != NULL && finding->severity == SEVERITY_ERROR) {
        finding->severity = SEVERITY_WARNING;
        finding->detail = doubt;
    }
}

static void set_severity(struct finding *finding, const struct report *r, const struct race_recalled *theirs)
{
    finding->severity = finding_race_severity(&finding->parties[0], &finding->parties[1]);
    if (r->hidden) {
        finding->severity = finding->severity == SEVERITY_ERROR ? SEVERITY_WARNING : SEVERITY_NOTE;
        finding->detail = "only the order in which this run took its locks kept them apart";
    } else {
        set_doubt(finding, r, theirs);
    }
}

static void add_parties(struct evidence *e, const struct report *r, struct stack_id here,
                        const struct race_recalled *theirs)
{
    const struct race_host *host = &r->engine->host;
    struct thread *t = r->plane->thread;
    struct finding_party *mine =
        evidence_party(e, role_of((r->piece.flags & RACE_WRITE) != 0, r->piece.flags), t->id, here);
    mine->signal_number = t->signal_depth > 0 ? t->signal_number : 0;
    set_access(host, mine, r->piece.address, r->piece.size, r->piece.flags);
    set_value(r, mine);
    evidence_held(e, mine, &t->seat->held);
    struct finding_party *other =
        evidence_party(e, role_of(r->met.wrote, theirs->flags), r->other_thread, theirs->stack);
    other->history_lost = !theirs->found;
    set_access(host, other, theirs->found ? theirs->address : r->met.address, theirs->found ? theirs->size : 0,
               theirs->flags);
    other->access_guess |= other->history_lost && mine->access_guess; /* nothing speaks against it */
    other->held = theirs->held;
    other->held_count = theirs->held_count;
    e->finding.parties = e->parties;
}

static void tell(struct report *r, struct stack_id here, const struct race_recalled *theirs)
{
    struct evidence e;
    evidence_begin(&e, r->engine->d, FINDING_DATA_RACE, "");
    add_parties(&e, r, here, theirs);
    set_severity(&e.finding, r, theirs);
    set_memory(&e.finding, r);
    if (is_ignored(r->engine, &e.finding)) {
        evidence_discard(&e);
        return;
    }
    bool followed = is_followed(r->engine, &e.finding);
    if (followed && race_said_is_news(r->engine, &e.finding)) {
        if (!r->hidden) /* only now: it is a search through the other thread's history */
            race_heard(r->engine, r->plane, r->other, r->other_slot, r->other_thread, &e.finding.heard);
        race_count(&r->engine->races);
        race_said_look_on(r->engine, here, &r->met);
        evidence_send(&e);
        return;
    }
    race_count(followed ? &r->engine->repeats : &r->engine->withheld);
    evidence_discard(&e);
}

static void set_released(const struct race_last *last, uint64_t address, struct race_recalled *theirs)
{
    unsigned first = (unsigned)__builtin_ctz(last->bytes | 0x100u);
    bool is_atomic = last->how == RACE_CHANGE_ATOMIC || last->how == RACE_CHANGE_ADDS;
    theirs->flags = RACE_WRITE | (is_atomic ? RACE_ATOMIC : 0u);
    theirs->address = (address & ~(uint64_t)(RACE_GRANULE_BYTES - 1)) + first;
    theirs->size = (uint64_t)__builtin_ctz(~((uint32_t)last->bytes >> first));
}

static void recall(const struct report *r, struct race_recalled *theirs)
{
    const struct race_host *host = &r->engine->host;
    *theirs = (struct race_recalled){0};
    if (r->other->plane == NULL)
        return;
    if (r->by_clock != NULL) {
        host->released(host->ctx, r->other->plane, r->other_thread, r->epoch_low, theirs);
        set_released(r->by_clock, r->piece.address, theirs);
    } else {
        host->recall(host->ctx, r->other->plane, r->epoch_low, r->epoch_high, r->met.address, 1, r->met.wrote, theirs);
    }
    if (!theirs->found)
        *theirs = (struct race_recalled){0};
}

/* Returns: true when they may not be beside the present access: one frees the block, or one adds something atomically to what the
 * other changes by a plain instruction, and either change may be lost. */
static bool is_forbidden(const struct report *r, const struct race_recalled *theirs)
{
    const uint32_t update = RACE_WRITE | RACE_READ_MODIFY;
    bool is_update = (theirs->flags & (update | RACE_GUESS | RACE_LIBRARY)) == update &&
                     theirs->address == r->piece.address && theirs->size == r->piece.size;
    return theirs->found && (r->by_clock != NULL || (theirs->flags & RACE_FREE) != 0 ||
                             (is_update && (r->piece.flags & RACE_READ_MODIFY) != 0));
}

static struct race_giver giver_of(const struct report *r)
{
    return (struct race_giver){r->other, r->other_slot, r->epoch_low,
                               r->epoch_high != UINT64_MAX ? r->epoch_high : r->epoch_low, r->epoch_high == UINT64_MAX};
}

/* Atomic operations race with little else: what was stored plainly before, they were handed. */
static void report_atomic(struct report *r, struct stack_id here)
{
    struct race_recalled theirs;
    r->covered = true;
    if (here.v == 0 || r->hidden || !race_said_may_be_news(r->engine, here, &r->met, r->piece.flags))
        return;
    recall(r, &theirs);
    const struct race_giver giver = giver_of(r);
    if (is_forbidden(r, &theirs) && race_hand_over_covers(r->plane, &giver, &theirs) == RACE_NOT_HANDED) {
        r->covered = false;
        tell(r, here, &theirs);
    }
}

static void report(void *arg)
{
    struct report *r = arg;
    const struct race_host *host = &r->engine->host;
    struct race_recalled theirs;
    struct stack_id here = host->stack_here(host->ctx);
    if (r->by_clock != NULL || (r->piece.flags & RACE_ATOMIC) != 0) {
        report_atomic(r, here);
        return;
    }
    if (!race_said_may_be_news(r->engine, here, &r->met, r->piece.flags)) {
        race_count(&r->engine->repeats);
        race_hand_over_blind(r->engine, r->plane, &r->piece, r->other);
        return;
    }
    recall(r, &theirs);
    const struct race_giver giver = giver_of(r);
    enum race_handed_over handed = race_hand_over_covers(r->plane, &giver, &theirs);
    r->perhaps_handed = handed == RACE_PERHAPS_HANDED;
    if (handed == RACE_HANDED_OVER) {
        race_count(&r->engine->repeats);
        r->covered = true;
        return;
    }
    tell(r, here, &theirs);
    if (race_hand_over_note(r->engine, r->plane, &r->piece, &giver, &theirs)) {
        /* The next flag there, or of this place in the code, hands over as well: in another block, say. */
        race_said_look_anew(r->engine, here, &r->met);
    }
}

bool race_found(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                const struct race_piece *piece, const struct race_met *met)
{
    struct report r = {.engine = engine, .plane = plane, .piece = *piece, .met = *met};
    r.other = race_part_at(engine, met->number);
    if (!is_confirmed(&r, chunk))
        return false;
    if (!race_trust_is_sure(engine)) {
        race_count(&engine->withheld);
        return false;
    }
    if (!race_said_is_worth_a_look(engine, met)) {
        race_count(&engine->repeats);
        race_hand_over_blind(engine, plane, piece, r.other);
    } else {
        engine->host.apart(engine->host.ctx, report, &r);
    }
    return !r.covered;
}

bool race_found_by_clock(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                         const struct race_piece *piece, const struct race_met *met, const struct race_last *last)
{
    struct report r = {.engine = engine,
                       .plane = plane,
                       .other = other,
                       .piece = *piece,
                       .met = *met,
                       .epoch_low = last->epoch,
                       .epoch_high = last->epoch,
                       .other_slot = last->slot,
                       .other_thread = {relaxed_load(&other->thread)},
                       .by_clock = last};
    if (engine->host.released == NULL || !race_trust_is_sure(engine) || !race_said_is_worth_a_look(engine, met))
        return false;
    engine->host.apart(engine->host.ctx, report, &r);
    return !r.covered;
}

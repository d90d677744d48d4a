/* commons_circle.c: circles of threads that hold what another wants, over processes. */
#include <stdatomic.h>
#include <string.h>

#include "detector/commons_block.h"
#include "detector/relaxed.h"

/* Of dependencies that differ in nothing but the thread so many are kept; those of processes that are gone make room. */
enum { ALIKE_MAX = 16, STEPS_MAX = 1 << 16, GENERATIONS_MAX = 16 };

struct search {
    struct commons *c;
    const struct party_slot *slots;
    uint32_t count;
    bool is_order; /* of dependencies, not of sleepers */
    uint32_t steps;
    uint64_t last_ns[COMMONS_CIRCLE_MAX];
    struct commons_circle *circle;
};

/* ---- two parties ------------------------------------------------------------------------------------------------ */

static bool same_lock(const struct commons_lock *a, const struct commons_lock *b)
{
    return a->identity == b->identity && a->generation == b->generation;
}

bool commons_is_current(const struct commons *c, const struct commons_lock *lock)
{
    return commons_is_end(lock->identity) ||
           (lock->generation == commons_generation(c, lock->identity) && !commons_is_no_lock(c, lock->identity));
}

bool commons_party_holds(const struct commons *c, const struct commons_party *holder, const struct commons_lock *wanted)
{
    for (uint32_t i = 0; i < holder->held_count && i < COMMONS_HELD_MAX; i++) {
        const struct commons_lock *held = &holder->held[i];
        if (same_lock(held, wanted) && !(held->is_shared && wanted->is_shared) && commons_is_current(c, held))
            return true;
    }
    return false;
}

static bool have_gate(const struct commons_party *a, const struct commons_party *b)
{
    for (uint32_t i = 0; i < a->held_count; i++) {
        for (uint32_t k = 0; k < b->held_count; k++)
            if (same_lock(&a->held[i], &b->held[k]) && !(a->held[i].is_shared && b->held[k].is_shared))
                return true;
    }
    return false;
}

/* Returns: true when `ancestor` had forked, by however many steps, what became `process`; *forked_ns is when. */
static bool descends(struct commons *c, struct commons_process process, uint32_t ancestor, uint64_t *forked_ns)
{
    for (int generations = 0; generations < GENERATIONS_MAX && process.parent != 0; generations++) {
        *forked_ns = process.began_ns;
        if (process.parent == ancestor)
            return true;
        if (process.parent > COMMONS_PROCESSES || !commons_get_process(c, (uint32_t)process.parent, &process))
            return false;
    }
    return false;
}

/* Returns: true when all that `a` did, last at `a_last_ns`, comes before `b` in every run. */
static bool comes_before(struct commons *c, const struct commons_party *a, uint64_t a_last_ns,
                         const struct commons_party *b)
{
    struct commons_process of_a, of_b;
    bool handed_over = a_last_ns <= b->first_ns && a_last_ns <= commons_heard_until(c, b->process, a->process);
    if (a->process == b->process)
        return handed_over || (a->epoch != 0 && a->epoch <= b->seen[a->slot % COMMONS_SEEN]);
    if (!commons_get_process(c, a->process, &of_a) || !commons_get_process(c, b->process, &of_b))
        return true; /* not known: no finding */
    uint64_t a_gone_ns = relaxed_load(&c->processes[a->process - 1].gone_ns), forked_ns = 0;
    bool is_gone = a_gone_ns != 0;
    bool began_after = is_gone && of_b.joined_ns >= a_gone_ns;
    bool waited_for = is_gone && b->first_ns >= a_gone_ns && descends(c, of_a, b->process, &forked_ns);
    return began_after || waited_for || handed_over ||
           (descends(c, of_b, a->process, &forked_ns) && a_last_ns <= forked_ns);
}

static bool same_thread(const struct commons_party *a, const struct commons_party *b)
{
    return a->process == b->process && a->tid == b->tid;
}

/* Returns: true when `party` may stand beside member `i` in the circle. */
static bool go_together(struct search *s, uint32_t i, const struct commons_party *party, uint64_t last_ns)
{
    const struct commons_party *member = &s->circle->parties[i];
    if (same_thread(member, party) || same_lock(&member->wanted, &party->wanted))
        return false;
    return !s->is_order || (!have_gate(member, party) && !comes_before(s->c, member, s->last_ns[i], party) &&
                            !comes_before(s->c, party, last_ns, member));
}

/* ---- the search ------------------------------------------------------------------------------------------------- */

static bool spans_processes(const struct commons_circle *circle)
{
    for (uint32_t i = 1; i < circle->count; i++)
        if (circle->parties[i].process != circle->parties[0].process)
            return true;
    return false;
}

/* Appends `party` when the circle may go on with it. */
static bool append(struct search *s, const struct commons_party *party, uint64_t last_ns)
{
    struct commons_circle *circle = s->circle;
    for (uint32_t i = 0; i < circle->count; i++)
        if (!go_together(s, i, party, last_ns))
            return false;
    s->last_ns[circle->count] = last_ns;
    circle->parties[circle->count++] = *party;
    return true;
}

/* Extends the circle, whose last member's wish is to be met, up to `length` members. */
static bool close_circle(struct search *s, uint32_t length)
{
    struct commons_circle *circle = s->circle;
    uint32_t last = circle->count - 1;
    if (!commons_is_current(s->c, &circle->parties[last].wanted))
        return false;
    if (circle->count == length)
        return commons_party_holds(s->c, &circle->parties[0], &circle->parties[last].wanted) && spans_processes(circle);
    for (uint32_t i = 0; i < s->count && s->steps < STEPS_MAX; i++) {
        struct commons_party party;
        const struct party_slot *slot = &s->slots[i];
        s->steps++;
        /* asked of the record where it lies, which costs little, and again of the copy that has its seal */
        if (relaxed_load(&slot->is_set) == 0 ||
            !commons_party_holds(s->c, &slot->record, &circle->parties[last].wanted) ||
            !commons_copy_party(s->c, &party, slot) ||
            !commons_party_holds(s->c, &party, &circle->parties[last].wanted) ||
            !append(s, &party, relaxed_load(&slot->last_ns)))
            continue;
        if (close_circle(s, length))
            return true;
        circle->count = last + 1;
    }
    return false;
}

/* A set of identities.  All ends of processes are one member. */
struct identity_set {
    uint64_t words[COMMONS_LOCKS / 64 + 1];
};

/* Returns: its place in the set, or COMMONS_LOCKS + 1 for none. */
static uint32_t member_of(uint32_t identity)
{
    if (commons_is_end(identity))
        return 0;
    return identity <= COMMONS_LOCKS ? identity : COMMONS_LOCKS + 1;
}

static bool set_has(const struct identity_set *set, uint32_t identity)
{
    uint32_t member = member_of(identity);
    return member <= COMMONS_LOCKS && (set->words[member / 64] >> member % 64 & 1) != 0;
}

static void set_add(struct identity_set *set, uint32_t identity)
{
    uint32_t member = member_of(identity);
    if (member <= COMMONS_LOCKS)
        set->words[member / 64] |= UINT64_C(1) << member % 64;
}

static bool set_has_held(const struct identity_set *set, const struct commons_party *party)
{
    for (uint32_t i = 0; i < party->held_count && i < COMMONS_HELD_MAX; i++)
        if (set_has(set, party->held[i].identity))
            return true;
    return false;
}

/* Returns: false when no chain of at most COMMONS_CIRCLE_MAX wishes leads from what `party` wants to what it holds,
 * whoever's they are: the usual case, told without trying who may stand beside whom.  The records are read where they
 * lie, unsealed, for they decide nothing but whether to look closer. */
static bool may_close(const struct search *s, const struct commons_party *party)
{
    struct identity_set reached = {{0}};
    set_add(&reached, party->wanted.identity);
    bool is_new = true;
    for (uint32_t length = 2; length <= COMMONS_CIRCLE_MAX && is_new; length++) {
        is_new = false;
        for (uint32_t i = 0; i < s->count; i++) {
            const struct commons_party *other = &s->slots[i].record;
            if (set_has_held(&reached, other) && !set_has(&reached, other->wanted.identity)) {
                set_add(&reached, other->wanted.identity);
                is_new = true;
            }
        }
        if (set_has_held(&reached, party))
            return true;
    }
    return false;
}

/* Returns: true when `party` closes a circle; the shortest is in s->circle. */
static bool find_circle(struct search *s, const struct commons_party *party, uint64_t now_ns)
{
    if (!may_close(s, party))
        return false;
    for (uint32_t length = 2; length <= COMMONS_CIRCLE_MAX; length++) {
        s->circle->count = 0;
        if (append(s, party, now_ns) && close_circle(s, length))
            return true;
    }
    if (s->steps >= STEPS_MAX)
        commons_note_lost(s->c);
    return false;
}

/* ---- said once -------------------------------------------------------------------------------------------------- */

static uint64_t place_hash(const struct commons_party *party, bool is_order)
{
    uint64_t words[2 + COMMONS_HELD_MAX] = {party->wanted.stack, is_order ? 0 : (uint64_t)party->tid};
    for (uint32_t i = 0; i < party->held_count; i++)
        words[2 + i] = party->held[i].stack;
    return commons_seal(words, sizeof words);
}

/* Returns: true the first time that a circle of these code places (and sleepers) is asked for. */
static bool say_once(struct search *s)
{
    uint64_t key = s->is_order ? 1 : 2;
    for (uint32_t i = 0; i < s->circle->count; i++)
        key += place_hash(&s->circle->parties[i], s->is_order); /* in whatever order they came */
    uint32_t count = commons_count(&s->c->said_count, COMMONS_SAID);
    for (uint32_t i = 0; i < count; i++)
        if (s->c->said[i] == key)
            return false;
    if (count == COMMONS_SAID) {
        commons_note_lost(s->c);
        return false;
    }
    s->c->said[count] = key;
    relaxed_store(&s->c->said_count, count + 1);
    return true;
}

/* ---- dependencies ----------------------------------------------------------------------------------------------- */

void commons_set_party(struct party_slot *slot, const struct commons_party *party, uint64_t last_ns)
{
    relaxed_store(&slot->is_set, 0);
    slot->record = *party;
    slot->seal = commons_seal(&slot->record, sizeof slot->record);
    relaxed_store(&slot->last_ns, last_ns);
    /* release: the record is complete; partner: readers under the block's lock */
    atomic_store_explicit(&slot->is_set, 1, memory_order_release);
}

static bool is_alike(const struct commons_party *a, const struct commons_party *b)
{
    return memcmp(&a->wanted, &b->wanted, sizeof a->wanted) == 0 && a->held_count == b->held_count &&
           memcmp(a->held, b->held, a->held_count * sizeof a->held[0]) == 0;
}

/* Returns: true when a lock of one process alone is in it. */
static bool has_private(const struct commons_party *party)
{
    bool result = commons_is_private(party->wanted.identity);
    for (uint32_t i = 0; i < party->held_count && i < COMMONS_HELD_MAX; i++)
        result = result || commons_is_private(party->held[i].identity);
    return result;
}

/* What there is of the kind of dependencies that a party is of. */
struct kin {
    uint32_t alike, privates;
    struct party_slot *own, *of_gone; /* like it; of_gone: by a process that is gone */
    struct party_slot *spare;         /* private, of a process that is gone */
};

static void look_at(struct commons *c, struct party_slot *slot, const struct commons_party *party, struct kin *kin)
{
    struct commons_party other;
    bool is_private = has_private(&slot->record), may_be_alike = is_alike(&slot->record, party);
    kin->privates += is_private;
    if ((!is_private && !may_be_alike) || !commons_copy_party(c, &other, slot))
        return;
    bool is_gone = relaxed_load(&c->processes[other.process - 1].gone_ns) != 0;
    if (is_private && is_gone)
        kin->spare = slot;
    if (!is_alike(&other, party))
        return;
    kin->alike++;
    if (same_thread(&other, party))
        kin->own = slot;
    else if (is_gone && kin->of_gone == NULL)
        kin->of_gone = slot;
}

static struct party_slot *next_place(struct commons *c, const struct commons_party *party, const struct kin *kin,
                                     uint32_t count)
{
    bool is_full = has_private(party) && kin->privates >= COMMONS_DEPENDENCIES / 2;
    if (is_full && kin->spare != NULL)
        return kin->spare;
    if (is_full || count == COMMONS_DEPENDENCIES) {
        commons_note_lost(c);
        return NULL;
    }
    relaxed_store(&c->dependency_count, count + 1);
    return &c->dependencies[count];
}

/* Returns: the place for `party`: its own, that of one like it whose process is gone, or the next; NULL for none. */
static struct party_slot *find_place(struct commons *c, const struct commons_party *party)
{
    uint32_t count = commons_count(&c->dependency_count, COMMONS_DEPENDENCIES);
    struct kin kin = {.alike = 0};
    for (uint32_t i = 0; i < count && kin.own == NULL; i++)
        look_at(c, &c->dependencies[i], party, &kin);
    if (kin.own != NULL)
        return kin.own;
    if (kin.of_gone != NULL && kin.alike >= ALIKE_MAX / 2)
        return kin.of_gone;
    if (kin.alike >= ALIKE_MAX)
        return NULL; /* evidence enough */
    return next_place(c, party, &kin, count);
}

bool commons_request(struct commons *c, const struct commons_party *party, const struct commons_host *host,
                     struct commons_circle *circle)
{
    commons_sweep(c, host);
    struct commons_party mine = *party, known;
    uint64_t now_ns = host->now_ns(host->ctx);
    mine.first_ns = now_ns;
    struct party_slot *place = find_place(c, &mine);
    if (place != NULL) {
        bool is_known = commons_copy_party(c, &known, place) && is_alike(&known, &mine) && same_thread(&known, &mine);
        struct commons_party kept = mine; /* its clock is that of the last */
        kept.first_ns = is_known ? known.first_ns : now_ns;
        commons_set_party(place, &kept, now_ns);
    }
    struct search search = {.c = c,
                            .slots = c->dependencies,
                            .count = commons_count(&c->dependency_count, COMMONS_DEPENDENCIES),
                            .is_order = true,
                            .circle = circle};
    return find_circle(&search, &mine, now_ns) && say_once(&search);
}

/* ---- sleepers --------------------------------------------------------------------------------------------------- */

static struct party_slot *find_bed(struct commons *c)
{
    uint32_t count = commons_count(&c->sleeper_count, COMMONS_SLEEPERS);
    for (uint32_t i = 0; i < count; i++) {
        struct party_slot *slot = &c->sleepers[i];
        struct commons_party other;
        bool is_free = relaxed_load(&slot->is_set) == 0 || !commons_copy_party(c, &other, slot) ||
                       relaxed_load(&c->processes[other.process - 1].gone_ns) != 0;
        if (is_free)
            return slot;
    }
    if (count == COMMONS_SLEEPERS) {
        commons_note_lost(c);
        return NULL;
    }
    relaxed_store(&c->sleeper_count, count + 1);
    return &c->sleepers[count];
}

bool commons_sleeps_on(struct commons *c, const struct commons_circle *circle, const struct commons_host *host)
{
    uint32_t count = commons_count(&c->sleeper_count, COMMONS_SLEEPERS);
    for (uint32_t i = 0; i < circle->count; i++) {
        const struct commons_party *member = &circle->parties[i];
        bool is_asleep = false;
        for (uint32_t k = 0; k < count && !is_asleep; k++) {
            struct commons_party now;
            is_asleep = relaxed_load(&c->sleepers[k].is_set) != 0 && commons_copy_party(c, &now, &c->sleepers[k]) &&
                        memcmp(&now, member, sizeof now) == 0;
        }
        if (!is_asleep || !commons_process_lives(c, member->process, host))
            return false;
    }
    return true;
}

bool commons_asleep(struct commons *c, const struct commons_party *party, const struct commons_host *host,
                    uint32_t *sleeper, struct commons_circle *circle)
{
    struct commons_party mine = *party;
    struct party_slot *bed = find_bed(c);
    *sleeper = 0;
    if (bed == NULL)
        return false;
    mine.first_ns = host->now_ns(host->ctx);
    commons_set_party(bed, &mine, mine.first_ns);
    *sleeper = (uint32_t)(bed - c->sleepers) + 1;
    struct search search = {
        .c = c, .slots = c->sleepers, .count = commons_count(&c->sleeper_count, COMMONS_SLEEPERS), .circle = circle};
    bool is_circle = find_circle(&search, &mine, mine.first_ns) && commons_sleeps_on(c, circle, host);
    for (uint32_t i = 0; is_circle && i < circle->count; i++)
        relaxed_store(&c->processes[circle->parties[i].process - 1].is_told, 1);
    return is_circle && say_once(&search);
}

void commons_awake(struct commons *c, uint32_t sleeper)
{
    if (sleeper >= 1 && sleeper <= COMMONS_SLEEPERS) {
        uint32_t process = c->sleepers[sleeper - 1].record.process;
        relaxed_store(&c->sleepers[sleeper - 1].is_set, 0);
        if (process >= 1 && process <= COMMONS_PROCESSES)
            relaxed_store(&c->processes[process - 1].is_told, 0);
    }
}

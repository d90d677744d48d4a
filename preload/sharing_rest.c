#include "preload/sharing_rest.h"

#include <string.h>

#include "detector/asleep.h"
#include "detector/commons_rest.h"
#include "detector/thread.h"
#include "preload/alarm.h"
#include "preload/arena.h"
#include "preload/asleep.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/file_name.h"
#include "preload/lockhound.h"
#include "preload/outsiders.h"
#include "preload/process_status.h"
#include "preload/raw.h"
#include "preload/real.h"
#include "preload/sharing.h"
#include "preload/sharing_end.h"
#include "preload/sharing_party.h"
#include "preload/sharing_report.h"
#include "preload/sink.h"
#include "preload/thread_records.h"

enum {
    PAUSE_MS = 20,
    BETWEEN_LOOKS_MS = 40,
    LOOKS_MAX = 50,
    GIVEN_UP_MAX = 8,
    FILES_MAX = 16,
    LIFE_FRESH_NS = 2000000
};

_Atomic bool sharing_rest_is_told;

static atomic_uint in_vain; /* looks at the system that found it otherwise */

/* What the system is asked about those that rest. */
struct inquiry {
    struct commons *c;
    struct commons_rest rest;
    struct file_identity files[FILES_MAX];
    char paths[FILES_MAX][COMMONS_PATH_SIZE]; /* of these */
    size_t file_count;
    pid_t members[COMMONS_REST_MEMBERS], parents[COMMONS_REST_MEMBERS];
    size_t parent_count;
    bool is_open; /* a newcomer could come by the memory */
    struct commons_circle shown;
    uint32_t number; /* of this process's rest */
};

/* ---- telling ------------------------------------------------------------------------------------------------------ */

/* Returns: its number among what processes share, or 0. */
static uint32_t identity_of(const struct object *o)
{
    uint32_t number = object_alert_any(o, OBJECT_ALERT_SHARED) ? relaxed_load(&o->common) : 0;
    return number == SHARING_NOTHING ? 0 : number;
}

/* holds the commons' lock */
static struct commons_lock lock_of(struct commons *c, uint32_t identity, enum lock_mode mode, uint32_t at)
{
    return (struct commons_lock){identity, commons_generation(c, identity), mode == LOCK_SHARED,
                                 sharing_party_tell_stack(c, (struct stack_id){at})};
}

static uint32_t measure_of(const struct commons *c, const struct object *o, uint32_t identity)
{
    if (o->kind == OBJECT_BARRIER)
        return o->count;
    return o->kind == OBJECT_SEMAPHORE ? commons_semaphore_posts(c, identity) : 0;
}

/* holds the commons' lock */
static void add_holds(struct commons *c, const struct held_set *held, struct commons_party *party)
{
    const struct held_array *array = relaxed_load(&held->array);
    for (uint32_t i = 0; i < held_readable(held, array) && party->held_count < COMMONS_HELD_MAX; i++) {
        const struct held_entry *entry = &array->entry[i];
        uint32_t identity = held_entry_is_current(entry) ? identity_of(relaxed_load(&entry->object)) : 0;
        if (identity != 0)
            party->held[party->held_count++] =
                lock_of(c, identity, (enum lock_mode)relaxed_load(&entry->mode), relaxed_load(&entry->at));
    }
}

/* holds the commons' lock */
static void name_party(struct thread_id thread, struct commons_party *party)
{
    struct thread_record record = {.tid = 0};
    memset(party, 0, sizeof *party); /* its padding is sealed too */
    (void)thread_records_get(thread, &record);
    party->process = commons_file_process();
    party->thread = thread.v;
    party->tid = record.tid;
    memcpy(party->name, record.name, sizeof party->name);
    party->threads = (uint32_t)self_live_count();
}

/* holds the commons' lock */
static void tell_of(void *ctx, const struct seat *seat, const struct wait_record *wait)
{
    struct commons *c = ctx;
    struct commons_party party;
    bool is_shared = wait->kind != WAIT_JOIN && object_alert_any(wait->wanted, OBJECT_ALERT_SHARED);
    if (is_shared && identity_of(wait->wanted) == 0) { /* what has no name others may end unknown */
        commons_stirs(c, commons_file_process());
        return;
    }
    name_party((struct thread_id){relaxed_load(&seat->thread)}, &party);
    uint32_t identity = wait->kind == WAIT_JOIN ? 0 : identity_of(wait->wanted);
    if (identity == 0)
        party.wanted = (struct commons_lock){.identity = COMMONS_WITHIN};
    else
        party.wanted = lock_of(c, identity, wait->mode, wait->at.v);
    party.measure = identity == 0 ? 0 : measure_of(c, wait->wanted, identity);
    add_holds(c, &seat->held, &party);
    commons_rests_party(c, &party);
}

static uint32_t traits_now(void)
{
    bool is_interruptible = detector_handlers_installed(lockhound.detector) != HANDLERS_NONE;
    return (alarm_is_set() ? COMMONS_REST_ALARMED : 0u) | (is_interruptible ? COMMONS_REST_INTERRUPTIBLE : 0u);
}

void sharing_rest_stir(void)
{
    struct commons *c = commons_file_opened();
    atomic_store_explicit(&sharing_rest_is_told, false, memory_order_relaxed);
    if (c != NULL)
        commons_stirs(c, commons_file_process());
}

/* ---- who lives ---------------------------------------------------------------------------------------------------- */

/* The kernel takes its time to say so: that a process lives is believed for a while. */
static enum commons_life life_of(void *ctx, int64_t pid, uint64_t start_time)
{
    static struct {
        _Atomic int64_t pid;
        _Atomic uint64_t seen_ns;
    } lately[64];
    size_t place = (size_t)pid % (sizeof lately / sizeof *lately);
    uint64_t now_ns = clock_monotonic_ns();
    if (relaxed_load(&lately[place].pid) == pid && now_ns - relaxed_load(&lately[place].seen_ns) < LIFE_FRESH_NS)
        return COMMONS_LIVES;
    enum commons_life life = commons_file_host()->life(ctx, pid, start_time);
    relaxed_store(&lately[place].seen_ns, now_ns);
    relaxed_store(&lately[place].pid, life == COMMONS_LIVES ? pid : 0);
    return life;
}

/* ---- asking the system -------------------------------------------------------------------------------------------- */

static struct commons_host host_now(void)
{
    struct commons_host host = *commons_file_host();
    host.life = life_of;
    return host;
}

/* Whoever rests later looks himself, while this one sleeps. */
static bool all_rest(struct inquiry *q)
{
    const struct commons_host host = host_now();
    if (!commons_rest_is_latest(q->c, q->number) || !commons_file_enter(q->c))
        return false;
    bool result = commons_all_rest(q->c, &host, &q->rest);
    commons_file_leave(q->c);
    return result;
}

static void add_file(struct inquiry *q, const struct commons_identity *identity)
{
    const struct commons_key *key = &identity->key;
    for (size_t i = 0; i < q->file_count; i++)
        if (q->files[i].device == key->device && q->files[i].inode == key->inode)
            return;
    if (q->file_count == FILES_MAX) {
        q->is_open = true;
        return;
    }
    memcpy(q->paths[q->file_count], identity->path, sizeof identity->path);
    q->files[q->file_count++] = (struct file_identity){key->device, key->inode};
}

static pid_t pid_of(const struct inquiry *q, uint32_t process)
{
    for (uint32_t i = 0; i < q->rest.count; i++)
        if (q->rest.members[i].process == process)
            return (pid_t)q->rest.members[i].pid;
    return 0;
}

static bool is_alarmed(const struct inquiry *q)
{
    for (uint32_t i = 0; i < q->rest.count; i++)
        if ((q->rest.members[i].traits & COMMONS_REST_ALARMED) != 0)
            return true;
    return false;
}

static bool ask_of(void *ctx, const struct commons_party *party)
{
    struct inquiry *q = ctx;
    struct commons_identity identity;
    if (party->wanted.identity == COMMONS_ANY_END) {
        q->parents[q->parent_count++] = pid_of(q, party->process);
        q->is_open = q->is_open || is_alarmed(q);
        return q->parent_count < COMMONS_REST_MEMBERS;
    }
    if (!commons_get_identity(q->c, party->wanted.identity, &identity))
        return true; /* nothing in memory */
    bool has_owner = identity.key.kind != OBJECT_COND && identity.key.kind != OBJECT_BARRIER &&
                     identity.key.kind != OBJECT_SEMAPHORE;
    if (!has_owner)
        add_file(q, &identity);
    return !q->is_open;
}

/* Returns: true when nobody could come to wake them who is not there. */
static bool is_closed(struct inquiry *q)
{
    q->file_count = q->parent_count = 0;
    for (uint32_t i = 0; i < q->rest.count; i++)
        q->members[i] = (pid_t)q->rest.members[i].pid;
    q->is_open = !commons_file_enter(q->c);
    if (q->is_open)
        return false;
    bool is_all = commons_rest_visit(q->c, &q->rest, ask_of, q);
    commons_file_leave(q->c);
    for (size_t i = 0; is_all && !q->is_open && i < q->file_count; i++)
        q->is_open = !file_name_is_gone(q->paths[i], &q->files[i]);
    for (size_t i = 0; is_all && i < q->parent_count; i++)
        q->is_open = q->is_open || !process_has_children_only(q->parents[i], q->members, q->rest.count);
    return is_all && !q->is_open;
}

static bool may_outsiders_act(const struct inquiry *q)
{
    return outsiders_may_act(&(struct outsiders){
        .members = q->members, .member_count = q->rest.count, .files = q->files, .file_count = q->file_count});
}

/* As glibc has it, nptl_db aside: pthread/internaltypes.h. */
struct barrier_within {
    unsigned in, round, count;
};

/* Returns: false when it would end at once.  The calling thread has not begun it yet, so that the kernel says nothing of it: the
 * others may have acted when it had just tried. */
static bool stands(const struct wait_record *wait)
{
    void *place = (void *)(uintptr_t)relaxed_load(&wait->wanted->address);
    const struct barrier_within *barrier = place;
    int value = 0;
    switch (wait->kind) {
    case WAIT_SEMAPHORE:
        return real.sem_getvalue(place, &value) != 0 || value <= 0;
    case WAIT_BARRIER:
        return barrier->in - barrier->round + 1 < barrier->count;
    case WAIT_LOCK:
        return wait->wanted->kind != OBJECT_MUTEX || ((pthread_mutex_t *)place)->__data.__lock != 0;
    default:
        return true;
    }
}

static void look_at_wait(void *all_stand, const struct seat *seat, const struct wait_record *wait)
{
    (void)seat;
    if (wait->kind != WAIT_JOIN && identity_of(wait->wanted) != 0 && !stands(wait))
        *(bool *)all_stand = false;
}

/* Returns: true when the kernel has every thread of them asleep; `sum` changes when one has run. */
static bool all_sleep(const struct inquiry *q, uint64_t *sum)
{
    bool all_stand = true;
    asleep_visit(lockhound.detector, look_at_wait, &all_stand);
    *sum = 0;
    for (uint32_t i = 0; i < q->rest.count; i++) {
        uint64_t fingerprint;
        const struct commons_rest_member *m = &q->rest.members[i];
        if (!asleep_process((pid_t)m->pid, m->threads, &fingerprint))
            return false;
        *sum += fingerprint ^ m->rest ^ (uint64_t)m->pid << 32;
    }
    return all_stand;
}

/* Returns: true when it is sure that none of them runs again. */
static bool is_lasting(struct inquiry *q)
{
    uint64_t before, after;
    for (int look = 0; look < LOOKS_MAX && all_rest(q); look++) {
        if (!all_sleep(q, &before)) {
            raw_pause_ms(PAUSE_MS); /* who is about to sleep may have to wait for a processor first */
            continue;
        }
        raw_pause_ms(BETWEEN_LOOKS_MS);
        if (all_rest(q) && all_sleep(q, &after) && before == after)
            return is_closed(q) && !may_outsiders_act(q) && all_rest(q);
    }
    return false;
}

/* ---- the report --------------------------------------------------------------------------------------------------- */

static bool is_shown(const struct commons_circle *shown, const struct commons_party *party, bool by_process)
{
    for (uint32_t i = 0; i < shown->count; i++)
        if (shown->parties[i].process == party->process && (by_process || shown->parties[i].thread == party->thread))
            return true;
    return false;
}

static bool show(struct inquiry *q, const struct commons_party *party, bool by_process)
{
    if (party->wanted.identity != COMMONS_WITHIN && !is_shown(&q->shown, party, by_process))
        q->shown.parties[q->shown.count++] = *party;
    return q->shown.count < COMMONS_CIRCLE_MAX;
}

static bool show_process(void *ctx, const struct commons_party *party)
{
    return show(ctx, party, true);
}

static bool show_thread(void *ctx, const struct commons_party *party)
{
    return show(ctx, party, false);
}

static void report(struct inquiry *q)
{
    if (!commons_file_enter(q->c))
        return;
    q->shown.count = 0;
    if (commons_rest_visit(q->c, &q->rest, show_process, q)) /* one of each process first */
        (void)commons_rest_visit(q->c, &q->rest, show_thread, q);
    commons_rest_told(q->c, &q->rest);
    struct shared_finding *finding = sharing_report_gather_rest(q->c, &q->shown, &q->rest);
    commons_file_leave(q->c);
    sharing_report_send(finding);
}

/* A hang of this process alone, told when its thread asked for what it holds: now it is certain. */
static void tell(struct inquiry *q)
{
    if (q->rest.count != 1 || !asleep_was_said(lockhound.detector))
        report(q);
    else if (q->rest.members[0].traits == 0)
        sink_hung();
}

/* ---- the process falls asleep ------------------------------------------------------------------------------------- */

static void look_at_all(struct commons *c, uint32_t number)
{
    const struct commons_host host = host_now();
    struct inquiry *q = commons_someone_is_up(c, &host) ? NULL : arena_alloc(sizeof *q);
    if (q == NULL)
        return;
    q->c = c;
    q->number = number;
    if (all_rest(q) && is_closed(q)) {
        if (is_lasting(q))
            tell(q);
        else if (commons_rest_is_latest(c, number))
            atomic_fetch_add_explicit(&in_vain, 1, memory_order_relaxed);
    }
    arena_free(q, sizeof *q);
}

static bool may_rest(const struct commons *c)
{
    return c != NULL && lockhound.options.checks[FINDING_DEADLOCK] &&
           detector_handlers_installed(lockhound.detector) != HANDLERS_INSTALLED &&
           atomic_load_explicit(&in_vain, memory_order_relaxed) < GIVEN_UP_MAX;
}

static void tell_of_rest(void)
{
    /* seq_cst: told before it looks; partner: sharing_rest_woke() */
    atomic_store_explicit(&sharing_rest_is_told, true, memory_order_seq_cst);
}

void sharing_rest_begin(void)
{
    struct commons *c = commons_file_opened();
    if (!may_rest(c) || !commons_file_enter(c))
        return;
    uint32_t number = commons_rests(c, commons_file_process(), traits_now());
    asleep_visit(lockhound.detector, tell_of, c);
    tell_of_rest();
    commons_file_leave(c);
    if (asleep_for_others(lockhound.detector))
        look_at_all(c, number);
    else
        sharing_rest_stir();
}

void sharing_rest_for_end(struct self *self, struct commons_lock end, struct stack_id at)
{
    struct commons *c = commons_file_opened();
    struct commons_party party;
    if (!may_rest(c) || !commons_file_enter(c))
        return;
    name_party(thread_identity(self->thread), &party);
    party.wanted = end;
    party.wanted.stack = sharing_party_tell_stack(c, at);
    add_holds(c, &self->thread->seat->held, &party);
    uint32_t number = commons_rests(c, commons_file_process(), traits_now());
    commons_rests_party(c, &party);
    tell_of_rest();
    commons_file_leave(c);
    look_at_all(c, number);
}

#include "preload/sharing.h"

#include <string.h>
#include <sys/stat.h>

#include "detector/held.h"
#include "preload/arena.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/lockhound.h"
#include "preload/mapping.h"
#include "preload/modules.h"
#include "preload/raw.h"
#include "preload/sharing_end.h"
#include "preload/sharing_report.h"
#include "preload/symbolic.h"
#include "preload/thread_records.h"

enum { KNOWN_NESTINGS = 64, MODULES_KEPT = 1024, COMPARED_AGAIN_NS = 5000000, NO_FILE = -1, RELEASE_COUNTS = 256 };

/* Releases of locks on files whose hash is the index: a lock is its process's, and any thread may release it. */
static _Atomic uint32_t file_releases[RELEASE_COUNTS];

/* Hand-overs that this process took part in: what came before them counts as ordered, so nestings are compared anew. */
static _Atomic uint32_t hand_overs;

struct shared_hold {
    uint32_t identity, generation;
    uint32_t count; /* recursion */
    enum lock_mode mode;
    struct stack_id at;
    int fd; /* of a lock on a file; else NO_FILE */
    struct sharing_range range;
    uint32_t releases; /* of locks on that file when it was taken */
};

struct known_nesting {
    uint64_t key;
    uint32_t births; /* of processes, when it was last compared with theirs */
    uint32_t hand_overs;
    uint64_t compared_ns;
};

struct sharing_thread {
    uint32_t held_count;
    uint32_t sleeper;
    struct shared_hold held[COMMONS_HELD_MAX];
    struct known_nesting known[KNOWN_NESTINGS];
};

static struct sharing_thread *sharing_of(struct self *self)
{
    if (self->sharing == NULL)
        self->sharing = arena_alloc(sizeof *self->sharing);
    return self->sharing;
}

void sharing_forget_thread(struct self *self)
{
    if (self->sharing == NULL)
        return;
    arena_free(self->sharing, sizeof *self->sharing);
    self->sharing = NULL;
}

/* ---- what is held ------------------------------------------------------------------------------------------------ */

static struct shared_hold *find_hold(struct sharing_thread *s, uint32_t identity)
{
    for (uint32_t i = s->held_count; i > 0; i--)
        if (s->held[i - 1].identity == identity)
            return &s->held[i - 1];
    return NULL;
}

static void drop_hold(struct sharing_thread *s, struct shared_hold *hold)
{
    size_t place = (size_t)(hold - s->held);
    s->held_count--;
    memmove(hold, hold + 1, (s->held_count - place) * sizeof *hold);
}

void sharing_acquired(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    struct sharing_thread *s = sharing_of(self);
    struct commons *c = commons_file_open();
    if (s == NULL || c == NULL)
        return;
    uint32_t generation = commons_generation(c, identity);
    struct shared_hold *hold = find_hold(s, identity);
    if (hold != NULL && hold->generation == generation) {
        hold->count++;
        return;
    }
    if (hold != NULL)
        drop_hold(s, hold);
    if (s->held_count == COMMONS_HELD_MAX)
        return; /* deeper nestings are evidence of the outer ones only */
    s->held[s->held_count++] = (struct shared_hold){
        .identity = identity, .generation = generation, .count = 1, .mode = mode, .at = at, .fd = NO_FILE};
}

void sharing_released(struct self *self, uint32_t identity)
{
    struct shared_hold *hold = self->sharing == NULL ? NULL : find_hold(self->sharing, identity);
    if (hold != NULL && --hold->count == 0)
        drop_hold(self->sharing, hold);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static _Atomic uint32_t *releases_of(const struct sharing_range *range)
{
    return &file_releases[chain_next(range->device, (uint32_t)range->inode, LOCK_EXCLUSIVE) % RELEASE_COUNTS];
}

void sharing_acquired_range(struct self *self, uint32_t identity, const struct sharing_range *range, int fd,
                            enum lock_mode mode, struct stack_id at)
{
    sharing_acquired(self, identity, mode, at);
    struct shared_hold *hold = self->sharing == NULL ? NULL : find_hold(self->sharing, identity);
    if (hold == NULL)
        return;
    hold->count = 1; /* one release ends it, however often it was taken */
    hold->mode = mode;
    hold->fd = fd;
    hold->range = *range;
    hold->releases = relaxed_load(releases_of(range));
}

void sharing_released_range(struct self *self, const struct sharing_range *range, uint64_t high)
{
    struct sharing_thread *s = self->sharing;
    uint32_t releases = atomic_fetch_add_explicit(releases_of(range), 1, memory_order_relaxed) + 1;
    for (uint32_t i = s == NULL ? 0 : s->held_count; i > 0; i--) {
        struct shared_hold *hold = &s->held[i - 1];
        if (hold->fd == NO_FILE || hold->range.kind != range->kind || hold->range.device != range->device ||
            hold->range.inode != range->inode)
            continue;
        hold->releases = releases;
        if (hold->range.low >= range->low && hold->range.low < high)
            drop_hold(s, hold);
    }
}

static bool is_still_held(const struct shared_hold *hold)
{
    struct stat status;
    return hold->fd == NO_FILE || (hold->releases == relaxed_load(releases_of(&hold->range)) &&
                                   raw_syscall(SYS_fstat, hold->fd, (long)&status, 0, 0, 0, 0) == 0 &&
                                   status.st_dev == hold->range.device && status.st_ino == hold->range.inode);
}

/* Files that were closed since are locked no more. */
static void drop_closed(struct sharing_thread *s)
{
    for (uint32_t i = s->held_count; i > 0; i--)
        if (!is_still_held(&s->held[i - 1]))
            drop_hold(s, &s->held[i - 1]);
}

/* ---- telling the others ------------------------------------------------------------------------------------------ */

/* holds the commons' lock */
static uint32_t tell_module(struct commons *c, uint32_t id)
{
    static uint32_t numbers[MODULES_KEPT]; /* the same in every process that shares this memory's contents by fork */
    const struct module *m = module_by_id(id);
    if (m == NULL)
        return 0;
    if (id < MODULES_KEPT && numbers[id] != 0)
        return numbers[id];
    struct commons_module module = {.build_id_size = m->build_id_size};
    memcpy(module.path, m->path, strnlen(m->path, sizeof module.path - 1));
    memcpy(module.build_id, m->build_id, m->build_id_size);
    uint32_t number = commons_add_module(c, &module);
    if (id < MODULES_KEPT)
        numbers[id] = number;
    return number;
}

/* holds the commons' lock */
static struct commons_frame tell_symbolic(struct commons *c, const struct symbolic *frame)
{
    struct commons_module source = {.build_id_size = 0};
    memcpy(source.path, frame->file, strnlen(frame->file, sizeof source.path - 1));
    memcpy(source.function, frame->function, strnlen(frame->function, sizeof source.function - 1));
    return (struct commons_frame){.offset = frame->line, .module = commons_add_module(c, &source)};
}

/* holds the commons' lock */
static struct commons_frame tell_frame(struct commons *c, const struct frame *frame)
{
    const struct symbolic *symbolic = frame->module == FRAME_SYMBOLIC ? symbolic_get(frame->pc) : NULL;
    if (symbolic != NULL)
        return tell_symbolic(c, symbolic);
    const struct module *m = module_by_id(frame->module);
    uint32_t number = tell_module(c, frame->module);
    return (struct commons_frame){
        .offset = number == 0 || m == NULL ? frame->pc : frame->pc - m->bias,
        .module = number,
        .exact = frame->exact,
    };
}

/* holds the commons' lock */
static uint32_t tell_stack(struct commons *c, struct stack_id id)
{
    const struct interned_stack *known = stacks_get(id);
    struct commons_stack stack = {.depth = 0};
    for (uint32_t i = 0; known != NULL && i < known->depth && i < COMMONS_FRAMES; i++)
        stack.frames[stack.depth++] = tell_frame(c, &known->frames[i]);
    return commons_add_stack(c, &stack);
}

/* holds the commons' lock */
static void describe(struct commons *c, struct self *self, struct commons_lock wanted, struct stack_id at,
                     struct commons_party *party)
{
    const struct sharing_thread *s = self->sharing;
    struct thread_record record = {.tid = self->tid};
    memset(party, 0, sizeof *party); /* its padding is sealed too */
    (void)thread_records_get(thread_identity(self->thread), &record);
    party->process = commons_file_process();
    party->thread = thread_identity(self->thread).v;
    party->tid = self->tid;
    memcpy(party->name, record.name, sizeof party->name);
    party->is_alone = self_live_count() == 1;
    party->wanted = wanted;
    party->wanted.stack = tell_stack(c, at);
    for (uint32_t i = 0; i < s->held_count; i++) {
        const struct shared_hold *hold = &s->held[i];
        party->held[i] =
            (struct commons_lock){hold->identity, hold->generation, hold->mode == LOCK_SHARED, tell_stack(c, hold->at)};
    }
    party->held_count = s->held_count;
}

static struct commons_lock lock_of(const struct commons *c, uint32_t identity, enum lock_mode mode)
{
    return (struct commons_lock){identity, commons_generation(c, identity), mode == LOCK_SHARED, 0};
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static uint64_t nesting_key(const struct sharing_thread *s, const struct commons *c, uint32_t identity,
                            enum lock_mode mode)
{
    uint64_t chain = chain_next(CHAIN_EMPTY, identity, mode);
    chain = chain_next(chain, commons_generation(c, identity), mode);
    for (uint32_t i = 0; i < s->held_count; i++) {
        chain = chain_next(chain, s->held[i].identity, s->held[i].mode);
        chain = chain_next(chain, s->held[i].generation, s->held[i].mode);
    }
    return chain;
}

__attribute__((noinline)) static void compare(struct self *self, struct commons *c, uint32_t identity,
                                              enum lock_mode mode, struct stack_id at)
{
    struct commons_party party;
    struct commons_circle circle;
    if (!commons_file_enter(c))
        return;
    describe(c, self, lock_of(c, identity, mode), at, &party);
    bool is_circle = commons_request(c, &party, commons_file_host(), &circle);
    struct shared_finding *finding = is_circle ? sharing_report_gather(c, FINDING_LOCK_ORDER_INVERSION, &circle) : NULL;
    commons_file_leave(c);
    sharing_report_send(finding);
}

void sharing_request(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    struct sharing_thread *s = self->sharing;
    if (s == NULL || s->held_count == 0 || !lockhound.options.checks[FINDING_LOCK_ORDER_INVERSION])
        return;
    struct commons *c = commons_file_open();
    drop_closed(s);
    if (s->held_count == 0 || c == NULL || commons_is_no_lock(c, identity) || find_hold(s, identity) != NULL)
        return;
    uint64_t key = nesting_key(s, c, identity, mode);
    uint32_t births = commons_births(c), handed_over = relaxed_load(&hand_overs);
    struct known_nesting *known = &s->known[key % KNOWN_NESTINGS];
    if (known->key == key && known->births == births && known->hand_overs == handed_over)
        return; /* every process that is there has been compared with it, or compares itself */
    uint64_t now_ns = clock_monotonic_ns();
    if (known->key == key && now_ns - known->compared_ns < COMPARED_AGAIN_NS)
        return; /* where processes come and go by the hundred, a later occurrence will do */
    *known = (struct known_nesting){key, births, handed_over, now_ns};
    compare(self, c, identity, mode, at);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static void fall_asleep(struct self *self, struct commons *c, struct commons_lock wanted, struct stack_id at,
                        bool is_awaited)
{
    struct sharing_thread *s = sharing_of(self);
    struct commons_party party;
    struct commons_circle circle;
    if (s == NULL || !commons_file_enter(c))
        return;
    describe(c, self, wanted, at, &party);
    sharing_end_complete(c, &party, is_awaited);
    bool is_circle = party.held_count > 0 && commons_asleep(c, &party, commons_file_host(), &s->sleeper, &circle);
    commons_file_leave(c);
    if (!is_circle || !sharing_end_is_lasting(c, &circle) || !commons_file_enter(c))
        return;
    struct shared_finding *finding = sharing_report_gather(c, FINDING_DEADLOCK, &circle);
    commons_file_leave(c);
    sharing_report_send(finding);
}

/* Returns: true when nobody can wait for what this thread holds. */
static bool is_idle(const struct self *self)
{
    return self->sharing == NULL || self->sharing->held_count == 0;
}

void sharing_block(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    struct commons *c = commons_file_open();
    if (self->sharing != NULL)
        drop_closed(self->sharing);
    if (c == NULL || !lockhound.options.checks[FINDING_DEADLOCK] || commons_is_no_lock(c, identity))
        return;
    bool is_awaited = sharing_end_is_awaited(c);
    if (is_awaited || !is_idle(self))
        fall_asleep(self, c, lock_of(c, identity, mode), at, is_awaited);
}

bool sharing_block_end(struct self *self, pid_t pid, struct stack_id at)
{
    struct commons *c = commons_file_opened();
    if (self->sharing != NULL)
        drop_closed(self->sharing);
    if (c == NULL || !lockhound.options.checks[FINDING_DEADLOCK] || !sharing_end_is_stuck())
        return false;
    bool is_awaited = sharing_end_is_awaited(c);
    struct commons_lock end = sharing_end_of(pid);
    if (end.identity == 0 || (is_idle(self) && !is_awaited))
        return false;
    fall_asleep(self, c, end, at, is_awaited);
    return true;
}

void sharing_unblock(struct self *self)
{
    struct sharing_thread *s = self->sharing;
    struct commons *c = commons_file_open();
    if (s == NULL || s->sleeper == 0 || c == NULL)
        return;
    commons_awake(c, s->sleeper);
    s->sleeper = 0;
}

/* ---- hand-overs -------------------------------------------------------------------------------------------------- */

static void note_sent(struct commons *c, uint32_t identity)
{
    commons_sent(c, commons_file_process(), identity, clock_monotonic_ns());
    atomic_fetch_add_explicit(&hand_overs, 1, memory_order_relaxed);
}

static void note_heard(struct commons *c, uint32_t identity)
{
    if (commons_heard(c, commons_file_process(), identity))
        atomic_fetch_add_explicit(&hand_overs, 1, memory_order_relaxed);
}

/* ---- by object --------------------------------------------------------------------------------------------------- */

/* Returns: the identity's number, or SHARING_NOTHING; *is_new when nobody has met it before. */
static uint32_t identify(const struct commons_identity *identity, bool *is_new)
{
    struct commons *c = commons_file_open();
    *is_new = false;
    if (c == NULL || !commons_file_enter(c))
        return SHARING_NOTHING;
    uint32_t number = commons_add_identity(c, identity, is_new);
    commons_file_leave(c);
    return number == 0 ? SHARING_NOTHING : number;
}

static uint32_t identify_object(struct object *o)
{
    struct mapping mapping;
    uint64_t address = relaxed_load(&o->address);
    if (!mapping_find((uintptr_t)address, &mapping) || !mapping.shared || mapping.inode == 0)
        return SHARING_NOTHING;
    struct commons_identity identity = {
        .key = {mapping.device, mapping.inode, mapping.offset + (address - mapping.low), o->kind}};
    memcpy(identity.path, mapping.path, strnlen(mapping.path, sizeof identity.path - 1));
    bool is_new;
    uint32_t number = identify(&identity, &is_new);
    if (is_new && o->kind == OBJECT_SEMAPHORE && relaxed_load(&o->value) != 1)
        commons_set_no_lock(commons_file_open(), number);
    return number;
}

void sharing_on_known(struct self *self, struct object *o)
{
    (void)self;
    if (relaxed_load(&o->common) == 0)
        relaxed_store(&o->common, identify_object(o));
}

/* Returns: the identity, or 0 when `o` is not shared after all. */
static uint32_t identity_of(struct self *self, struct object *o)
{
    sharing_on_known(self, o);
    uint32_t number = relaxed_load(&o->common);
    return number == SHARING_NOTHING ? 0 : number;
}

void sharing_on_init(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    commons_renew_identity(c, identity);
    if (o->kind == OBJECT_SEMAPHORE && relaxed_load(&o->value) != 1)
        commons_set_no_lock(c, identity);
}

void sharing_on_destroy(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity != 0 && c != NULL)
        commons_renew_identity(c, identity);
}

void sharing_on_request(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(self, o);
    if (identity != 0)
        sharing_request(self, identity, mode, at);
}

void sharing_on_acquired(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    note_heard(c, identity);
    if (!commons_is_no_lock(c, identity))
        sharing_acquired(self, identity, mode, at);
}

void sharing_on_released(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    if (identity != 0)
        sharing_released(self, identity);
}

void sharing_on_posted(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    if (self->sharing != NULL && find_hold(self->sharing, identity) != NULL) {
        sharing_released(self, identity);
        return;
    }
    if (!commons_is_no_lock(c, identity))
        commons_set_no_lock(c, identity);
    note_sent(c, identity);
}

void sharing_on_sent(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity == 0 || c == NULL)
        return;
    note_sent(c, identity);
    /* Who comes too late to wait for a signal learns of it by the mutex. */
    for (uint32_t i = 0; o->kind == OBJECT_COND && self->sharing != NULL && i < self->sharing->held_count; i++)
        note_sent(c, self->sharing->held[i].identity);
}

void sharing_on_heard(struct self *self, struct object *o)
{
    uint32_t identity = identity_of(self, o);
    struct commons *c = commons_file_open();
    if (identity != 0 && c != NULL)
        note_heard(c, identity);
}

void sharing_on_block(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at)
{
    uint32_t identity = identity_of(self, o);
    if (identity != 0)
        sharing_block(self, identity, mode, at);
}

uint32_t sharing_identify_range(const struct sharing_range *range, const char *path)
{
    struct commons_identity identity = {.key = {range->device, range->inode, range->low, range->kind}};
    bool is_new;
    memcpy(identity.path, path, strnlen(path, sizeof identity.path - 1));
    uint32_t number = identify(&identity, &is_new);
    return number == SHARING_NOTHING ? 0 : number;
}

#include "preload/weave/plane.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "detector/bytes.h"
#include "detector/thread.h"
#include "preload/lockhound.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/sink.h"
#include "preload/weave/race_host.h"
#include "preload/weave/routines.h"
#include "preload/weave/switch.h"
#include "preload/weave/vectors.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum {
    SET_GS = 0x1001, /* ARCH_SET_GS of asm/prctl.h */
    FOLLOWED_TRIED = 16,
    ENDED_KEPT = 64,           /* planes whose thread has ended, for their history */
    HISTORY_ENTRIES = 1 << 17, /* 2 MiB a thread */
    BLIND_MAX = 1024,
    BLIND_STRIDE = 0x4000,  /* of headers */
    WINDOWS_BEGIN = 0x4000, /* first whole page of the windows, from the mapping's start */
    PAGE_SIZE = 4096
};
#define ONES          UINT64_C(0x0101010101010101)
#define BLIND_HEADERS ((size_t)BLIND_MAX * BLIND_STRIDE)
#define BLIND_MAPPING (BLIND_HEADERS + PLANE_WINDOW + PLANE_GUARD)
_Static_assert(PLANE_SKEW <= BLIND_STRIDE && PLANE_SKEW <= WINDOWS_BEGIN, "a header fits before its window");

/* A thread's plane or blind header, and the thread, which may be ending still. */
struct place {
    void *memory;
    pid_t tid;
    bool taken;
    bool known;  /* to the engine: it is to be told when its history goes */
    bool unseen; /* the engine was told that this thread's order is not seen */
};

static struct {
    struct race_engine *engine;
    struct place places[RACE_PLANES_MAX + 1]; /* by number */
    uint32_t count;
    uint16_t ended[RACE_PLANES_MAX + 1]; /* numbers, oldest first, in a ring */
    uint32_t ended_first, ended_count;
    struct place blind[BLIND_MAX];
    uint32_t blind_used; /* the first ones, that were ever taken */
    char *blind_mapping;
} planes;

struct race_engine *plane_engine(void)
{
    return planes.engine;
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void *reserve(size_t size, int protection)
{
    long at = raw_syscall(SYS_mmap, 0, (long)size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at < 0 && at > -PAGE_SIZE ? NULL : (void *)at;
}

static void advise(void *memory, size_t size, int advice)
{
    raw_syscall(SYS_madvise, (long)memory, (long)size, advice, 0, 0, 0);
}

static struct plane *map_plane(void)
{
    char *memory = reserve(PLANE_MAPPING + PAGE_SIZE, PROT_READ | PROT_WRITE);
    void *ring = reserve(HISTORY_ENTRIES * sizeof(struct history_entry), PROT_READ | PROT_WRITE);
    if (memory == NULL || ring == NULL) {
        if (memory != NULL)
            raw_syscall(SYS_munmap, (long)memory, PLANE_MAPPING + PAGE_SIZE, 0, 0, 0, 0);
        return NULL;
    }
    size_t windows = (PLANE_MAPPING + PAGE_SIZE - WINDOWS_BEGIN) / PAGE_SIZE * PAGE_SIZE;
    advise(memory, WINDOWS_BEGIN + windows, MADV_DONTDUMP);
    advise(memory + WINDOWS_BEGIN, windows, MADV_NOHUGEPAGE);
    advise(memory + WINDOWS_BEGIN, windows, MADV_WIPEONFORK);
    advise(ring, HISTORY_ENTRIES * sizeof(struct history_entry), MADV_DONTDUMP);
    advise(ring, HISTORY_ENTRIES * sizeof(struct history_entry), MADV_WIPEONFORK);
    struct plane *plane = (struct plane *)(void *)memory;
    history_init(&plane->history, ring, HISTORY_ENTRIES);
    return plane;
}

void plane_empty_windows(struct plane *plane)
{
    bytes_clear((uint8_t *)plane + PLANE_SKEW, WINDOWS_BEGIN - PLANE_SKEW); /* on the last page of struct plane's */
    advise((char *)plane + WINDOWS_BEGIN, (PLANE_MAPPING + PAGE_SIZE - WINDOWS_BEGIN) / PAGE_SIZE * PAGE_SIZE,
           MADV_DONTNEED);
}

static void empty(struct plane *plane)
{
    plane_empty_windows(plane);
    advise(plane->history.ring, HISTORY_ENTRIES * sizeof(struct history_entry), MADV_DONTNEED);
}

/* ---- which one ---------------------------------------------------------------------------------------------------- */

static bool is_gone(const struct place *place)
{
    long pid = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return place->tid == 0 || raw_syscall(SYS_tgkill, pid, place->tid, 0, 0, 0, 0) == -ESRCH;
}

static uint16_t *ended_at(uint32_t i)
{
    return &planes.ended[(planes.ended_first + i) % (RACE_PLANES_MAX + 1)];
}

/* Takes out the i-th of the ended, when its thread is gone.  Returns: its number, or 0.  holds(OWN_RANK_PLANES) */
static uint32_t take_ended(uint32_t i)
{
    uint32_t number = i >= planes.ended_count ? 0 : *ended_at(i);
    if (number == 0 || !is_gone(&planes.places[number]))
        return 0;
    for (; i > 0; i--)
        *ended_at(i) = *ended_at(i - 1);
    planes.ended_first = (planes.ended_first + 1) % (RACE_PLANES_MAX + 1);
    planes.ended_count--;
    return number;
}

/* Returns: the number of an ended plane whose history the thread may go on with: it has seen all of it.
 * holds(OWN_RANK_PLANES) */
static uint32_t take_followed(const struct thread *t)
{
    for (uint32_t i = 0; i < planes.ended_count && i < FOLLOWED_TRIED; i++) {
        const struct place *place = &planes.places[*ended_at(i)];
        const struct plane *plane = place->memory;
        uint32_t number = !place->known || race_plane_follows(&plane->race, t) ? take_ended(i) : 0;
        if (number != 0)
            return number;
    }
    return 0;
}

/* holds(OWN_RANK_PLANES) */
static void put_ended(uint32_t number)
{
    planes.ended[(planes.ended_first + planes.ended_count) % (RACE_PLANES_MAX + 1)] = (uint16_t)number;
    planes.ended_count++;
}

/* holds(OWN_RANK_PLANES) */
static uint32_t make_number(void)
{
    if (planes.count == RACE_PLANES_MAX)
        return 0;
    struct plane *plane = map_plane();
    if (plane == NULL)
        return 0;
    planes.places[++planes.count].memory = plane;
    return planes.count;
}

/* Returns: 0 when there is none. */
static uint32_t take_number(const struct self *self)
{
    rank_enter(OWN_RANK_PLANES);
    uint32_t number = take_followed(self->thread);
    if (number == 0 && planes.ended_count > ENDED_KEPT)
        number = take_ended(0);
    if (number == 0)
        number = make_number();
    if (number == 0)
        number = take_ended(0);
    if (number != 0)
        planes.places[number].tid = self->tid;
    rank_leave(OWN_RANK_PLANES);
    return number;
}

/* The thread of a blind place is known now, or has ended: what it did counts as order. */
static void end_unseen(struct place *place)
{
    if (place->unseen)
        race_unseen_end(planes.engine);
    place->unseen = false;
}

static struct plane_header *take_blind(pid_t tid)
{
    struct plane_header *header = NULL;
    rank_enter(OWN_RANK_PLANES);
    for (uint32_t i = 0; planes.blind_mapping != NULL && i < BLIND_MAX && header == NULL; i++) {
        struct place *place = &planes.blind[i];
        if (!is_gone(place))
            continue;
        end_unseen(place);
        *place = (struct place){
            .memory = planes.blind_mapping + (size_t)i * BLIND_STRIDE, .tid = tid, .taken = true, .unseen = true};
        header = place->memory;
        if (i >= planes.blind_used)
            planes.blind_used = i + 1;
    }
    rank_leave(OWN_RANK_PLANES);
    race_unseen_begin(planes.engine); /* for good when there is no header: nobody tells of this thread's end then */
    return header;
}

/* ---- a thread's plane --------------------------------------------------------------------------------------------- */

static bool set_gs(const struct plane_header *header)
{
    return raw_syscall(SYS_arch_prctl, SET_GS, (long)((uintptr_t)header + PLANE_SKEW), 0, 0, 0, 0) == 0;
}

static void show_tag(struct plane *plane)
{
    plane->header.write_tag = plane->race.write_tag * ONES;
    plane->header.read_tag = plane->header.write_tag & plane->header.generations;
}

static bool begin(struct plane *plane, uint32_t number, struct self *self)
{
    char *window = (char *)plane + PLANE_SKEW;
    plane->self = self;
    plane->race = (struct race_plane){
        .tags = (uint8_t *)window, .writes = (uint8_t *)window + PLANE_WRITES_OFFSET, .number = number};
    if (!race_plane_begin(planes.engine, &plane->race, self->thread))
        return false;
    history_restart(&plane->history);
    history_epoch(&plane->history, self->thread->hb.epoch);
    plane->header.generations = PLANE_GENERATION_BITS * ONES;
    plane->header.context_changed = 1;
    plane->chunks = race_chunks(planes.engine);
    plane->number = number;
    show_tag(plane);
    routines_set(&plane->header, true);
    plane->header.own[0] = (uint64_t)(uintptr_t)plane;
    return true;
}

static bool start_own(struct self *self)
{
    uint32_t number = take_number(self);
    if (number == 0)
        return false;
    struct place *place = &planes.places[number];
    struct plane *plane = place->memory;
    if (place->known && !race_plane_follows(&plane->race, self->thread)) {
        race_plane_forget(planes.engine, &plane->race);
        empty(plane);
    }
    place->known = begin(plane, number, self) && set_gs(&plane->header);
    if (!place->known) {
        rank_enter(OWN_RANK_PLANES);
        place->tid = 0;
        put_ended(number);
        rank_leave(OWN_RANK_PLANES);
        return false;
    }
    place->taken = true;
    self->plane = plane;
    self->plane_header = &plane->header;
    return true;
}

/* What a thread got before it was known. */
static void release_blind(pid_t tid)
{
    rank_enter(OWN_RANK_PLANES);
    for (uint32_t i = 0; i < planes.blind_used; i++)
        if (planes.blind[i].tid == tid) {
            end_unseen(&planes.blind[i]);
            planes.blind[i] = (struct place){0};
        }
    rank_leave(OWN_RANK_PLANES);
}

static struct plane_header *make_blind(pid_t tid)
{
    struct plane_header *header = take_blind(tid);
    if (header == NULL)
        return NULL;
    *header = (struct plane_header){0};
    routines_set(header, false);
    return header;
}

static bool start_blind(struct self *self)
{
    struct plane_header *header = make_blind(self->tid);
    if (header == NULL)
        return false;
    self->plane_header = header;
    sink_note("planes-blind",
              "accesses to memory of some threads are not checked: there is no address space for their planes (8 GiB a "
              "thread; see ulimit -v), or there are too many threads");
    return set_gs(header);
}

static bool start_engine(void)
{
    vectors_init();
    struct race_host host = race_host;
    host.budget = (size_t)lockhound.options.memory_limit << 20;
    planes.engine = race_engine_new(lockhound.detector, &host);
    planes.blind_mapping = planes.engine == NULL ? NULL : reserve(BLIND_MAPPING, PROT_READ);
    if (planes.blind_mapping == NULL)
        return false;
    advise(planes.blind_mapping, BLIND_MAPPING / PAGE_SIZE * PAGE_SIZE, MADV_DONTDUMP);
    return raw_syscall(SYS_mprotect, (long)planes.blind_mapping, (long)BLIND_HEADERS, PROT_READ | PROT_WRITE, 0, 0,
                       0) == 0;
}

bool plane_start(struct self *self)
{
    if (self->plane_header != NULL)
        return true;
    if (weave_on) {
        release_blind(self->tid);
        return start_own(self) || start_blind(self);
    }
    weave_on = start_engine() && start_own(self);
    return weave_on;
}

void plane_start_if_woven(struct self *self)
{
    if (weave_on)
        plane_start(self);
}

void plane_start_unknown(void)
{
    if (!weave_on || self_current != NULL)
        return;
    struct plane_header *header = make_blind((pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
    if (header != NULL)
        set_gs(header);
}

static void stop_own(struct self *self)
{
    struct plane *plane = self->plane;
    routines_set(&plane->header, false);
    race_plane_end(planes.engine, &plane->race, self->stack_low, self->stack_high);
    self->plane = NULL;
    plane->self = NULL;
    rank_enter(OWN_RANK_PLANES);
    planes.places[plane->race.number].taken = false;
    put_ended(plane->race.number);
    rank_leave(OWN_RANK_PLANES);
}

void plane_stop(struct self *self)
{
    if (self->plane != NULL) {
        stop_own(self);
    } else if (self->plane_header != NULL) {
        rank_enter(OWN_RANK_PLANES);
        struct place *place =
            &planes.blind[((uintptr_t)self->plane_header - (uintptr_t)planes.blind_mapping) / BLIND_STRIDE];
        place->taken = false;
        end_unseen(place);
        rank_leave(OWN_RANK_PLANES);
    }
    self->plane_header = NULL;
}

/* ---- what hooks ask for ------------------------------------------------------------------------------------------- */

void plane_sync(struct self *self)
{
    struct plane *plane = self->plane;
    race_plane_advance(planes.engine, &plane->race);
    show_tag(plane); /* also when a verb of race.h moved on by itself */
    history_epoch(&plane->history, self->thread->hb.epoch);
}

void plane_order_unseen(void)
{
    if (planes.engine != NULL)
        race_order_unseen(planes.engine);
}

void plane_settle(struct self *self)
{
    if (race_owes(&self->plane->race))
        race_settle(planes.engine, &self->plane->race);
}

void plane_note_lock(struct self *self, const struct object *object, enum lock_mode mode, struct stack_id at)
{
    const struct history_hold hold = {.object = (uint64_t)(uintptr_t)object,
                                      .id = object_identity(object).v,
                                      .stack = at,
                                      .shared = mode == LOCK_SHARED};
    history_lock(&self->plane->history, &hold);
}

void plane_note_unlock(struct self *self, const struct object *object)
{
    history_unlock(&self->plane->history, (uint64_t)(uintptr_t)object);
}

void plane_spills_save(const struct self *self, struct plane_spills *spills)
{
    const struct plane_header *header = self->plane_header;
    if (header == NULL)
        return;
    memcpy(spills->spill, header->spill, sizeof spills->spill);
    spills->saved_rdi = header->saved_rdi;
    spills->saved_rsi = header->saved_rsi;
}

void plane_spills_restore(struct self *self, const struct plane_spills *spills)
{
    struct plane_header *header = self->plane_header;
    if (header == NULL)
        return;
    memcpy(header->spill, spills->spill, sizeof spills->spill);
    header->saved_rdi = spills->saved_rdi;
    header->saved_rsi = spills->saved_rsi;
    header->context_changed = 1;
}

/* ---- fork --------------------------------------------------------------------------------------------------------- */

/* The windows and rings were wiped by the kernel: what this thread did before has no tags, what others did neither. */
void plane_fork_child(struct self *self)
{
    if (!weave_on)
        return;
    race_forked(planes.engine, self->plane == NULL ? NULL : &self->plane->race);
    for (uint32_t number = 1; number <= planes.count; number++) {
        struct place *place = &planes.places[number];
        struct plane *plane = place->memory;
        place->tid = self->plane == plane ? self->tid : 0;
        if (place->known && plane != NULL)
            history_init(&plane->history, plane->history.ring, HISTORY_ENTRIES);
        if (!place->taken || self->plane == plane || plane == NULL)
            continue;
        place->taken = false;
        plane->self = NULL;
        put_ended(number);
    }
    for (uint32_t i = 0; i < BLIND_MAX; i++)
        if (planes.blind[i].memory != (void *)self->plane_header)
            planes.blind[i] = (struct place){0};
}

#include "preload/weave/plane_pool.h"

#include <errno.h>
#include <sys/mman.h>

#include "detector/bytes.h"
#include "preload/page.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/weave/far_memory.h"
#include "preload/weave/routines.h"
#include "preload/weave/window.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum {
    FOLLOWED_TRIED = 16,
    ENDED_KEPT = 64, /* planes whose thread has ended, for their history */
    BLIND_MAX = 1024,
    BLIND_STRIDE = 0x4000,  /* of headers */
    WINDOWS_BEGIN = 0x4000, /* first whole page of the windows, from the mapping's start */
};
#define BLIND_HEADERS ((size_t)(BLIND_MAX + PLANE_UNSEEN_MAX) * BLIND_STRIDE)
_Static_assert(PLANE_SKEW <= BLIND_STRIDE && PLANE_SKEW <= WINDOWS_BEGIN, "a header fits before its window");

/* A thread's plane or blind header, and the thread, which may be ending still. */
struct place {
    void *memory;
    pid_t tid;
    bool is_process; /* the thread is a process of its own, which shares our memory */
    bool taken;      /* a plane's: its thread has begun and not ended */
    bool known;      /* to the engine: it is to be told when its history goes */
    bool unseen;     /* the engine was told that this thread's order is not seen */
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
} pool;

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void advise(void *memory, size_t size, int advice)
{
    raw_syscall(SYS_madvise, (long)memory, (long)size, advice, 0, 0, 0);
}

static size_t plane_size(void)
{
    return PLANE_MAPPING(window_bits()) + PAGE_SIZE;
}

/* Returns: units of bytes, whole pages. */
static size_t windows_size(void)
{
    return (plane_size() - WINDOWS_BEGIN) / PAGE_SIZE * PAGE_SIZE;
}

static size_t ring_size(void)
{
    return window_history_entries() * sizeof(struct history_entry);
}

static struct plane *map_plane(void)
{
    char *memory = far_memory_reserve(plane_size(), PROT_READ | PROT_WRITE);
    char *ring = far_memory_reserve(ring_size(), PROT_READ | PROT_WRITE);
    if (memory == NULL || ring == NULL) {
        if (memory != NULL)
            far_memory_release(memory, plane_size());
        if (ring != NULL)
            far_memory_release(ring, ring_size());
        return NULL;
    }
    size_t windows = windows_size();
    advise(memory, WINDOWS_BEGIN + windows, MADV_DONTDUMP);
    advise(memory + WINDOWS_BEGIN, windows, MADV_NOHUGEPAGE);
    advise(memory + WINDOWS_BEGIN, windows, MADV_WIPEONFORK);
    advise(ring, ring_size(), MADV_DONTDUMP);
    advise(ring, ring_size(), MADV_WIPEONFORK);
    struct plane *plane = (struct plane *)(void *)memory;
    history_init(&plane->history, (struct history_entry *)(void *)ring, window_history_entries());
    return plane;
}

void plane_empty_windows(struct plane *plane)
{
    bytes_clear((uint8_t *)plane + PLANE_SKEW, WINDOWS_BEGIN - PLANE_SKEW); /* on the last page of struct plane's */
    advise((char *)plane + WINDOWS_BEGIN, windows_size(), MADV_DONTNEED);
}

void plane_empty(struct plane *plane)
{
    plane_empty_windows(plane);
    advise(plane->history.ring, ring_size(), MADV_DONTNEED);
}

/* ---- which one ---------------------------------------------------------------------------------------------------- */

static bool is_gone(const struct place *place)
{
    long pid = place->is_process ? place->tid : raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return place->tid == 0 || raw_syscall(SYS_tgkill, pid, place->tid, 0, 0, 0, 0) == -ESRCH;
}

static uint16_t *ended_at(uint32_t i)
{
    return &pool.ended[(pool.ended_first + i) % (RACE_PLANES_MAX + 1)];
}

/* Takes out the i-th of the ended, when its thread is gone.  Returns: its number, or 0.  holds(OWN_RANK_PLANES) */
static uint32_t take_ended(uint32_t i)
{
    uint32_t number = i >= pool.ended_count ? 0 : *ended_at(i);
    if (number == 0 || !is_gone(&pool.places[number]))
        return 0;
    for (; i > 0; i--)
        *ended_at(i) = *ended_at(i - 1);
    pool.ended_first = (pool.ended_first + 1) % (RACE_PLANES_MAX + 1);
    pool.ended_count--;
    return number;
}

/* Returns: the number of an ended plane whose history the thread may go on with: it has seen all of it.
 * holds(OWN_RANK_PLANES) */
static uint32_t take_followed(const struct thread *t)
{
    for (uint32_t i = 0; i < pool.ended_count && i < FOLLOWED_TRIED; i++) {
        const struct place *place = &pool.places[*ended_at(i)];
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
    pool.ended[(pool.ended_first + pool.ended_count) % (RACE_PLANES_MAX + 1)] = (uint16_t)number;
    pool.ended_count++;
}

/* holds(OWN_RANK_PLANES) */
static uint32_t make_number(void)
{
    if (pool.count >= window_planes_max())
        return 0;
    struct plane *plane = map_plane();
    if (plane == NULL)
        return 0;
    pool.places[++pool.count].memory = plane;
    return pool.count;
}

struct plane *plane_pool_take(const struct self *self, uint32_t *number)
{
    rank_enter(OWN_RANK_PLANES);
    uint32_t taken = take_followed(self->thread);
    if (taken == 0 && pool.ended_count > ENDED_KEPT)
        taken = take_ended(0);
    if (taken == 0)
        taken = make_number();
    if (taken == 0)
        taken = take_ended(0);
    if (taken != 0)
        pool.places[taken].tid = self->tid;
    rank_leave(OWN_RANK_PLANES);
    *number = taken;
    return taken == 0 ? NULL : pool.places[taken].memory;
}

bool plane_pool_is_known(uint32_t number)
{
    return pool.places[number].known;
}

void plane_pool_begin(uint32_t number, bool begun)
{
    struct place *place = &pool.places[number];
    place->known = begun;
    place->taken = begun;
    if (begun)
        return;
    rank_enter(OWN_RANK_PLANES);
    place->tid = 0;
    put_ended(number);
    rank_leave(OWN_RANK_PLANES);
}

void plane_pool_end(uint32_t number)
{
    rank_enter(OWN_RANK_PLANES);
    pool.places[number].taken = false;
    put_ended(number);
    rank_leave(OWN_RANK_PLANES);
}

/* ---- blind headers ------------------------------------------------------------------------------------------------ */

/* The thread of a blind place is known now, or has ended: what it did counts as order. */
static void end_unseen(struct place *place)
{
    if (place->unseen)
        race_unseen_end(pool.engine);
    place->unseen = false;
}

struct plane_header *plane_pool_take_blind(pid_t tid)
{
    struct plane_header *header = NULL;
    rank_enter(OWN_RANK_PLANES);
    for (uint32_t i = 0; pool.blind_mapping != NULL && i < BLIND_MAX && header == NULL; i++) {
        struct place *place = &pool.blind[i];
        if (!is_gone(place))
            continue;
        end_unseen(place);
        *place = (struct place){.memory = pool.blind_mapping + (size_t)i * BLIND_STRIDE, .tid = tid, .unseen = true};
        header = place->memory;
        if (i >= pool.blind_used)
            pool.blind_used = i + 1;
    }
    rank_leave(OWN_RANK_PLANES);
    race_unseen_begin(pool.engine); /* for good when there is no header: nobody tells of this thread's end then */
    return header;
}

void plane_pool_release_blind(pid_t tid)
{
    rank_enter(OWN_RANK_PLANES);
    for (uint32_t i = 0; i < pool.blind_used; i++)
        if (pool.blind[i].tid == tid) {
            end_unseen(&pool.blind[i]);
            pool.blind[i] = (struct place){0};
        }
    rank_leave(OWN_RANK_PLANES);
}

static struct place *blind_place_of(const struct plane_header *header)
{
    return &pool.blind[((uintptr_t)header - (uintptr_t)pool.blind_mapping) / BLIND_STRIDE];
}

void plane_pool_give_blind(const struct plane_header *header, pid_t tid, bool is_process)
{
    rank_enter(OWN_RANK_PLANES);
    struct place *place = blind_place_of(header);
    place->tid = tid;
    place->is_process = is_process;
    rank_leave(OWN_RANK_PLANES);
}

void plane_pool_end_blind(const struct plane_header *header)
{
    rank_enter(OWN_RANK_PLANES);
    end_unseen(blind_place_of(header));
    rank_leave(OWN_RANK_PLANES);
}

struct plane_header *plane_pool_unseen(unsigned i)
{
    void *place = pool.blind_mapping + (size_t)(BLIND_MAX + i) * BLIND_STRIDE;
    struct plane_header *header = place;
    *header = (struct plane_header){0};
    routines_set(header, false);
    return header;
}

/* ---- the process -------------------------------------------------------------------------------------------------- */

bool plane_pool_start(struct race_engine *engine)
{
    pool.engine = engine;
    /* A narrow check looks at the window's first bytes alone, for the mask in a blind header is 0: they lie before the next. */
    size_t size = BLIND_HEADERS + (window_is_narrow() ? PAGE_SIZE : PLANE_WINDOW(PLANE_WIDE) + PLANE_GUARD);
    pool.blind_mapping = far_memory_reserve(size, PROT_READ);
    if (pool.blind_mapping == NULL)
        return false;
    advise(pool.blind_mapping, size / PAGE_SIZE * PAGE_SIZE, MADV_DONTDUMP);
    return raw_syscall(SYS_mprotect, (long)pool.blind_mapping, (long)BLIND_HEADERS, PROT_READ | PROT_WRITE, 0, 0, 0) ==
           0;
}

/* The windows and rings were wiped by the kernel: what this thread did before has no tags, what others did neither. */
void plane_pool_fork_child(const struct self *self)
{
    for (uint32_t number = 1; number <= pool.count; number++) {
        struct place *place = &pool.places[number];
        struct plane *plane = place->memory;
        place->tid = self->plane == plane ? self->tid : 0;
        if (place->known && plane != NULL)
            history_init(&plane->history, plane->history.ring, window_history_entries());
        if (!place->taken || self->plane == plane || plane == NULL)
            continue;
        place->taken = false;
        plane->self = NULL;
        put_ended(number);
    }
    for (uint32_t i = 0; i < BLIND_MAX; i++)
        if (pool.blind[i].memory != (void *)self->plane_header)
            pool.blind[i] = (struct place){0};
}

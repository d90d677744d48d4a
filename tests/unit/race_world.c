#include "race_world.h"

#include <string.h>
#include <sys/mman.h>

#include "detector/race_shared.h"
#include "weaver/plane.h"

struct race_world race_world;
static _Thread_local unsigned accesses; /* by race_world_access_of() */
unsigned race_world_bits = PLANE_WIDE;

static void *reserve(void *ctx, size_t size)
{
    (void)ctx;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void unreserve(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    munmap(memory, size);
}

static void discard(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    madvise(memory, size, MADV_DONTNEED);
}

static void populate(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    race_world.asked_for = (uintptr_t)memory;
    race_world.asked_size = size;
    race_world.asked_times++;
}

static void empty(void *ctx, struct race_plane *plane)
{
    (void)ctx;
    uint8_t *page = (uint8_t *)(((uintptr_t)plane->tags + 4095) & ~(uintptr_t)4095);
    memset(plane->tags, 0, (size_t)(page - plane->tags));
    madvise(page, PLANE_MAPPING(race_world_bits) - PLANE_SKEW - 4096, MADV_DONTNEED);
}

static void recall(void *ctx, const struct race_plane *plane, uint64_t epoch_low, uint64_t epoch_high, uint64_t address,
                   uint64_t size, bool write, struct race_recalled *recalled)
{
    (void)ctx, (void)plane, (void)address, (void)size, (void)write;
    race_world.recalls++;
    race_world.asked_low = epoch_low;
    race_world.asked_high = epoch_high;
    *recalled = race_world.recalled;
    if (race_world.then.found) {
        race_world.recalled = race_world.then;
        race_world.then.found = false;
    }
}

static void sent(void *ctx, const struct race_plane *plane, struct thread_id thread, uint64_t epoch,
                 struct finding_heard *heard)
{
    (void)ctx, (void)plane;
    race_world.sent_thread = thread.v;
    race_world.sent_epoch = epoch;
    heard->how = HEARD_BY_ATOMIC;
}

static void released(void *ctx, const struct race_plane *plane, struct thread_id thread, uint64_t epoch,
                     struct race_recalled *recalled)
{
    (void)ctx, (void)plane, (void)thread;
    race_world.released_epoch = epoch;
    *recalled = race_world.released;
}

static struct stack_id stack_here(void *ctx)
{
    (void)ctx;
    race_world.stack += !race_world.same_place;
    return (struct stack_id){race_world.stack};
}

static void block(void *ctx, struct finding_memory *memory)
{
    (void)ctx;
    if (race_world.block_stack != 0) {
        memory->block = memory->address & ~UINT64_C(4095);
        memory->block_size = 4096;
        memory->alloc_stack.v = race_world.block_stack;
    }
}

static bool value(void *ctx, uint64_t address, uint64_t size, uint64_t *value)
{
    (void)ctx;
    *value = address + size;
    return true;
}

static void apart(void *ctx, void (*work)(void *arg), void *arg)
{
    (void)ctx;
    work(arg);
}

static const struct race_host race_host = {
    .reserve = reserve,
    .release = unreserve,
    .discard = discard,
    .populate = populate,
    .empty = empty,
    .recall = recall,
    .sent = sent,
    .released = released,
    .stack_here = stack_here,
    .apart = apart,
    .block = block,
    .value = value,
};

void race_world_start(struct detector *d)
{
    accesses = 0;
    memset(&race_world, 0, sizeof race_world);
    race_world.stack = 1000;
    struct race_host host = race_host;
    host.window_bits = race_world_bits;
    host.threads = &race_world.threads;
    race_world.engine = race_engine_new(d, &host);
    assert_non_null(race_world.engine);
}

void race_world_map(struct race_plane *plane, uint32_t number)
{
    uint8_t *memory = reserve(NULL, PLANE_MAPPING(race_world_bits));
    assert_non_null(memory);
    madvise(memory, PLANE_MAPPING(race_world_bits),
            MADV_NOHUGEPAGE); /* as the library does: pages are what it counts */
    *plane = (struct race_plane){.tags = memory + PLANE_SKEW, .number = number};
    plane->writes = plane->tags + PLANE_WRITES_AT(race_world_bits);
}

void race_world_unmap(struct race_plane *plane)
{
    munmap(plane->tags - PLANE_SKEW, PLANE_MAPPING(race_world_bits));
    plane->tags = NULL;
}

void race_world_stop(void)
{
    race_engine_delete(race_world.engine);
    for (int i = 0; i < WORLD_THREADS; i++)
        if (race_world.plane[i].tags != NULL)
            race_world_unmap(&race_world.plane[i]);
}

int race_world_setup(void **state)
{
    int result = world_setup(state);
    race_world_start(world.d);
    return result;
}

int race_world_setup_hybrid(void **state)
{
    int result = world_setup_hybrid(state);
    race_world_start(world.d);
    return result;
}

int race_world_teardown(void **state)
{
    race_world_stop();
    return world_teardown(state);
}

struct race_plane *race_world_plane(int thread)
{
    struct race_plane *plane = &race_world.plane[thread];
    if (plane->tags == NULL) {
        struct thread *t = world_thread(thread);
        race_world_map(plane, (uint32_t)thread + 1);
        assert_true(race_plane_begin(race_world.engine, plane, t));
        race_world_settle();
    }
    return plane;
}

void race_world_settle(void)
{
    for (int i = 0; i < WORLD_THREADS; i++)
        if (race_world.plane[i].thread != NULL)
            race_plane_advance(race_world.engine, &race_world.plane[i]);
}

bool race_world_access_of(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint64_t size,
                          uint32_t flags)
{
    const struct race_shared shared =
        ++accesses % 2 == 0 ? (struct race_shared){0} : race_shared_find(engine, plane, address, size, flags);
    return shared.chunk != NULL ? race_shared_access(engine, plane, &shared, address, size, flags)
                                : race_access(engine, plane, address, size, flags);
}

bool race_world_access(int thread, uint64_t address, uint64_t size, uint32_t flags)
{
    return race_world_access_of(race_world.engine, race_world_plane(thread), address, size, flags);
}

bool race_world_read(int thread, uint64_t address, uint64_t size)
{
    return race_world_access(thread, address, size, 0);
}

bool race_world_write(int thread, uint64_t address, uint64_t size)
{
    return race_world_access(thread, address, size, RACE_WRITE);
}

void race_world_exchange(int thread, uint64_t address)
{
    struct race_plane *plane = race_world_plane(thread);
    race_atomic_before(race_world.engine, plane, address, 4, ORDER_SEQ_CST);
    race_atomic_after(race_world.engine, plane, address, 4, ORDER_SEQ_CST);
}

void race_world_lock(int thread, int mutex)
{
    struct race_plane *plane = race_world_plane(thread);
    race_settle(race_world.engine, plane);
    world_lock(thread, world_mutex(mutex));
    race_world_settle();
}

void race_world_unlock(int thread, int mutex)
{
    struct race_plane *plane = race_world_plane(thread);
    race_settle(race_world.engine, plane);
    world_unlock(thread, world_mutex(mutex));
    race_world_settle();
}

void race_world_section(int thread, int mutex)
{
    race_world_lock(thread, mutex);
    race_world_unlock(thread, mutex);
}

void race_world_end(int thread)
{
    world_end(thread);
    race_plane_end(race_world.engine, race_world_plane(thread), 0, 0);
}

void race_world_join(int thread, int ended)
{
    detector_joined(world.d, world_thread(thread), world_thread(ended));
    race_world_settle();
}

void race_world_take_over(int thread, int ended)
{
    race_world.plane[thread] = race_world.plane[ended];
    race_world.plane[ended] = (struct race_plane){.tags = NULL};
    assert_true(race_plane_begin(race_world.engine, &race_world.plane[thread], world_thread(thread)));
}

struct race_counts race_world_counts(void)
{
    struct race_counts counts;
    race_counts(race_world.engine, &counts);
    return counts;
}

#include "order_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "malloc_host.h"

/* ---- the clocks of the definition: these replace detector/clocks.c in the test ------------------------------------
 */

bool clock_stamp_before(const struct clock_stamp *a, const struct clock_stamp *b)
{
    if (a->slot == b->slot)
        return a->epoch <= b->epoch;
    return b->seen && a->epoch <= b->seen->epoch[a->slot];
}

void clock_stamp_drop(struct clock_stamp *stamp)
{
    free(stamp->seen);
    *stamp = (struct clock_stamp){0};
}

void clock_stamp_assign(struct clock_stamp *to, const struct clock_stamp *from)
{
    size_t size = sizeof(struct clock_snapshot) + WORLD_THREADS * sizeof(uint64_t);
    clock_stamp_drop(to);
    *to = *from;
    to->seen = malloc(size);
    if (!to->seen)
        abort();
    memcpy(to->seen, from->seen, size);
}

/* ---- the world ----------------------------------------------------------------------------------------------------
 */

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "order_world: %s\n", what);
    abort();
}

static void note_finding(void *ctx, const struct finding *finding)
{
    struct world *w = ctx;
    require(w->finding_count < WORLD_FINDINGS && finding->party_count <= WORLD_PARTIES, "too large a finding");
    require(finding->kind == FINDING_LOCK_ORDER_INVERSION, "a finding of another kind");
    struct world_finding *note = &w->findings[w->finding_count++];
    note->party_count = finding->party_count;
    note->detail = finding->detail;
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *party = &finding->parties[i];
        require(party->role == PARTY_REQUESTS && party->has_object, "a party that does not request");
        note->threads[i] = party->thread.v;
        note->wanted[i] = party->object.id.v;
        note->held_counts[i] = (uint32_t)party->held_count;
        note->stacks[i] = party->stack.v;
    }
}

void world_init(struct world *w, size_t max_dependencies)
{
    memset(w, 0, sizeof *w);
    for (uint32_t t = 0; t < WORLD_THREADS; t++)
        w->threads[t].clock[t] = 1;
    w->order = lock_order_new(&malloc_host, max_dependencies);
    require(w->order, "no memory");
}

void world_finish(struct world *w)
{
    require(lock_order_check(w->order), "lock_order_check() fails");
    lock_order_delete(w->order);
    require(malloc_host_bytes() == 0, "the engine leaks");
}

struct clock_stamp world_stamp(struct world *w, uint32_t thread)
{
    static union {
        struct clock_snapshot snapshot;
        char room[sizeof(struct clock_snapshot) + WORLD_THREADS * sizeof(uint64_t)];
    } seen;
    memcpy(seen.snapshot.epoch, w->threads[thread].clock, sizeof w->threads[thread].clock);
    return (struct clock_stamp){.slot = thread, .epoch = w->threads[thread].clock[thread], .seen = &seen.snapshot};
}

static struct stack_id stack_of(const struct world *w, uint32_t thread, uint32_t lock, enum lock_mode mode)
{
    return (struct stack_id){w->stack ? w->stack : (thread * 4096 + lock) * 2 + (uint32_t)mode + 1};
}

static struct object_ref lock_ref(uint32_t lock)
{
    return (struct object_ref){.id = {lock}, .kind = OBJECT_MUTEX, .address = UINT64_C(0x1000) + lock * 64};
}

struct dependency *world_request(struct world *w, uint32_t thread, uint32_t lock, enum lock_mode mode)
{
    const struct world_thread *t = &w->threads[thread];
    if (t->held_count == 0)
        return NULL;
    const struct order_request request = {
        .thread = {thread},
        .stamp = world_stamp(w, thread),
        .wanted = lock_ref(lock),
        .mode = mode,
        .prefers_writers = w->prefers_writers,
        .at = stack_of(w, thread, lock, mode),
        .held = t->held,
        .held_count = t->held_count,
    };
    return lock_order_request(w->order, &request, note_finding, w);
}

void world_take(struct world *w, uint32_t thread, uint32_t lock, enum lock_mode mode)
{
    struct world_thread *t = &w->threads[thread];
    require(t->held_count < WORLD_HELD, "too many locks held");
    t->held[t->held_count++] =
        (struct held_lock){.object = lock_ref(lock), .mode = mode, .stack = stack_of(w, thread, lock, mode)};
}

void world_take_unit(struct world *w, uint32_t thread, uint32_t semaphore, uint32_t units)
{
    struct world_thread *t = &w->threads[thread];
    world_take(w, thread, semaphore, LOCK_SHARED);
    t->held[t->held_count - 1].units = units;
}

void world_release(struct world *w, uint32_t thread, uint32_t lock)
{
    struct world_thread *t = &w->threads[thread];
    size_t i = 0;
    while (i < t->held_count && t->held[i].object.id.v != lock)
        i++;
    require(i < t->held_count, "a release of a lock not held");
    for (size_t k = i + 1; t->held[i].mode == LOCK_EXCLUSIVE && k < t->held_count; k++) {
        struct object_id *under = t->held[k].taken_under;
        size_t free = 0;
        while (free < TAKEN_UNDER_MOST && under[free].v != 0 && under[free].v != lock)
            free++;
        if (free < TAKEN_UNDER_MOST)
            under[free] = (struct object_id){lock};
    }
    memmove(&t->held[i], &t->held[i + 1], (t->held_count - i - 1) * sizeof t->held[0]);
    t->held_count--;
}

void world_release_all(struct world *w, uint32_t thread)
{
    w->threads[thread].held_count = 0;
}

void world_lock(struct world *w, uint32_t thread, uint32_t lock)
{
    world_request(w, thread, lock, LOCK_EXCLUSIVE);
    world_take(w, thread, lock, LOCK_EXCLUSIVE);
}

void world_nest(struct world *w, uint32_t thread, uint32_t outer, uint32_t inner)
{
    world_lock(w, thread, outer);
    world_lock(w, thread, inner);
    world_release(w, thread, inner);
    world_release(w, thread, outer);
}

void world_hand_over(struct world *w, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < WORLD_THREADS; i++)
        if (w->threads[to].clock[i] < w->threads[from].clock[i])
            w->threads[to].clock[i] = w->threads[from].clock[i];
    w->threads[from].clock[from]++;
}

struct lock_order_counts world_counts(const struct world *w)
{
    struct lock_order_counts counts;
    lock_order_get_counts(w->order, &counts);
    return counts;
}

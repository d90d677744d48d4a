#include "detector_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "malloc_host.h"

struct world world;

static void keep(void *ctx, const struct finding *finding)
{
    (void)ctx;
    assert_true(world.found_count < WORLD_FOUND);
    struct world_finding *to = &world.found[world.found_count++];
    to->kind = finding->kind;
    to->form = finding->form;
    to->certain_hang = finding->certain_hang;
    to->severity = finding->severity;
    to->number = finding->number;
    to->party_count = finding->party_count;
    to->heard = finding->heard;
    snprintf(to->detail, sizeof to->detail, "%s", finding->detail);
    for (size_t i = 0; i < finding->party_count && i < WORLD_PARTIES; i++) {
        const struct finding_party *party = &finding->parties[i];
        to->party[i].role = party->role;
        to->party[i].thread = party->thread.v;
        to->party[i].stack = party->stack.v;
        to->party[i].signal_number = party->signal_number;
        to->party[i].held_count = party->held_count;
        to->party[i].has_value = party->has_value;
        to->party[i].value = party->access_value;
        to->party[i].address = party->object.address;
        to->party[i].access_address = party->access_address;
        to->party[i].access_size = party->access_size;
        to->party[i].held_address = party->held_count > 0 ? party->held[0].object.address : 0;
    }
}

static bool all_asleep(void *ctx)
{
    (void)ctx;
    return world.os_agrees;
}

static uint64_t signals_blocked(void *ctx)
{
    (void)ctx;
    return world.signal_blocked ? UINT64_MAX : 0;
}

static void hung(void *ctx)
{
    (void)ctx;
    world.hung_calls++;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return world.now_ns;
}

static struct detector_host host;

static void world_start(const struct detector_options *options)
{
    memset(&world, 0, sizeof world);
    host = malloc_host;
    host.report = keep;
    host.all_asleep = all_asleep;
    host.signals_blocked = signals_blocked;
    host.hung = hung;
    host.now_ns = now_ns;
    world.os_agrees = true;
    world.d = detector_new(&host, options);
    assert_non_null(world.d);
    (void)world_thread(0);
}

int world_setup(void **state)
{
    (void)state;
    struct detector_options options;
    detector_options_default(&options);
    world_start(&options);
    return 0;
}

int world_setup_hybrid(void **state)
{
    (void)state;
    struct detector_options options;
    detector_options_default(&options);
    options.hybrid_races = true;
    world_start(&options);
    return 0;
}

int world_setup_only(enum finding_kind kind)
{
    struct detector_options options;
    detector_options_default(&options);
    memset(options.enabled, 0, sizeof options.enabled);
    options.enabled[kind] = true;
    world_start(&options);
    return 0;
}

int world_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_THREADS; i++) {
        if (world.t[i] != NULL) {
            detector_thread_forget(world.d, world.t[i]);
            host.free(NULL, world.t[i], thread_size());
        }
    }
    detector_delete(world.d);
    return malloc_host_bytes() == 0 ? 0 : 1;
}

void world_enable_all(void)
{
    struct detector_options options;
    detector_options_default(&options);
    memset(options.enabled, 1, sizeof options.enabled);
    assert_int_equal(world_teardown(NULL), 0);
    world_start(&options);
}

struct thread *world_thread(int number)
{
    if (world.t[number] == NULL) {
        world.t[number] = host.alloc(NULL, thread_size());
        struct thread *parent = number == 0 ? NULL : world_thread(0);
        detector_thread_create(world.d, world.t[number], parent, false, world_at(900 + (uint32_t)number));
        detector_thread_start(world.d, world.t[number]);
    }
    return world.t[number];
}

void world_forget(int number)
{
    host.free(NULL, world.t[number], thread_size());
    world.t[number] = NULL;
}

struct stack_id world_at(uint32_t v)
{
    return (struct stack_id){v};
}

uint64_t world_address(enum object_kind kind, int number)
{
    return 0x10000u * ((uint64_t)kind + 1) + 64u * (uint64_t)number;
}

struct object *world_object(enum object_kind kind, int number, struct object_traits traits)
{
    uint64_t address = world_address(kind, number);
    struct object *o = object_find(world.d, address);
    return o != NULL ? o : object_init(world.d, world_thread(0), kind, address, &traits, world_at(1));
}

struct object *world_mutex_of(int number, struct object_traits traits)
{
    return world_object(OBJECT_MUTEX, number, traits);
}

struct object *world_mutex(int number)
{
    return world_mutex_of(number, (struct object_traits){0});
}

static void take(int thread, struct object *o, enum lock_mode mode)
{
    uint32_t at = 100 + 10 * (uint32_t)thread;
    detector_lock_request(world.d, world_thread(thread), o, mode, false, world_at(at));
    detector_lock_acquired(world.d, world_thread(thread), o, mode, false, world_at(at));
}

void world_lock(int thread, struct object *o)
{
    take(thread, o, LOCK_EXCLUSIVE);
}

void world_lock_shared(int thread, struct object *o)
{
    take(thread, o, LOCK_SHARED);
}

void world_unlock(int thread, struct object *o)
{
    detector_lock_released(world.d, world_thread(thread), o, world_at(200 + (uint32_t)thread));
}

void world_block(int thread, struct object *o, enum lock_mode mode, bool timed)
{
    struct stack_id at = world_at(300 + (uint32_t)thread);
    detector_lock_request(world.d, world_thread(thread), o, mode, timed, at);
    detector_block(world.d, world_thread(thread), o, mode, timed, at);
}

void world_sem_wait(int thread, struct object *s)
{
    struct stack_id at = world_at(400 + (uint32_t)thread);
    detector_sem_request(world.d, world_thread(thread), s, false, at);
    detector_sem_acquired(world.d, world_thread(thread), s, at);
}

void world_sem_post(int thread, struct object *s)
{
    detector_sem_post(world.d, world_thread(thread), s, false, world_at(500 + (uint32_t)thread));
}

void world_end(int thread)
{
    detector_thread_end(world.d, world_thread(thread), world_at(600 + (uint32_t)thread));
}

size_t world_count(enum finding_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world.found_count; i++)
        count += world.found[i].kind == kind;
    return count;
}

void world_expect_nothing(void)
{
    for (size_t i = 0; i < world.found_count; i++)
        print_message("unexpected: %s: %s\n", finding_slug(world.found[i].kind), world.found[i].detail);
    assert_int_equal(world.found_count, 0);
}

const struct world_finding *world_expect_one(enum finding_kind kind)
{
    for (size_t i = 0; world.found_count != 1 && i < world.found_count; i++)
        print_message("found: %s: %s\n", finding_slug(world.found[i].kind), world.found[i].detail);
    assert_int_equal(world.found_count, 1);
    assert_string_equal(finding_slug(world.found[0].kind), finding_slug(kind));
    return &world.found[0];
}

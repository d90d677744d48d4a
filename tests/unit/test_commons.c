/* test_commons.c: what processes share: circles over them, what is no circle, and memory that others have damaged. */
#include <stdlib.h>
#include <string.h>

#include "commons_world.h"

enum { PIDS = 8, ROUNDS = 60, DAMAGES = 200 };

static uint32_t add_process(struct commons *c, int64_t pid, int64_t parent)
{
    struct commons_process process = {.pid = pid, .parent_pid = parent, .began_ns = ++world.now_ns, .name = "test"};
    return commons_add_process(c, &process, &world_host);
}

static uint32_t add_identity(struct commons *c, uint64_t inode)
{
    struct commons_identity identity = {.key = {.device = 1, .inode = inode}, .path = "/a/file"};
    bool is_new;
    return commons_add_identity(c, &identity, &is_new);
}

static uint32_t add_stack(struct commons *c, uint64_t place)
{
    struct commons_stack stack = {.depth = 1, .frames = {{.offset = place}}};
    return commons_add_stack(c, &stack);
}

static struct commons_lock lock_at(struct commons *c, uint32_t identity, uint64_t place)
{
    return (struct commons_lock){identity, commons_generation(c, identity), 0, add_stack(c, place)};
}

/* A thread of `process` that wants `wanted` while it holds `held`. */
static struct commons_party party_of(struct commons *c, uint32_t process, uint32_t held, uint32_t wanted)
{
    struct commons_party party;
    memset(&party, 0, sizeof party);
    party.process = process;
    party.thread = 1;
    party.tid = 100 + process;
    party.wanted = lock_at(c, wanted, 10 * process + 1);
    party.held[0] = lock_at(c, held, 10 * process + 2);
    party.held_count = 1;
    return party;
}

static bool request(struct commons *c, uint32_t process, uint32_t held, uint32_t wanted)
{
    struct commons_circle circle;
    struct commons_party party = party_of(c, process, held, wanted);
    return commons_request(c, &party, &world_host, &circle);
}

static void finds_opposite_orders_once(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    assert_true(request(c, q, b, a));
    assert_false(request(c, q, b, a));
    assert_false(request(c, p, a, b));
    free(c);
}

static void finds_a_ring_of_three(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), r = add_process(c, 3, 0);
    uint32_t x = add_identity(c, 1), y = add_identity(c, 2), z = add_identity(c, 3);
    assert_false(request(c, p, x, y));
    assert_false(request(c, q, y, z));
    assert_true(request(c, r, z, x));
    free(c);
}

static void is_silent_within_one_process(void **state)
{
    (void)state;
    struct commons *c = world_block();
    struct commons_circle circle;
    uint32_t p = add_process(c, 1, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    struct commons_party other = party_of(c, p, b, a);
    other.tid++;
    assert_false(request(c, p, a, b));
    assert_false(commons_request(c, &other, &world_host, &circle)); /* the process finds that by itself */
    free(c);
}

static void a_gate_closes_no_circle(void **state)
{
    (void)state;
    struct commons *c = world_block();
    struct commons_circle circle;
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0);
    uint32_t a = add_identity(c, 1), b = add_identity(c, 2), gate = add_identity(c, 3);
    struct commons_party first = party_of(c, p, a, b), second = party_of(c, q, b, a);
    first.held[first.held_count++] = lock_at(c, gate, 7);
    second.held[second.held_count++] = lock_at(c, gate, 8);
    assert_false(commons_request(c, &first, &world_host, &circle));
    assert_false(commons_request(c, &second, &world_host, &circle));
    second.held_count = 1;
    assert_true(commons_request(c, &second, &world_host, &circle)); /* without it on one side there is one */
    free(c);
}

static void what_precedes_a_fork_is_ordered(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    uint32_t child = add_process(c, 2, 1);
    assert_false(request(c, child, b, a));
    assert_true(request(c, p, a, b)); /* again, beside the child */
    free(c);
}

static void send(struct commons *c, uint32_t process, uint32_t identity)
{
    commons_sent(c, process, identity, ++world.now_ns);
}

static void what_precedes_a_hand_over_is_ordered(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), post = add_identity(c, 9);
    uint32_t a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    send(c, p, post);
    commons_heard(c, q, post);
    assert_false(request(c, q, b, a));
    send(c, q, post); /* and back */
    commons_heard(c, p, post);
    assert_false(request(c, p, a, b));
    assert_true(request(c, q, b, a)); /* again, beside p */
    free(c);
}

static void a_hand_over_passes_on_what_was_heard(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), r = add_process(c, 3, 0);
    uint32_t first = add_identity(c, 8), second = add_identity(c, 9), a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    send(c, p, first);
    commons_heard(c, q, first);
    send(c, q, second);
    commons_heard(c, r, second);
    uint32_t child = add_process(c, 4, 3);
    assert_false(request(c, r, b, a));
    assert_false(request(c, child, b, a)); /* knows what its parent had heard */
    free(c);
}

static void a_hand_over_to_another_orders_nothing(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), post = add_identity(c, 9), other = add_identity(c, 8);
    uint32_t a = add_identity(c, 1), b = add_identity(c, 2);
    send(c, p, post);
    assert_false(request(c, p, a, b)); /* after the post */
    send(c, p, other);
    commons_heard(c, q, post);
    assert_true(request(c, q, b, a));
    free(c);
}

static void what_was_reaped_is_ordered(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t parent = add_process(c, 1, 0), p = add_process(c, 2, 1), sibling = add_process(c, 3, 1);
    uint32_t a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    world.life[2] = COMMONS_GONE;
    assert_false(request(c, add_process(c, 4, 1), b, a)); /* began afterwards */
    assert_false(request(c, parent, b, a));               /* waited for it */
    assert_true(request(c, sibling, b, a));               /* was there with it */
    free(c);
}

static void an_object_made_anew_is_another(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    assert_false(request(c, p, a, b));
    commons_renew_identity(c, a);
    assert_false(request(c, q, b, a));
    commons_set_no_lock(c, b);
    assert_false(request(c, p, a, b));
    free(c);
}

static uint32_t add_private(struct commons *c, uint32_t process, uint64_t number)
{
    struct commons_identity identity = {.key = {.device = process, .inode = number}};
    assert_int_equal(commons_find_private(c, &identity.key), 0);
    uint32_t result = commons_add_private(c, &identity);
    assert_true(commons_is_private(result));
    assert_int_equal(commons_find_private(c, &identity.key), result);
    return result;
}

/* A thread of p nests its own lock in a, another b in that lock, and q nests a in b.  Returns: whether that is told when the second
 * thread has seen the first's slot up to `seen`; the first was at 5. */
static bool ring_through_a_private_lock(uint64_t seen)
{
    struct commons *c = world_block();
    struct commons_circle circle;
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    uint32_t own = add_private(c, p, 7);
    struct commons_party first = party_of(c, p, a, own), second = party_of(c, p, own, b);
    first.slot = 3;
    first.epoch = 5;
    second.tid++;
    second.slot = COMMONS_SEEN + 1;
    second.epoch = 2;
    second.seen[3] = seen;
    assert_false(commons_request(c, &first, &world_host, &circle));
    assert_false(commons_request(c, &second, &world_host, &circle));
    bool result = request(c, q, b, a);
    free(c);
    return result;
}

static void threads_of_a_process_are_compared_by_their_clocks(void **state)
{
    (void)state;
    assert_true(ring_through_a_private_lock(0));
    assert_true(ring_through_a_private_lock(4));
    assert_false(ring_through_a_private_lock(5));
}

static void private_locks_leave_room_for_shared_ones(void **state)
{
    (void)state;
    struct commons *c = world_block();
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    for (uint32_t i = 0; i < COMMONS_DEPENDENCIES; i++) {
        struct commons_identity identity = {.key = {.device = p, .inode = i}};
        uint32_t own = commons_add_private(c, &identity);
        assert_false(own != 0 && request(c, p, a, own));
    }
    assert_true(commons_lost(c) > 0);
    assert_false(request(c, p, a, b));
    assert_true(request(c, q, b, a));
    free(c);
}

static void finds_sleepers_that_live(void **state)
{
    (void)state;
    struct commons *c = world_block();
    struct commons_circle circle;
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 0), a = add_identity(c, 1), b = add_identity(c, 2);
    struct commons_party first = party_of(c, p, a, b), second = party_of(c, q, b, a);
    uint32_t bed = 0, other = 0;
    assert_false(commons_asleep(c, &first, &world_host, &bed, &circle));
    commons_awake(c, bed);
    assert_false(commons_asleep(c, &second, &world_host, &other, &circle)); /* the first is awake */
    commons_awake(c, other);
    assert_false(commons_asleep(c, &first, &world_host, &bed, &circle));
    world.life[1] = COMMONS_ENDED; /* killed in its sleep */
    assert_false(commons_asleep(c, &second, &world_host, &other, &circle));
    commons_awake(c, other);
    world.life[1] = COMMONS_LIVES;
    assert_true(commons_asleep(c, &second, &world_host, &other, &circle));
    assert_int_equal(circle.count, 2);
    free(c);
}

/* The first waits for the end of the second, who waits for what the first holds. */
static void finds_who_waits_for_the_end_of_a_process(void **state)
{
    (void)state;
    struct commons *c = world_block();
    struct commons_circle circle;
    uint32_t p = add_process(c, 1, 0), q = add_process(c, 2, 1), a = add_identity(c, 1), bed = 0, other = 0;
    struct commons_party first = party_of(c, p, a, a), second = party_of(c, q, a, a);
    first.wanted = commons_end_of(2, 0);
    second.held[0] = commons_end_of(3, 0);
    assert_false(commons_asleep(c, &first, &world_host, &bed, &circle));
    assert_false(commons_asleep(c, &second, &world_host, &other, &circle)); /* nobody waits for that one */
    commons_awake(c, other);
    second.held[0] = commons_end_of(2, 0);
    assert_true(commons_asleep(c, &second, &world_host, &other, &circle));
    assert_int_equal(circle.count, 2);
    assert_true(commons_sleeps_on(c, &circle, &world_host));
    world.life[2] = COMMONS_ENDED;
    assert_false(commons_sleeps_on(c, &circle, &world_host));
    world.life[2] = COMMONS_LIVES;
    commons_awake(c, bed);
    assert_false(commons_sleeps_on(c, &circle, &world_host));
    free(c);
}

static void a_foreign_block_is_refused(void **state)
{
    (void)state;
    struct commons *c = calloc(1, commons_size());
    memset(c, 0x5a, 64);
    assert_false(commons_begin(c));
    free(c);
}

static void full_tables_are_counted(void **state)
{
    (void)state;
    struct commons *c = world_block();
    for (uint64_t i = 1; i <= 2 * COMMONS_IDENTITIES; i++)
        (void)add_identity(c, i);
    assert_true(commons_lost(c) > 0);
    free(c);
}

static uint32_t add_any_private(struct commons *c)
{
    struct commons_identity identity = {.key = {.device = (uint64_t)rand() % 4, .inode = (uint64_t)rand() % 4}};
    return commons_add_private(c, &identity);
}

/* Everything that a process may do, with numbers that may be anything. */
static void do_everything(struct commons *c)
{
    struct commons_circle circle;
    struct commons_stack stack;
    struct commons_module module;
    struct commons_identity identity;
    uint32_t p = add_process(c, rand() % PIDS, rand() % PIDS), q = add_process(c, rand() % PIDS, 0);
    uint32_t a = add_identity(c, (uint64_t)rand() % 4), b = add_identity(c, (uint64_t)rand() % 4), bed = 0;
    (void)commons_get_stack(c, (uint32_t)rand(), &stack);
    (void)commons_get_module(c, (uint32_t)rand() % 4, &module);
    (void)commons_get_identity(c, a, &identity);
    if (p == 0 || q == 0 || a == 0 || b == 0)
        return;
    struct commons_party first = party_of(c, p, a, b), second = party_of(c, q, b, a);
    bool found = commons_request(c, &first, &world_host, &circle);
    assert_true(!found || circle.count <= COMMONS_CIRCLE_MAX);
    (void)commons_request(c, &second, &world_host, &circle);
    (void)commons_asleep(c, &first, &world_host, &bed, &circle);
    struct commons_party inner = party_of(c, p, a, add_any_private(c));
    (void)commons_request(c, &inner, &world_host, &circle);
    (void)commons_others_live(c, p, &world_host);
    commons_awake(c, (uint32_t)rand());
}

static void damage_does_no_harm(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct commons *c = world_block();
        srand(round);
        for (int i = 0; i < 8; i++)
            do_everything(c);
        size_t reach = round % 2 == 0 ? commons_size() : 256; /* the counts, or anywhere */
        for (int i = 0; i < DAMAGES; i++)
            ((unsigned char *)c)[16 + (size_t)rand() % (reach - 16)] = (unsigned char)rand();
        for (int i = 0; i < 8; i++)
            do_everything(c);
        free(c);
    }
}

static void garbage_does_no_harm(void **state)
{
    (void)state;
    struct commons *c = world_block();
    srand(1);
    for (size_t i = 16; i < commons_size(); i++)
        ((unsigned char *)c)[i] = (unsigned char)rand();
    for (int i = 0; i < 2; i++)
        do_everything(c);
    assert_true(commons_damaged(c) != 0 || commons_lost(c) != 0);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_opposite_orders_once),
        cmocka_unit_test(finds_a_ring_of_three),
        cmocka_unit_test(is_silent_within_one_process),
        cmocka_unit_test(a_gate_closes_no_circle),
        cmocka_unit_test(what_precedes_a_fork_is_ordered),
        cmocka_unit_test(what_precedes_a_hand_over_is_ordered),
        cmocka_unit_test(a_hand_over_passes_on_what_was_heard),
        cmocka_unit_test(a_hand_over_to_another_orders_nothing),
        cmocka_unit_test(what_was_reaped_is_ordered),
        cmocka_unit_test(an_object_made_anew_is_another),
        cmocka_unit_test(threads_of_a_process_are_compared_by_their_clocks),
        cmocka_unit_test(private_locks_leave_room_for_shared_ones),
        cmocka_unit_test(finds_sleepers_that_live),
        cmocka_unit_test(a_foreign_block_is_refused),
        cmocka_unit_test(finds_who_waits_for_the_end_of_a_process),
        cmocka_unit_test(full_tables_are_counted),
        cmocka_unit_test(damage_does_no_harm),
        cmocka_unit_test(garbage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

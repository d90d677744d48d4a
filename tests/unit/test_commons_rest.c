/* test_commons_rest.c: processes that all sleep: which waits are sure to last, and who else is there. */
#include <stdlib.h>
#include <string.h>

#include "commons_world.h"
#include "detector/commons_rest.h"
#include "detector/object.h"

enum { ROUNDS = 20, DAMAGES = 200 };

static struct commons *c;
static uint32_t p, q; /* two processes */

static int set_up(void **state)
{
    (void)state;
    c = world_block();
    struct commons_process process = {.pid = 1};
    p = commons_add_process(c, &process, &world_host);
    process.pid = 2;
    q = commons_add_process(c, &process, &world_host);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(c);
    return 0;
}

static uint32_t add_object(enum object_kind kind, uint64_t offset)
{
    struct commons_identity identity = {.key = {.device = 1, .offset = offset, .kind = kind}};
    bool is_new;
    return commons_add_identity(c, &identity, &is_new);
}

static struct commons_party party_of(uint32_t process, uint32_t wanted)
{
    struct commons_party party;
    memset(&party, 0, sizeof party);
    party.process = process;
    party.threads = 1;
    party.wanted = (struct commons_lock){.identity = wanted, .generation = commons_generation(c, wanted)};
    return party;
}

static void rest(const struct commons_party *party, uint32_t traits)
{
    commons_rests(c, party->process, traits);
    commons_rests_party(c, party);
}

static void rest_for(uint32_t process, uint32_t wanted, uint32_t measure)
{
    struct commons_party party = party_of(process, wanted);
    party.measure = measure;
    rest(&party, 0);
}

static bool all_rest(void)
{
    struct commons_rest found;
    bool result = commons_all_rest(c, &world_host, &found);
    assert_true(!result || !commons_someone_is_up(c, &world_host));
    return result;
}

static void who_is_up_may_wake_the_rest(void **state)
{
    (void)state;
    uint32_t cond = add_object(OBJECT_COND, 1);
    rest_for(p, cond, 0);
    assert_true(commons_someone_is_up(c, &world_host));
    assert_false(all_rest());
    rest_for(q, cond, 0);
    assert_true(all_rest());
    commons_stirs(c, p);
    assert_false(all_rest());
    rest_for(p, cond, 0);
    assert_true(all_rest());
    world.life[2] = COMMONS_ENDED;
    assert_true(all_rest());
    world.life[2] = COMMONS_GONE;
    assert_true(all_rest());
}

static void a_signal_under_way_wakes(void **state)
{
    (void)state;
    uint32_t cond = add_object(OBJECT_COND, 1);
    commons_cond_signalled(c, cond, true); /* nobody waits: it is lost */
    uint32_t first = commons_cond_waits(c, cond);
    commons_cond_waits(c, cond);
    rest_for(p, cond, 0);
    rest_for(q, cond, 0);
    assert_true(all_rest());
    commons_cond_signalled(c, cond, false);
    assert_false(all_rest());
    commons_cond_woken(c, cond, true, commons_cond_waits(c, cond)); /* who came behind it */
    assert_false(all_rest());
    commons_cond_woken(c, cond, true, first);
    rest_for(p, COMMONS_WITHIN, 0);
    assert_true(all_rest());
}

static void a_full_round_opens_a_barrier(void **state)
{
    (void)state;
    uint32_t barrier = add_object(OBJECT_BARRIER, 1);
    commons_barrier_arrived(c, barrier);
    rest_for(p, barrier, 3);
    commons_barrier_arrived(c, barrier);
    rest_for(q, barrier, 3);
    assert_true(all_rest());
    commons_barrier_arrived(c, barrier);
    assert_false(all_rest());
}

static void a_post_since_wakes(void **state)
{
    (void)state;
    uint32_t semaphore = add_object(OBJECT_SEMAPHORE, 1);
    commons_set_no_lock(c, semaphore);
    commons_semaphore_posted(c, semaphore);
    rest_for(p, semaphore, commons_semaphore_posts(c, semaphore));
    rest_for(q, semaphore, commons_semaphore_posts(c, semaphore));
    assert_true(all_rest());
    commons_semaphore_posted(c, semaphore);
    assert_false(all_rest());
}

static void a_lock_counts_when_its_holder_rests(void **state)
{
    (void)state;
    uint32_t lock = add_object(OBJECT_MUTEX, 1), cond = add_object(OBJECT_COND, 2);
    struct commons_party holder = party_of(q, cond);
    rest_for(p, lock, 0);
    rest(&holder, 0);
    assert_false(all_rest()); /* it is free, or about to be */
    holder.held[holder.held_count++] = (struct commons_lock){.identity = lock};
    rest(&holder, 0);
    assert_true(all_rest());
    commons_renew_identity(c, lock);
    assert_false(all_rest());
}

static void an_end_counts_when_nothing_brings_it(void **state)
{
    (void)state;
    uint32_t cond = add_object(OBJECT_COND, 1);
    struct commons_party parent = party_of(p, cond), child = party_of(q, cond);
    parent.wanted = commons_end_of(2, 0);
    rest(&parent, 0);
    rest(&child, COMMONS_REST_ALARMED);
    assert_false(all_rest());
    rest(&child, 0);
    assert_true(all_rest());
    parent.wanted = commons_end_of(7, 0); /* of somebody else */
    rest(&parent, 0);
    assert_false(all_rest());
    parent.wanted = (struct commons_lock){.identity = COMMONS_ANY_END};
    rest(&parent, 0);
    assert_true(all_rest());
}

static void a_child_to_come_is_waited_for(void **state)
{
    (void)state;
    uint32_t cond = add_object(OBJECT_COND, 1);
    rest_for(p, cond, 0);
    rest_for(q, cond, 0);
    commons_conceived(c);
    assert_false(all_rest());
    commons_born(c);
    assert_true(all_rest());
    commons_born(c); /* one too many does no harm */
    assert_true(all_rest());
}

static void is_told_once_a_rest(void **state)
{
    (void)state;
    struct commons_rest found;
    uint32_t cond = add_object(OBJECT_COND, 1);
    rest_for(p, cond, 0);
    rest_for(q, cond, 0);
    assert_true(commons_all_rest(c, &world_host, &found));
    assert_int_equal(found.count, 2);
    commons_rest_told(c, &found);
    assert_false(all_rest());
    commons_stirs(c, p);
    commons_stirs(c, q);
    rest_for(p, cond, 0);
    rest_for(q, cond, 0);
    assert_true(all_rest());
}

static void the_latest_looks(void **state)
{
    (void)state;
    uint32_t first = commons_rests(c, p, 0);
    assert_true(commons_rest_is_latest(c, first));
    uint32_t second = commons_rests(c, q, 0);
    assert_false(commons_rest_is_latest(c, first));
    assert_true(commons_rest_is_latest(c, second));
}

static void more_than_can_be_told_of_do_not_rest(void **state)
{
    (void)state;
    uint32_t cond = add_object(OBJECT_COND, 1);
    struct commons_party party = party_of(p, cond);
    rest_for(q, cond, 0);
    commons_rests(c, p, 0);
    for (uint32_t i = 0; i < COMMONS_AT_REST - 1; i++)
        commons_rests_party(c, &party);
    assert_true(all_rest());
    commons_rests_party(c, &party);
    assert_false(all_rest());
    rest_for(p, cond, 0);
    assert_true(all_rest());
    for (int64_t pid = 3; pid < 3 + COMMONS_REST_MEMBERS; pid++) {
        struct commons_process process = {.pid = pid};
        rest_for(commons_add_process(c, &process, &world_host), cond, 0);
    }
    assert_false(all_rest());
}

static bool look(void *ctx, const struct commons_party *party)
{
    (void)ctx;
    assert_true(party->held_count <= COMMONS_HELD_MAX);
    return true;
}

static void damage_does_no_harm(void **state)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        srand(round);
        uint32_t cond = add_object(OBJECT_COND, 1), lock = add_object(OBJECT_MUTEX, 2);
        for (int i = 0; i < DAMAGES; i++)
            ((unsigned char *)c)[16 + (size_t)rand() % (commons_size() - 16)] = (unsigned char)rand();
        for (int i = 0; i < 64; i++)
            ((unsigned char *)c)[16 + i] = (unsigned char)rand();
        struct commons_rest found;
        rest_for(p, cond, 0);
        rest_for(q, lock, 0);
        if (commons_all_rest(c, &world_host, &found))
            assert_true(commons_rest_visit(c, &found, look, NULL));
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_up_may_wake_the_rest),
        TEST(a_signal_under_way_wakes),
        TEST(a_full_round_opens_a_barrier),
        TEST(a_post_since_wakes),
        TEST(a_lock_counts_when_its_holder_rests),
        TEST(an_end_counts_when_nothing_brings_it),
        TEST(a_child_to_come_is_waited_for),
        TEST(is_told_once_a_rest),
        TEST(the_latest_looks),
        TEST(more_than_can_be_told_of_do_not_rest),
        TEST(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_topo_order.c: the incremental order against reachability computed afresh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "detector/topo_order.h"
#include "malloc_host.h"

enum { NODES = 24, STEPS = 400, DEFAULT_RUNS = 300 };

static struct topo_order order;
static struct topo_node nodes[NODES];
static uint32_t uses[NODES][NODES];
static uint64_t random_state;

static int begin(void **state)
{
    (void)state;
    topo_order_init(&order, &malloc_host);
    memset(uses, 0, sizeof uses);
    for (size_t i = 0; i < NODES; i++)
        assert_true(topo_node_add(&order, &nodes[i]));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (size_t i = 0; i < NODES; i++)
        assert_true(topo_node_check(&order, &nodes[i]));
    topo_order_release(&order);
    assert_int_equal(malloc_host_bytes(), 0);
    return 0;
}

static void add(size_t from, size_t to)
{
    assert_true(topo_edge_add(&order, &nodes[from], &nodes[to]));
    uses[from][to]++;
}

static bool reaches(size_t from, size_t to)
{
    bool seen[NODES] = {false};
    size_t queue[NODES];
    size_t count = 0;
    queue[count++] = from;
    for (size_t i = 0; i < count; i++) {
        for (size_t next = 0; next < NODES; next++) {
            if (!uses[queue[i]][next] || seen[next])
                continue;
            if (next == to)
                return true;
            seen[next] = true;
            queue[count++] = next;
        }
    }
    return false;
}

static void edges_against_the_order_are_put_in_order(void **state)
{
    (void)state;
    for (size_t i = NODES - 1; i > 0; i--)
        add(i, i - 1);
    for (size_t i = 0; i < NODES; i++) {
        assert_true(topo_node_check(&order, &nodes[i]));
        assert_false(topo_on_cycle(&nodes[i], &nodes[(i + 1) % NODES]));
    }
}

static void closing_edge_puts_the_whole_circle_on_a_cycle(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < 5; i++)
        add(i, i + 1);
    add(2, 7);
    assert_false(topo_on_cycle(&nodes[0], &nodes[4]));
    add(4, 0);
    for (size_t i = 0; i < 5; i++)
        assert_true(topo_on_cycle(&nodes[0], &nodes[i]));
    assert_false(topo_on_cycle(&nodes[0], &nodes[7]));
}

static void removed_node_leaves_its_circle(void **state)
{
    (void)state;
    add(0, 1);
    add(1, 0);
    topo_node_remove(&order, &nodes[1]);
    assert_int_equal(order.edge_count, 0);
    assert_true(topo_node_add(&order, &nodes[1]));
    assert_false(topo_on_cycle(&nodes[0], &nodes[1]));
}

static void edge_lives_as_long_as_one_use_of_it(void **state)
{
    (void)state;
    add(0, 1);
    add(0, 1);
    assert_int_equal(order.edge_count, 1);
    topo_edge_drop(&order, &nodes[0], &nodes[1]);
    assert_true(topo_edge_exists(&order, &nodes[0], &nodes[1]));
    topo_edge_drop(&order, &nodes[0], &nodes[1]);
    assert_false(topo_edge_exists(&order, &nodes[0], &nodes[1]));
}

/* ---- random graphs ------------------------------------------------------------------------------------------------ */

static size_t random_below(size_t limit)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((x ^ (x >> 31)) >> 32) % limit;
}

static void check_all(bool after_removal)
{
    for (size_t a = 0; a < NODES; a++) {
        assert_true(topo_node_check(&order, &nodes[a]));
        for (size_t b = 0; b < NODES; b++) {
            if (a == b)
                continue;
            bool cyclic = reaches(a, b) && reaches(b, a);
            if (cyclic)
                assert_true(topo_on_cycle(&nodes[a], &nodes[b]));
            else if (!after_removal)
                assert_false(topo_on_cycle(&nodes[a], &nodes[b]));
        }
    }
}

static void forget(size_t node)
{
    topo_node_remove(&order, &nodes[node]);
    assert_true(topo_node_add(&order, &nodes[node]));
    for (size_t i = 0; i < NODES; i++)
        uses[node][i] = uses[i][node] = 0;
}

static void random_graph(bool with_removals)
{
    bool removed = false;
    size_t used = 3 + random_below(NODES - 3);
    for (size_t step = 0; step < STEPS; step++) {
        size_t a = random_below(used);
        size_t b = random_below(used);
        size_t action = random_below(50);
        if (a == b)
            continue;
        if (with_removals && action == 0) {
            forget(a);
            removed = true;
        } else if (with_removals && action < 15 && uses[a][b]) {
            topo_edge_drop(&order, &nodes[a], &nodes[b]);
            uses[a][b]--;
            removed = true;
        } else if (action < 20 && step < used * 3) {
            add(a, b);
        }
        if (step % 8 == 0)
            check_all(removed);
    }
}

static void random_graphs_agree_with_reachability(void **state)
{
    (void)state;
    const char *seed_text = getenv("ORDER_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : (uint64_t)time(NULL);
    print_message("ORDER_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t run = 0; run < DEFAULT_RUNS; run++) {
        random_state = seed + run;
        random_graph(run % 2);
        finish(NULL);
        begin(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(edges_against_the_order_are_put_in_order, begin, finish),
        cmocka_unit_test_setup_teardown(closing_edge_puts_the_whole_circle_on_a_cycle, begin, finish),
        cmocka_unit_test_setup_teardown(removed_node_leaves_its_circle, begin, finish),
        cmocka_unit_test_setup_teardown(edge_lives_as_long_as_one_use_of_it, begin, finish),
        cmocka_unit_test_setup_teardown(random_graphs_agree_with_reachability, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_call_tree.c: each chain of callers is one node, and a recursion takes no more of them once there are many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preload/call_tree.h"

enum { CERTAIN = 32 };

static void a_chain_has_one_stack(void **state)
{
    (void)state;
    uint32_t outer = call_tree_add(0, (struct frame){.pc = 7}), inner = call_tree_add(outer, (struct frame){.pc = 8});
    assert_int_equal(call_tree_add(outer, (struct frame){.pc = 8}), inner);
    assert_int_not_equal(call_tree_add(0, (struct frame){.pc = 8}), inner);
    struct stack_id id = call_tree_stack(inner, CERTAIN);
    assert_int_equal(call_tree_stack(inner, CERTAIN).v, id.v);
    assert_int_equal(stacks_get(id)->depth, 2);
    assert_int_equal(stacks_get(id)->frames[0].pc, 8);
    assert_int_equal(call_tree_stack(0, CERTAIN).v, 0);
}

static uint32_t add_chain(uint32_t count, uintptr_t first_pc)
{
    uint32_t outer = 0;
    for (uint32_t i = 0; i < count; i++)
        outer = call_tree_add(outer, (struct frame){.pc = first_pc + i});
    return outer;
}

/* The tree is not small from here on. */
static void a_recursion_keeps_some_rounds(void **state)
{
    (void)state;
    uint32_t node = add_chain(CALL_TREE_MANY, 1000000), round[CALL_TREE_ROUNDS];
    for (uint32_t i = 0; i < CALL_TREE_ROUNDS; i++) {
        round[i] = node = call_tree_add(node, (struct frame){.pc = 1});
        assert_true(i == 0 || round[i] != round[i - 1]);
        node = call_tree_add(node, (struct frame){.pc = 2});
    }
    for (int i = 0; i < 2; i++) { /* the second time it is known */
        assert_int_equal(call_tree_add(node, (struct frame){.pc = 1}), round[CALL_TREE_ROUNDS - 1]);
        assert_int_equal(call_tree_add(round[CALL_TREE_ROUNDS - 1], (struct frame){.pc = 2}), node);
    }
}

/* The last one: the tree is large from here on. */
static void a_recursion_takes_no_more_nodes_in_a_large_tree(void **state)
{
    (void)state;
    uint32_t outer = add_chain(CALL_TREE_FOLDS, 1000);
    uint32_t one = call_tree_add(outer, (struct frame){.pc = 1}), two = call_tree_add(one, (struct frame){.pc = 2});
    assert_int_not_equal(one, outer);
    assert_int_not_equal(two, one);
    assert_int_equal(call_tree_add(two, (struct frame){.pc = 1}), one);
    assert_int_equal(call_tree_add(two, (struct frame){.pc = 2}), two);
    assert_int_not_equal(call_tree_add(two, (struct frame){.pc = 1, .exact = 1}), one);
    struct frame frames[CERTAIN];
    assert_int_equal(call_tree_frames(call_tree_add(one, (struct frame){.pc = 3}), frames, 3), 3);
    assert_int_equal(frames[0].pc, 3);
    assert_int_equal(frames[1].pc, 1);
    assert_int_equal(frames[2].pc, 1000 + CALL_TREE_FOLDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_has_one_stack),
        cmocka_unit_test(a_recursion_keeps_some_rounds),
        cmocka_unit_test(a_recursion_takes_no_more_nodes_in_a_large_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_stack_layout.c: stacks that were unwound once are found again, however many callers share one wrapper of a lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preload/stack_layout.h"

enum { WRAPPER = 0x1000, CALLERS = 0x2000, STACK_WORDS = 4096, SAME_DEPTH = 8, DEPTHS = 3000 };

static uintptr_t stack[STACK_WORDS];

static uintptr_t stack_end(void)
{
    return (uintptr_t)(stack + STACK_WORDS);
}

/* A stack of `words` words: the wrapper was called by `caller`, whose return address stands lowest. */
static uintptr_t lay_out(unsigned words, uintptr_t caller)
{
    uintptr_t *sp = stack + STACK_WORDS - words;
    *sp = caller;
    return (uintptr_t)sp;
}

static struct stack_id name_of(unsigned number)
{
    return (struct stack_id){.v = number};
}

static void add(unsigned words, uintptr_t caller, unsigned number)
{
    uintptr_t sp = lay_out(words, caller);
    struct unwound unwound = {.depth = 2, .exact = true};
    unwound.frames[0].pc = WRAPPER;
    unwound.frames[1].pc = caller;
    unwound.places[1] = sp;
    assert_non_null(stack_layout_add(WRAPPER, sp, stack_end(), &unwound, NULL, name_of(number)));
}

static void expect(unsigned words, uintptr_t caller, unsigned number)
{
    const struct stack_layout *found = stack_layout_find(WRAPPER, lay_out(words, caller), stack_end());
    assert_non_null(found);
    assert_int_equal(found->stack.v, number);
}

static void many_callers_at_one_depth(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SAME_DEPTH; i++)
        add(1, CALLERS + i, 1 + i);
    for (unsigned i = 0; i < SAME_DEPTH; i++)
        expect(1, CALLERS + i, 1 + i);
    assert_null(stack_layout_find(WRAPPER, lay_out(1, CALLERS + SAME_DEPTH), stack_end()));
}

/* The unwinder may find nobody who called, where a language's runtime enters its own code. */
static void no_frames_make_no_layout(void **state)
{
    (void)state;
    const struct unwound unwound = {.depth = 0, .exact = true};
    uintptr_t sp = lay_out(1, 0);
    assert_null(stack_layout_add(0, sp, stack_end(), &unwound, NULL, name_of(1)));
    assert_null(stack_layout_find(0, sp, stack_end()));
}

static void one_caller_at_many_depths(void **state)
{
    (void)state;
    for (unsigned i = 2; i < DEPTHS; i++)
        add(i, CALLERS + i, 1000 + i);
    for (unsigned i = 2; i < DEPTHS; i++)
        expect(i, CALLERS + i, 1000 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_callers_at_one_depth),
        cmocka_unit_test(no_frames_make_no_layout),
        cmocka_unit_test(one_caller_at_many_depths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

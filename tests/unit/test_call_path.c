/* test_call_path.c: a walk that takes over what stands of the one before tells the frames that a walk of its own would.
 *
 * Random calls and returns on a stack of words: the size of a function's frame and whether it saves RBP follow from the
 * return address, as they do from .eh_frame.  Few functions, so that frames of equal places and sizes follow each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "preload/call_path.h"
#include "preload/call_tree.h"

enum { WORD = 8, STACK_WORDS = 1 << 14, FUNCTIONS = 6, PLACES = 3, CERTAIN = 32, ROUNDS = 200000 };

/* ---- a machine with a stack ----------------------------------------------------------------------------------------- */

static uintptr_t stack[STACK_WORDS];
static uintptr_t sp, bp; /* of the function that runs */
static uintptr_t frame_ends[STACK_WORDS];
static unsigned depth;
static uintptr_t running; /* which function */

/* Return addresses count from 1; PLACES of them lie in each function. */
static uintptr_t function_of(uintptr_t pc)
{
    return (pc - 1) / PLACES;
}

static uintptr_t size_of(uintptr_t function)
{
    return (2 + function / 2) * WORD; /* two functions have each size */
}

static bool saves_bp(uintptr_t function)
{
    return function % 2 == 1;
}

static uintptr_t *word_at(uintptr_t address)
{
    return (uintptr_t *)address;
}

static void call(uintptr_t pc, uintptr_t callee)
{
    sp -= WORD;
    *word_at(sp) = pc;
    frame_ends[depth++] = sp + WORD;
    sp -= size_of(callee);
    running = callee;
    if (saves_bp(callee)) {
        *word_at(sp + size_of(callee) - WORD) = bp;
        bp = (uintptr_t)rand() % 4;
    }
}

static void ret(void)
{
    uintptr_t cfa = frame_ends[--depth];
    if (saves_bp(running))
        bp = *word_at(cfa - 2 * WORD);
    running = function_of(*word_at(cfa - WORD));
    sp = cfa;
}

/* From inside the function that `pc` lies in, whose frame is whole. */
static enum frame_step step(struct frame_walk *walk)
{
    uintptr_t function = function_of(walk->pc), cfa = walk->sp + size_of(function) + WORD;
    if (cfa > walk->extent.high)
        return FRAME_ENDED;
    walk->left = (uint32_t)function + 1;
    if (saves_bp(function))
        walk->bp = *word_at(cfa - 2 * WORD);
    walk->pc = *word_at(cfa - WORD);
    walk->sp = cfa;
    return walk->pc == 0 ? FRAME_ENDED : FRAME_STEPPED;
}

static struct frame_walk walk_from_here(void)
{
    return (struct frame_walk){.pc = running * PLACES + 1 + (uintptr_t)rand() % PLACES,
                               .sp = sp,
                               .bp = bp,
                               .extent.high = (uintptr_t)(stack + STACK_WORDS)};
}

static void begin(unsigned seed)
{
    srand(seed);
    sp = (uintptr_t)(stack + STACK_WORDS);
    depth = 0;
    bp = 0;
    call(0, 0);
}

/* ---- the tests ------------------------------------------------------------------------------------------------------ */

static unsigned steps;

static enum frame_step counted_step(struct frame_walk *walk)
{
    steps++;
    return step(walk);
}

static void take_and_compare(struct call_path *path)
{
    struct frame_walk walk = walk_from_here(), own = walk;
    struct frame frames[CERTAIN];
    uint32_t node = 0;
    assert_true(call_path_take(path, &walk, counted_step, CERTAIN, &node));
    uint32_t count = call_tree_frames(node, frames, CERTAIN);
    for (uint32_t i = 0; i < CERTAIN; i++) {
        if (i == count) {
            assert_int_equal(i, depth);
            break;
        }
        assert_int_equal(frames[i].pc, own.pc);
        assert_int_equal(frames[i].module, function_of(own.pc) + 1);
        if (step(&own) != FRAME_STEPPED) {
            assert_int_equal(count, i + 1);
            break;
        }
    }
}

static void run_at_random(unsigned deepest)
{
    static struct call_path path;
    path = (struct call_path){0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        /* Phases of descent and of return, so that all depths are seen. */
        bool calls = depth < 2 || (depth < deepest && rand() % 16 < (i / 1000 % 2 == 0 ? 9 : 7));
        if (calls)
            call(running * PLACES + 1 + (uintptr_t)rand() % PLACES, (uintptr_t)rand() % FUNCTIONS);
        else
            ret();
        if (rand() % 3 == 0)
            take_and_compare(&path);
    }
}

static void frames_are_those_of_a_whole_walk(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        print_message("seed %u\n", seed);
        begin(seed);
        run_at_random(seed == 1 ? 8 : seed == 2 ? 60 : 1000);
    }
}

static void what_stands_is_not_walked_again(void **state)
{
    (void)state;
    static struct call_path path;
    begin(1);
    for (int i = 0; i < 50; i++)
        call(running * PLACES + 1, 0);
    take_and_compare(&path);
    for (int i = 0; i < 10; i++) {
        call(running * PLACES + 1, 0);
        steps = 0;
        take_and_compare(&path);
        assert_in_range(steps, 0, 2);
        ret();
    }
}

static enum frame_step unable(struct frame_walk *walk)
{
    (void)walk;
    return FRAME_UNABLE;
}

static void a_walk_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    static struct call_path path;
    uint32_t node = 0;
    begin(1);
    call(1, 1);
    struct frame_walk walk = walk_from_here();
    assert_false(call_path_take(&path, &walk, unable, CERTAIN, &node));
    assert_int_equal(node, 0);
    assert_int_equal(path.depth, 0);
    take_and_compare(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_those_of_a_whole_walk),
        cmocka_unit_test(what_stands_is_not_walked_again),
        cmocka_unit_test(a_walk_that_fails_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

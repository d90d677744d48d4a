/* test_stack_standing.c: of the stacks of random calls and returns, those that stand are found, and no others, however few words
 * are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "preload/stack_layout.h"
#include "preload/stack_standing.h"

enum { STACK_WORDS = 256, DEPTH_MOST = 12, FUNCTIONS = 8, PLACES = 3, STEPS = 400000, LAYOUTS = 2000, CODE = 0x1000 };

static uintptr_t stack[STACK_WORDS];

/* A call that returns to `pc`, which is the caller's. */
static struct call {
    uintptr_t pc;
    unsigned callee;
    unsigned word; /* of the return address */
} calls[DEPTH_MOST];
static unsigned depth;
static uint64_t entered;

static uint64_t random_state = 88172645463325252u;

static unsigned random_below(unsigned most)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % most;
}

static uintptr_t place_of(unsigned i)
{
    return (uintptr_t)&stack[calls[i].word];
}

/* ---- the program ----------------------------------------------------------------------------------------------------- */

static bool tells(unsigned function)
{
    return function % 4 != 0;
}

static unsigned function_at(uintptr_t pc)
{
    return (unsigned)(pc - CODE) / PLACES;
}

/* Any function calls any, from one of its places; how large its frame is follows from what it is. */
static void call(void)
{
    unsigned caller = depth == 0 ? 0 : calls[depth - 1].callee, low = depth == 0 ? STACK_WORDS : calls[depth - 1].word;
    calls[depth] = (struct call){.pc = CODE + caller * PLACES + random_below(PLACES),
                                 .callee = random_below(FUNCTIONS),
                                 .word = low - 1 - caller % 3};
    stack[calls[depth].word] = calls[depth].pc;
    if (tells(calls[depth].callee) && place_of(depth) > entered)
        entered = place_of(depth);
    depth++;
}

/* ---- what is known --------------------------------------------------------------------------------------------------- */

/* A stack's number is that of the first with its return addresses. */
static uintptr_t numbered[LAYOUTS][DEPTH_MOST];
static unsigned numbers;

static uint32_t number_of(unsigned count)
{
    uintptr_t wanted[DEPTH_MOST] = {0};
    for (unsigned i = 0; i < count; i++)
        wanted[i] = calls[i].pc;
    for (unsigned n = 0; n < numbers; n++)
        if (memcmp(numbered[n], wanted, sizeof wanted) == 0)
            return n + 1;
    if (numbers == LAYOUTS)
        return 0;
    memcpy(numbered[numbers], wanted, sizeof wanted);
    return ++numbers;
}

static struct {
    const struct stack_layout *layout;
    uintptr_t sp;
} layouts[LAYOUTS];
static unsigned layout_count;

static uintptr_t present_sp(void)
{
    return place_of(depth - 1) + sizeof(uintptr_t);
}

/* As weave/entered.h tells it: by the place in the function that was called from there. */
static void add_layout(void)
{
    struct unwound unwound = {.depth = depth, .exact = true};
    uint32_t outside[DEPTH_MOST] = {0};
    for (unsigned i = 0; i < depth; i++) {
        unsigned number = depth - 1 - i;
        unwound.frames[i].pc = calls[number].pc;
        unwound.places[i] = place_of(number);
        outside[i] = i > 0 && tells(function_at(calls[number + 1].pc)) ? number_of(number + 1) : 0;
    }
    struct stack_id id = {number_of(depth)};
    const struct stack_layout *layout = id.v == 0
                                            ? NULL
                                            : stack_layout_add(calls[depth - 1].pc, present_sp(),
                                                               (uintptr_t)(stack + STACK_WORDS), &unwound, outside, id);
    if (layout != NULL) {
        layouts[layout_count].sp = present_sp();
        layouts[layout_count++].layout = layout;
    }
}

/* ---- the test -------------------------------------------------------------------------------------------------------- */

static void stacks_that_stand_are_found(void **state)
{
    (void)state;
    struct stack_standing standing = {.entered = &entered};
    unsigned found = 0, refused = 0, unseen = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        if (depth == 0 || (depth < DEPTH_MOST && random_below(2) == 0))
            call();
        else
            depth--;
        if (depth == 0 || random_below(3) != 0)
            continue;
        if (layout_count < LAYOUTS && random_below(8) == 0)
            add_layout();
        for (unsigned i = 0; i < layout_count; i++) {
            const struct stack_layout *layout = layouts[i].layout;
            if (layouts[i].sp != present_sp() || layout->pc != calls[depth - 1].pc)
                continue;
            uint32_t others = layout->others;
            unseen += others > 0 && stack_standing_has(&standing, others - 1, present_sp() + layout->places[0].distance,
                                                       layout->places[0].outside);
            bool stands = stack_standing_look(&standing, layout, present_sp());
            assert_int_equal(stands, layout->stack.v == number_of(depth));
            found += stands;
            refused += !stands;
            if (stands)
                stack_standing_found(&standing, others, present_sp(), layout->stack);
        }
    }
    assert_true(found > 1000 && refused > 1000 && unseen > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stacks_that_stand_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

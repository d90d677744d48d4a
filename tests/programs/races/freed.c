/* freed.c: one thread's atomic operation on a block, and another's free() of it.
 *
 *   PROGRAM CASE        the one has heard of the other: nothing may be reported
 *   PROGRAM CASE racy   it has not: one race, between first() and second()
 */
#include <stdatomic.h>

#include "chosen.h"

static struct object {
    long links[2]; /* of a block that is free */
    atomic_int count;
    atomic_int done;
    _Atomic long sum;
} * object;

/* ---- the last reference ------------------------------------------------------------------------------------------------ */

/* Racy: it takes it for granted that the other is done. */
static void count_first(void)
{
    atomic_fetch_sub(&object->count, 1);
}
static void count_second(void)
{
    if (racy || atomic_fetch_sub(&object->count, 1) == 1)
        free(object);
}

static void relaxed_first(void)
{
    atomic_fetch_add_explicit(&object->sum, 3, memory_order_relaxed);
    atomic_fetch_sub_explicit(&object->count, 1, memory_order_release);
}
static void relaxed_second(void)
{
    if (racy || atomic_fetch_sub_explicit(&object->count, 1, memory_order_relaxed) == 1) {
        atomic_thread_fence(memory_order_acquire);
        free(object);
    }
}

/* ---- a flag that says so ----------------------------------------------------------------------------------------------- */

static void flag_first(void)
{
    atomic_fetch_add(&object->sum, 3);
    atomic_store(&object->done, 1);
}
static void flag_second(void)
{
    while (!racy && atomic_load(&object->done) == 0)
        ;
    free(object);
}

/* Racy: what it has looked at is a flag of before. */
static void passed_first(void)
{
    if (racy)
        atomic_store(&object->done, 1);
    atomic_fetch_add(&object->sum, 3);
    if (!racy)
        atomic_store(&object->done, 1);
}
static void passed_second(void)
{
    while (atomic_load(&object->done) == 0)
        ;
    free(object);
}

/* ---- realloc() --------------------------------------------------------------------------------------------------------- */

static void resized_second(void)
{
    while (!racy && atomic_load(&object->done) == 0)
        ;
    free(realloc(object, 100000));
}

/* ---- the free comes first ---------------------------------------------------------------------------------------------- */

/* The block is one of those that atomic operations have met. */
static void early_first(void)
{
    struct object *mine = racy ? object : calloc(1, sizeof *mine);
    atomic_fetch_add(&mine->count, 1);
    free(mine);
}
static void early_second(void)
{
    atomic_fetch_add(&object->count, 1);
}

/* The block is one that they have not. */
static void fresh_first(void)
{
    struct object *mine = racy ? object : calloc(1, sizeof *mine);
    free(mine);
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"count", count_first, count_second},    {"relaxed", relaxed_first, relaxed_second},
    {"flag", flag_first, flag_second},       {"passed", passed_first, passed_second},
    {"resized", flag_first, resized_second}, {"early", early_first, early_second},
    {"fresh", fresh_first, early_second},
};

SIDES_OF(cases)

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    object = calloc(1, sizeof *object);
    if (object == NULL)
        return 2;
    atomic_init(&object->count, 2);
    return run_in_turn(first, second);
}

/* merged.c: stores at the end of two ways that a compiler makes one of, which then belongs to no line.  No line of this file is an atomic
 * operation.
 *
 *   PROGRAM CASE        under a lock: nothing may be reported
 *   PROGRAM CASE racy   without: one race, an error
 */
#include "chosen.h"

#define KEPT __attribute__((noinline))

int kind, seen; /* not static: a compiler cannot know who else looks there */
int *place;

KEPT static void store(int way, int value)
{
    if (way > 0) {
        kind = value * 3;
        *place = value;
    } else {
        kind = value - way;
        *place = value;
    }
}

KEPT static void store_first(void)
{
    enter_section();
    store(kind, 1);
    leave_section();
}

KEPT static void look_second(void)
{
    enter_section();
    int value = *place;
    leave_section();
    if (value > 0)
        seen = value;
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {{"two_ways", store_first, look_second}};

SIDES_OF(cases)

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    place = calloc(1, sizeof *place);
    return run_in_turn(first, second);
}

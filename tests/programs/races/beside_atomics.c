/* beside_atomics.c: plain moves by pointers, in a program whose one atomic variable is of another size.  <stdatomic.h> names atomic types of
 * all sizes; that nothing has one of this size tells the moves for plain.
 *
 *   PROGRAM CASE        under a lock: nothing may be reported
 *   PROGRAM CASE racy   without: one race, an error
 */
#include <stdatomic.h>
#include <stdint.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

_Atomic int seen;
void *block; /* not static: a compiler cannot know who else looks there */

/* What the second thread reads decides where it goes. */
#define CASE(type)                                                                                                     \
    KEPT static void store_##type(type *place)                                                                         \
    {                                                                                                                  \
        enter_section();                                                                                               \
        place[3] = 1;                                                                                                  \
        leave_section();                                                                                               \
    }                                                                                                                  \
    KEPT static void first_##type(void)                                                                                \
    {                                                                                                                  \
        store_##type(block);                                                                                           \
    }                                                                                                                  \
    KEPT static void look_##type(type *place)                                                                          \
    {                                                                                                                  \
        enter_section();                                                                                               \
        type value = place[3];                                                                                         \
        leave_section();                                                                                               \
        if (value > 0)                                                                                                 \
            seen = value;                                                                                              \
    }                                                                                                                  \
    KEPT static void second_##type(void)                                                                               \
    {                                                                                                                  \
        look_##type(block);                                                                                            \
    }
CASE(long)
CASE(short)
CASE(char)

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"long", first_long, second_long},
    {"short", first_short, second_short},
    {"char", first_char, second_char},
};

SIDES_OF(cases)

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    block = calloc(4, sizeof(long));
    return run_in_turn(first, second);
}

/* unobserved.c: atomic changes of which a thread sees nothing, as of a counter of events: that it came later it does not know, and may not
 * rely on.  In the clean form it looks.
 */
#include <stdatomic.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

atomic_int events; /* not static, as the next: a compiler cannot know who else looks there */
int value;

KEPT static void note_event(void)
{
    atomic_fetch_add(&events, 1);
}

KEPT static int count_event(void)
{
    return atomic_fetch_add(&events, 1);
}

KEPT static void set_bit(void)
{
    atomic_fetch_or(&events, 1);
}

KEPT static int set_and_look(void)
{
    return atomic_fetch_or(&events, 1);
}

#define PAIR(name, unseen, seen)                                                                                       \
    KEPT static void name##_first(void)                                                                                \
    {                                                                                                                  \
        value = 1;                                                                                                     \
        unseen();                                                                                                      \
    }                                                                                                                  \
    KEPT static void name##_second(void)                                                                               \
    {                                                                                                                  \
        if (racy)                                                                                                      \
            unseen();                                                                                                  \
        else if (seen() == 0)                                                                                          \
            return;                                                                                                    \
        value++;                                                                                                       \
    }
PAIR(add, note_event, count_event)
PAIR(bit, set_bit, set_and_look)

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"add", add_first, add_second},
    {"set_bit", bit_first, bit_second},
};

PROGRAM_OF(cases)

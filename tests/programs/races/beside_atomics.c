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

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
_Atomic int seen;
void *block; /* not static: a compiler cannot know who else looks there */

static void enter(void)
{
    if (!racy)
        pthread_mutex_lock(&mutex);
}
static void leave(void)
{
    if (!racy)
        pthread_mutex_unlock(&mutex);
}

/* What the second thread reads decides where it goes. */
#define CASE(type)                                                                                                     \
    KEPT static void store_##type(type *place)                                                                         \
    {                                                                                                                  \
        enter();                                                                                                       \
        place[3] = 1;                                                                                                  \
        leave();                                                                                                       \
    }                                                                                                                  \
    KEPT static void first_##type(void)                                                                                \
    {                                                                                                                  \
        store_##type(block);                                                                                           \
    }                                                                                                                  \
    KEPT static void look_##type(type *place)                                                                          \
    {                                                                                                                  \
        enter();                                                                                                       \
        type value = place[3];                                                                                         \
        leave();                                                                                                       \
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

KEPT static void first(void)
{
    cases[chosen].first();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    cases[chosen].second();
    __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    block = calloc(4, sizeof(long));
    return run_in_turn(first, second);
}

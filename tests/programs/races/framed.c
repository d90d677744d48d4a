/* framed.c: accesses under a function that finds its frame by RBP, from many places, of which each check may save another register: the
 * callers are found whatever that was.
 *
 *   PROGRAM CASE        under a lock: nothing may be reported
 *   PROGRAM CASE racy   without: one race, whose sides are called by first() and second()
 */
#include <alloca.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

int place; /* not static: a compiler cannot know who else looks there */
static volatile size_t room_size = 24;

/* At a return nobody knows which registers the caller has in use. */
#define TOUCHES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define TOUCH(i)                                                                                                       \
    KEPT static void touch_##i(void)                                                                                   \
    {                                                                                                                  \
        place += (i) + 1;                                                                                              \
        __asm__ volatile("" ::: "memory");                                                                             \
    }
TOUCHES(TOUCH)

#define TOUCH_CASE(i) {#i, touch_##i},
static const struct {
    const char *name;
    void (*touch)(void);
} cases[] = {TOUCHES(TOUCH_CASE)};

KEPT static void touch_under_a_frame(void (*touch)(void))
{
    volatile char *room = alloca(room_size);
    room[0] = 1;
    touch();
    room[1] = 1;
}

KEPT static void act(void)
{
    enter_section();
    touch_under_a_frame(cases[chosen].touch);
    leave_section();
}

KEPT static void first(void)
{
    act();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    act();
    __asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_in_turn(first, second);
}

/* annotations.c: dynamic annotations, in the form of races/pairs.c, made before there is a second thread or after it.
 *
 *   annotations CASE        the annotation is made: nothing may be reported
 *   annotations CASE racy   it is not: one race, between first() and second()
 */
#include "../races/chosen.h"

#define KEPT __attribute__((noinline))

static long place;

/* The library's, where it is there. */
__attribute__((weak)) void AnnotateBenignRaceSized(const char *file, int line, const volatile void *at, size_t size,
                                                   const char *why);

KEPT void first(void)
{
    *(long *volatile){&place} = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    *(long *volatile){&place} = 2;
    __asm__ volatile("" ::: "memory");
}

static void annotate(void)
{
    if (!racy && AnnotateBenignRaceSized)
        AnnotateBenignRaceSized(__FILE__, __LINE__, &place, sizeof place, "");
}

static void do_nothing(void)
{
}

static const struct {
    const char *name;
    void (*begin)(void), (*in_thread)(void);
} cases[] = {{"benign_before", annotate, do_nothing}, {"benign_in_thread", do_nothing, annotate}};

static void annotate_and_act(void)
{
    cases[chosen].in_thread();
    first();
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    cases[chosen].begin();
    return run_in_turn(annotate_and_act, second);
}

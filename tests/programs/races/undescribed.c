/* undescribed.c: a race in a program that has locks of its own in code without unwinding information, as a stripped program has that
 * was compiled without unwind tables.
 *
 *   undescribed CASE        each writes what is its own: nothing may be reported
 *   undescribed CASE racy   both write the same: one race, between first() and second(), as a warning
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include "chosen.h"

#define KEPT __attribute__((noinline))

static const struct {
    const char *name;
    bool takes_lock; /* the second one, before it acts */
} cases[] = {{"there", false}, {"called", true}};

void lock_take(int *lock);
void lock_give(int *lock);

#ifdef DESCRIBED
#define FUNCTION(name, size) ".type " name ", @function\n.size " name ", " size "\n" name ":\n\t"
#else
#define FUNCTION(name, size) name ":\n\t"
#endif

/* Without DESCRIBED nothing says where they are: labels have no size. */
__asm__(".text\n" FUNCTION("lock_take", "2f-lock_take") "movl $1, %ecx\n"
                                                        "1:\n\t"
                                                        "xorl %eax, %eax\n\t"
                                                        "lock cmpxchgl %ecx, (%rdi)\n\t"
                                                        "jne 1b\n\t"
                                                        "ret\n"
                                                        "2:\n" FUNCTION("lock_give",
                                                                        "3f-lock_give") "movl $0, (%rdi)\n\t"
                                                                                        "ret\n\t"
                                                                                        "3:\n\t"
                                                                                        ".fill 100, 1, 0x90\n");

static long places[2];
static int lock;

KEPT void first(void)
{
    *(long *volatile){&places[0]} = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second(void)
{
    *(long *volatile){&places[racy ? 0 : 1]} = 2;
    __asm__ volatile("" ::: "memory");
}

static void *run_first(void *arg)
{
    first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    if (cases[chosen].takes_lock) {
        lock_take(&lock);
        lock_give(&lock);
    }
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_both(run_first, run_second);
}

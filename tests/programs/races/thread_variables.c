/* thread_variables.c: thread-local variables whose address another thread has got, with a lock around both sides' accesses or, in
 * the racy form, none.
 */
#include <stdatomic.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static __thread long counter;
static __thread long row[8];
static __thread _Atomic long flag;
static volatile int index_of = 3;
static long *shown;
static _Atomic long *shown_flag;
long message; /* seen from elsewhere: none of its stores may be left out */

/* Of a place that another thread reaches: not kept in a register. */
static void forget(void)
{
    __asm__ volatile("" ::: "memory");
}

static void show_counter(void)
{
    shown = &counter;
}

static void show_row(void)
{
    shown = row + 3;
}

static void show_flag(void)
{
    shown_flag = &flag;
}

static const struct {
    const char *name;
    void (*show)(void);
} cases[] = {{"store", show_counter}, {"load", show_counter}, {"element", show_row}, {"hand_over", show_flag}};

KEPT static void change_own(void)
{
    switch (chosen) {
    case 0:
        counter = 1;
        break;
    case 1:
        __asm__ volatile("" : : "r"(counter));
        break;
    case 2:
        row[index_of] = 1;
        break;
    default:
        if (!racy)
            message = 1;
        atomic_store_explicit(&flag, 1, memory_order_release);
        if (racy)
            message = 1;
    }
    forget();
}

/* The first on the side of the thread whose variable it is. */
KEPT void first(void)
{
    enter_section();
    change_own();
    leave_section();
}

KEPT void second(void)
{
    if (chosen == 3) {
        if (atomic_load_explicit(shown_flag, memory_order_acquire) == 1)
            message = 2;
        return;
    }
    enter_section();
    *shown = 2;
    forget();
    leave_section();
}

static void *reach(void *arg)
{
    unseen_wait();
    second();
    return arg;
}

/* The other thread learns the address as it is made. */
static void *own(void *arg)
{
    pthread_t other;
    cases[chosen].show();
    pthread_create(&other, NULL, reach, NULL);
    first();
    unseen_pass();
    pthread_join(other, NULL);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    CHOOSE_CASE(argc, argv, cases);
    pthread_create(&thread, NULL, own, NULL);
    pthread_join(thread, NULL);
    return say_done();
}

/* made_code.c: a race in a program where code made at run time takes part.
 *
 *   made_code CASE        each writes what is its own: nothing may be reported
 *   made_code CASE racy   both write the same: one race, between first() and second(), as a warning
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <sys/mman.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static const struct {
    const char *name;
    bool is_called_at_race; /* else before, by the other thread */
} cases[] = {{"called_through", true}, {"called_before", false}};

static long places[2];
static void (*call)(void (*function)(void)); /* machine code */

/* push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret */
static void make_code(void)
{
    static const char code[] = "\x55\x48\x89\xe5\xff\xd7\x5d\xc3";
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(2);
    memcpy(memory, code, sizeof code - 1);
    memcpy(&call, &memory, sizeof memory);
}

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

/* Whatever takes a stack. */
KEPT static void take_lock(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void *run_first(void *arg)
{
    if (cases[chosen].is_called_at_race)
        call(first);
    else
        first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    if (!cases[chosen].is_called_at_race)
        call(take_lock);
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    make_code();
    return run_both(run_first, run_second);
}

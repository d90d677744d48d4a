/* moves.c: structures that hand over by the macros of moves.h, used correctly.  Nothing may be reported of any case; where code has
 * no debug information, nothing but warnings.
 *
 *   PROGRAM         prints the cases' names
 *   PROGRAM CASE    runs the case
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "moves.h"

enum { ROUNDS = 500, SLOTS = 64 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void run_two(void *(*first)(void *), void *(*second)(void *))
{
    pthread_t threads[2];
    must(pthread_create(&threads[0], NULL, first, NULL) == 0 && pthread_create(&threads[1], NULL, second, NULL) == 0);
    must(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
}

/* ---- a ring, by assembly ------------------------------------------------------------------------------------------------- */

static struct {
    unsigned taken;
    char apart[60];
    unsigned put;
    int slots[SLOTS];
} ring;

static void *produce(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        while (i - load_number(&ring.taken) == SLOTS)
            sched_yield();
        ring.slots[i % SLOTS] = (int)i;
        store_number(&ring.put, i + 1);
    }
    return arg;
}

static void *consume(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        while (load_number(&ring.put) == i)
            sched_yield();
        must(ring.slots[i % SLOTS] == (int)i);
        store_number(&ring.taken, i + 1);
    }
    return arg;
}

static void rings(void)
{
    run_two(produce, consume);
}

/* ---- a list that grows while it is read ----------------------------------------------------------------------------------- */

struct item {
    int number, twice;
    struct item *next;
};
static struct item *head;

static void *push(void *arg)
{
    for (int i = 1; i <= ROUNDS; i++) {
        struct item *item = malloc(sizeof *item);
        must(item != NULL);
        item->number = i;
        item->twice = 2 * i;
        item->next = head;
        set_shared(head, item);
        if (i % 16 == 0)
            sched_yield();
    }
    return arg;
}

static void *look(void *arg)
{
    int last = 0;
    while (last < ROUNDS) {
        struct item *item;
        int first = 0;
        for_each_shared(item, head)
        {
            must(item->twice == 2 * item->number);
            first = first ? first : item->number;
        }
        must(first >= last);
        last = first;
        sched_yield();
    }
    return arg;
}

static void lists(void)
{
    run_two(push, look);
}

/* ---- numbers that one thread writes, by moves of vector registers ---------------------------------------------------------- */

static _Atomic double gauge;
static _Atomic float level;

static void *measure(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store_explicit(&gauge, i * 0.5, memory_order_relaxed);
        atomic_store_explicit(&level, (float)i, memory_order_relaxed);
        atomic_store(&gauge, atomic_load(&gauge) + 1.0); /* clang: addsd from memory */
    }
    return arg;
}

static void *read_off(void *arg)
{
    double sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += atomic_load_explicit(&gauge, memory_order_relaxed) + (double)atomic_load(&level);
    must(sum >= 0);
    return arg;
}

static void gauges(void)
{
    run_two(measure, read_off);
}

/* ---- bits that one thread sets, each when something is done: clang makes one instruction of a load and a store ------------- */

enum { FIRST_BIT = 1, SECOND_BIT = 4 };

static atomic_uint done;
static int first_result, second_result;

static void *work(void *arg)
{
    first_result = 1;
    atomic_store_explicit(&done, atomic_load_explicit(&done, memory_order_relaxed) | FIRST_BIT, memory_order_release);
    second_result = 2;
    atomic_store_explicit(&done, atomic_load_explicit(&done, memory_order_relaxed) | SECOND_BIT, memory_order_release);
    return arg;
}

static void *collect(void *arg)
{
    unsigned seen = 0;
    while (seen != (FIRST_BIT | SECOND_BIT)) {
        unsigned more = atomic_load_explicit(&done, memory_order_acquire) & ~seen;
        must((more & FIRST_BIT) == 0 || first_result == 1);
        must((more & SECOND_BIT) == 0 || second_result == 2);
        seen |= more;
        sched_yield();
    }
    return arg;
}

static void bits(void)
{
    run_two(work, collect);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"rings", rings}, {"lists", lists}, {"gauges", gauges}, {"bits", bits}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc < 2)
            puts(cases[i].name);
        else if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    if (argc >= 2)
        puts("done");
    return 0;
}

/* hidden.c: two accesses that the order of two critical sections kept apart in this run, for --races=hybrid.
 *
 *   hidden CASE        the first section hands something over to the second: nothing may be reported
 *   hidden CASE racy   both only count under the lock: the accesses, outside of it, could meet in another run
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accesses.h"
#include "unseen.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other_mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static bool is_ready;
static int references = 2;

static struct node {
    struct node *next;
    long *value;
} * queue;

KEPT static void count(void)
{
    pthread_mutex_lock(&mutex);
    __asm__ volatile("incq %0" : "+m"(counter) : : "cc"); /* what an optimising compiler makes of counter++ */
    pthread_mutex_unlock(&mutex);
}

static void flag_first(void)
{
    pthread_mutex_lock(&mutex);
    is_ready = true;
    pthread_mutex_unlock(&mutex);
}

static void flag_second(void)
{
    pthread_mutex_lock(&mutex);
    bool seen = is_ready;
    pthread_mutex_unlock(&mutex);
    if (!seen)
        exit(3);
}

static void queue_first(void)
{
    struct node *node = malloc(sizeof *node);
    node->value = cell;
    pthread_mutex_lock(&mutex);
    node->next = queue;
    queue = node;
    pthread_mutex_unlock(&mutex);
}

static void queue_second(void)
{
    pthread_mutex_lock(&mutex);
    struct node *node = queue;
    queue = node->next;
    pthread_mutex_unlock(&mutex);
    cell = node->value;
    free(node);
}

static void reference_drop(void)
{
    pthread_mutex_lock(&mutex);
    bool is_last = --references == 0;
    pthread_mutex_unlock(&mutex);
    if (is_last)
        references = -1;
}

/* The first still looks at the flag, the second takes the place away from whoever looks later. */
static void stop_first(void)
{
    pthread_mutex_lock(&mutex);
    if (!is_ready)
        first();
    pthread_mutex_unlock(&mutex);
}

static void stop_second(void)
{
    pthread_mutex_lock(&mutex);
    is_ready = true;
    pthread_mutex_unlock(&mutex);
}

static void nested_first(void)
{
    pthread_mutex_lock(&other_mutex);
    flag_first();
    pthread_mutex_unlock(&other_mutex);
}

static const struct test_case {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"flag", flag_first, flag_second},
    {"queue", queue_first, queue_second},
    {"reference", reference_drop, reference_drop},
    {"stop", stop_first, stop_second},
    {"nested", nested_first, flag_second},
};
enum { CASES = sizeof cases / sizeof *cases };

static void *run_first(void *argument)
{
    const struct test_case *test = argument;
    first();
    if (racy)
        count();
    else
        test->first();
    unseen_pass();
    return NULL;
}

static void *run_second(void *argument)
{
    const struct test_case *test = argument;
    unseen_wait();
    if (racy)
        count();
    else
        test->second();
    second();
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        for (int i = 0; i < CASES; i++)
            puts(cases[i].name);
        return 0;
    }
    int i = 0;
    while (i < CASES - 1 && strcmp(cases[i].name, argv[1]) != 0)
        i++;
    racy = argc > 2;
    unseen_open();
    pthread_t one, two;
    pthread_create(&two, NULL, run_second, (void *)&cases[i]);
    pthread_create(&one, NULL, run_first, (void *)&cases[i]);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    puts("done");
    return 0;
}

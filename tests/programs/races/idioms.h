/* idioms.h: what the programs of idioms share: threads, and the frame of cases.
 *
 *   PROGRAM         prints the cases' names
 *   PROGRAM CASE    runs the case
 */
#ifndef RACES_IDIOMS_H
#define RACES_IDIOMS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unseen.h"

enum { THREADS = 4, ROUNDS = 500 };

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline void run_two(void *(*first)(void *), void *(*second)(void *))
{
    pthread_t threads[2];
    must(pthread_create(&threads[0], NULL, first, NULL) == 0 && pthread_create(&threads[1], NULL, second, NULL) == 0);
    must(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
}

static inline void run_many(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0);
}

struct idiom {
    const char *name;
    void (*run)(void);
};

/* Returns: main()'s status. */
static inline int run_idiom(int argc, char **argv, const struct idiom *cases, size_t count)
{
    must(unseen_open() == 0);
    for (size_t i = 0; i < count; i++) {
        if (argc < 2) {
            puts(cases[i].name);
        } else if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            puts("done");
        }
    }
    return 0;
}

#endif

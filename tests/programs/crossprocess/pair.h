/* pair.h: two processes and two locks that both know, for the programs of this folder.
 *
 * Each side nests the two locks once.  In "bug" the second side takes them the other way round; in "ok" it does not.
 * Nothing hangs: the sides take turns by a number in shared memory, which no tool can see and which so orders nothing.
 */
#ifndef LOCKHOUND_TESTS_PAIR_H
#define LOCKHOUND_TESTS_PAIR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_US = 1000 };

static inline void check(bool is_good, const char *what)
{
    if (!is_good) {
        perror(what);
        exit(1);
    }
}

static inline void *map_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
    return memory;
}

static inline void wait_until(const atomic_int *stage, int reached)
{
    while (atomic_load(stage) < reached)
        usleep(LOOK_US);
}

/* Runs side(0) and side(1) in a child each, the second when the first has finished or, `at_once`, beside it, and waits
 * for both.  Each stays until both have finished. */
static inline void run_both(void (*side)(int number), bool at_once)
{
    atomic_int *finished = map_shared(sizeof *finished);
    for (int number = 0; number < 2; number++) {
        fflush(stdout);
        pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            wait_until(finished, at_once ? 0 : number);
            side(number);
            atomic_fetch_add(finished, 1);
            wait_until(finished, 2);
            exit(0);
        }
    }
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    printf("%s\n", failed == 0 ? "both ended well" : "a side failed");
}

#endif

/* cancel_anywhere.c: threads cancelled asynchronously wherever they are; what they leave behind works on, and every one of them
 * cleans up.  Compiled with -fexceptions, so that clean-up comes by unwinding. */
#include "show.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { ROUNDS = 400, CELLS = 1 << 14 };

static atomic_long shared[64];
static long cells[2][CELLS];
static atomic_int started, cleaned;

static void compute(int which, unsigned long turn);
static void (*volatile compute_now)(int, unsigned long) = compute;

static void clean(int *unused)
{
    (void)unused;
    cleaned++;
}

/* Nothing of libc's: only computing may be cancelled so. */
__attribute__((noinline)) static void compute(int which, unsigned long turn)
{
    for (unsigned long i = 0; i < 64; i++)
        shared[(turn + i) % 64]++;
    for (unsigned long i = 0; i < CELLS; i += 8)
        cells[which][(turn * 509 + i) % CELLS] += (long)i;
}

__attribute__((noinline)) static void compute_for_ever(int which)
{
    __attribute__((cleanup(clean))) int unused = 0;
    (void)unused;
    started++;
    for (unsigned long turn = 0;; turn++)
        compute_now(which, turn);
}

static void *run(void *which)
{
    int old;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    compute_for_ever(which != NULL);
    return NULL;
}

int main(void)
{
    int cancelled = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[2];
        started = 0;
        for (int i = 0; i < 2; i++)
            MUST(pthread_create(&threads[i], NULL, run, i == 0 ? NULL : &cells) == 0);
        while (started < 2)
            sched_yield();
        struct timespec while_ = {0, round % 50 * 4000};
        nanosleep(&while_, NULL);
        for (int i = 0; i < 2; i++) {
            void *result = NULL;
            MUST(pthread_cancel(threads[i]) == 0);
            MUST(pthread_join(threads[i], &result) == 0);
            cancelled += result == PTHREAD_CANCELED;
        }
    }
    /* Alone, too, a few are between two calls then, where the compiler sees nothing to clean up. */
    printf("%d cancelled, %s cleaned up\n", cancelled, cleaned > cancelled * 9 / 10 ? "nearly all" : "too few");
    return 0;
}

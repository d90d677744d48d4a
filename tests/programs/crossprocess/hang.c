/* hang.c alone|threads: two processes, each holding what the other waits for, hang for ever.
 *
 *   alone:   each has one thread: nothing can ever run again, and both are ended
 *   threads: one of them has a second thread, which after a while ends both: the hang is reported, not ended
 */
#include <pthread.h>
#include <signal.h>

#include "pair.h"

enum { LONG_US = 1500000 }; /* in which the hang is found and reported */

static struct shared {
    pthread_mutex_t locks[2];
    pid_t sides[2];
    atomic_int holding;
} * shared;
static bool has_threads;

static void *end_both(void *unused)
{
    (void)unused;
    usleep(LONG_US);
    kill(shared->sides[0], SIGKILL);
    kill(shared->sides[1], SIGKILL);
    return NULL;
}

__attribute__((noinline)) static void side(int number)
{
    pthread_t helper;
    shared->sides[number] = getpid();
    if (has_threads && number == 1)
        pthread_create(&helper, NULL, end_both, NULL);
    pthread_mutex_lock(&shared->locks[number]);
    atomic_fetch_add(&shared->holding, 1);
    wait_until(&shared->holding, 2);
    pthread_mutex_lock(&shared->locks[1 - number]);
}

int main(int argc, char **argv)
{
    pthread_mutexattr_t attributes;
    check(argc == 2, "arguments");
    has_threads = strcmp(argv[1], "threads") == 0;
    shared = map_shared(sizeof *shared);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    for (int i = 0; i < 2; i++)
        pthread_mutex_init(&shared->locks[i], &attributes);
    run_both(side, true);
    return 0;
}

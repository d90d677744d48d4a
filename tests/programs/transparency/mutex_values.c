/* mutex_values.c: what every mutex call returns in each case that POSIX or glibc tells apart, and that errno is kept.
 */
#include "show.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex;

static void make(int type, int robustness, int protocol)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, type);
    pthread_mutexattr_setrobust(&kind, robustness);
    pthread_mutexattr_setprotocol(&kind, protocol);
    SHOW(pthread_mutex_init(&mutex, &kind));
    pthread_mutexattr_destroy(&kind);
}

static void *ask_while_held(void *unused)
{
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5), past = {0, 0}, wrong = {0, 1000000000};
    struct timespec monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    SHOW(pthread_mutex_trylock(&mutex));
    SHOW(pthread_mutex_timedlock(&mutex, &soon));
    SHOW(pthread_mutex_timedlock(&mutex, &past));
    SHOW(pthread_mutex_timedlock(&mutex, &wrong));
    SHOW(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic));
    SHOW(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &monotonic));
    return unused;
}

static void ask_in_other_thread(void *(*ask)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, ask, NULL);
    pthread_join(thread, NULL);
}

static void *unlock_stranger(void *unused)
{
    SHOW(pthread_mutex_unlock(&mutex));
    return unused;
}

static void normal_life(const char *name, int type, int robustness, int protocol)
{
    printf("-- %s\n", name);
    make(type, robustness, protocol);
    SHOW(pthread_mutex_lock(&mutex));
    ask_in_other_thread(ask_while_held);
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_trylock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 1000);
    SHOW(pthread_mutex_timedlock(&mutex, &soon));
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_destroy(&mutex));
}

static void relocking(void)
{
    puts("-- locking again");
    make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_trylock(&mutex));
    ask_in_other_thread(unlock_stranger);
    SHOW(pthread_mutex_destroy(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_destroy(&mutex));

    make(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_trylock(&mutex));
    ask_in_other_thread(unlock_stranger);
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_destroy(&mutex));
}

static void *die_holding(void *unused)
{
    SHOW(pthread_mutex_lock(&mutex));
    return unused;
}

static void *die_soon(void *holding)
{
    pthread_mutex_lock(&mutex);
    sem_post(holding);
    usleep(20000);
    return NULL;
}

static void owner_dies_meanwhile(void)
{
    pthread_t thread;
    sem_t holding;
    sem_init(&holding, 0, 0);
    pthread_create(&thread, NULL, die_soon, &holding);
    sem_wait(&holding);
    SHOW(pthread_mutex_lock(&mutex));
    pthread_join(thread, NULL);
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
}

static void not_held(void)
{
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec monotonic = time_after_ms(CLOCK_MONOTONIC, 5);
    puts("-- not held");
    make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    SHOW(pthread_cond_wait(&condition, &mutex));
    SHOW(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &monotonic));
    SHOW(pthread_mutex_destroy(&mutex));
}

static void owner_dies(void)
{
    puts("-- the owner dies");
    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    owner_dies_meanwhile();
    ask_in_other_thread(die_holding);
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    ask_in_other_thread(die_holding);
    SHOW(pthread_mutex_trylock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_trylock(&mutex));
    SHOW(pthread_mutex_destroy(&mutex));
}

static void owner_process_dies(void)
{
    puts("-- the owner's process dies");
    pthread_mutex_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    SHOW(pthread_mutex_init(shared, &kind));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(shared);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    SHOW(pthread_mutex_lock(shared));
    SHOW(pthread_mutex_consistent(shared));
    SHOW(pthread_mutex_unlock(shared));
    SHOW(pthread_mutex_destroy(shared));
}

static void ceilings(void)
{
    int ceiling = -1;
    puts("-- priority ceiling");
    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    SHOW(pthread_mutex_getprioceiling(&mutex, &ceiling));
    SHOW(pthread_mutex_setprioceiling(&mutex, 1, &ceiling));
    SHOW(pthread_mutex_destroy(&mutex));
}

int main(void)
{
    normal_life("normal", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    normal_life("recursive", PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    normal_life("errorcheck", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    normal_life("adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    normal_life("robust", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    normal_life("inheriting", PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    normal_life("robust and inheriting", PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
    relocking();
    not_held();
    owner_dies();
    owner_process_dies();
    ceilings();
    return 0;
}

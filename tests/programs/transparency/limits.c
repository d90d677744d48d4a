/* limits.c: a small stack, two thousand short threads, few descriptors, little address space. */
#include "show.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int count;

static void *work(void *unused)
{
    pthread_rwlock_rdlock(&rwlock);
    pthread_mutex_lock(&mutex);
    count++;
    pthread_mutex_unlock(&mutex);
    pthread_rwlock_unlock(&rwlock);
    return unused;
}

static void small_stacks(void)
{
    pthread_attr_t attributes;
    pthread_t threads[8];
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN)); /* 16 KiB */
    for (int i = 0; i < 8; i++)
        SHOW(pthread_create(&threads[i], &attributes, work, NULL));
    for (int i = 0; i < 8; i++)
        SHOW(pthread_join(threads[i], NULL));
    pthread_attr_destroy(&attributes);
}

static void own_stack(void)
{
    static _Alignas(64) char stack[32 * 1024];
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setstack(&attributes, stack, sizeof stack));
    for (int i = 0; i < 4; i++) {
        SHOW(pthread_create(&thread, &attributes, work, NULL));
        SHOW(pthread_join(thread, NULL));
    }
    pthread_attr_destroy(&attributes);
}

static void many_threads(void)
{
    pthread_t threads[20];
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 20; i++)
            MUST(pthread_create(&threads[i], NULL, work, NULL) == 0);
        for (int i = 0; i < 20; i++)
            MUST(pthread_join(threads[i], NULL) == 0);
    }
}

static void detached_threads(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int begin = count;
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        while (pthread_create(&thread, &attributes, work, NULL) == EAGAIN)
            sched_yield();
    }
    for (int now = 0; now < begin + 200; sched_yield()) {
        pthread_mutex_lock(&mutex);
        now = count;
        pthread_mutex_unlock(&mutex);
    }
    pthread_attr_destroy(&attributes);
}

/* Where the machine does not let it, neither way. */
static int reserve_and_return(size_t size)
{
    void *reserved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return reserved == MAP_FAILED ? 0 : munmap(reserved, size);
}

/* Sizes of which a walk over every page would never end; and such as the kernel refuses. */
static void vast_ranges(void)
{
    const size_t vast = (size_t)1 << 44;
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED);
    for (int i = 0; i < 20; i++)
        SHOW(reserve_and_return(vast));
    SHOW(munmap(page, SIZE_MAX / 4));
    SHOW(munmap(page + 1, 4096));
    SHOW(munmap(page, 0));
    SHOW(munmap(page, 8192));
}

int main(void)
{
    struct rlimit few = {16, 16};
    small_stacks();
    own_stack();
    many_threads();
    vast_ranges();
    MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
    detached_threads();
    printf("%d threads\n", count);
    return 0;
}

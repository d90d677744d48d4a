#include "parallel_world.h"

#include <stdlib.h>
#include <string.h>

struct parallel_world parallel;

static const struct stack_id here = {1};
static pthread_mutex_t rank_lock[RANK_COUNT];

static void *host_alloc(void *ctx, size_t size)
{
    (void)ctx;
    size_t rounded = (size + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, rounded);
    return memory == NULL ? NULL : memset(memory, 0, rounded);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx, (void)size;
    free(memory);
}

static void host_enter(void *ctx, enum rank rank)
{
    (void)ctx;
    pthread_mutex_lock(&rank_lock[rank]);
}

static void host_leave(void *ctx, enum rank rank)
{
    (void)ctx;
    pthread_mutex_unlock(&rank_lock[rank]);
}

static void host_report(void *ctx, const struct finding *finding)
{
    (void)ctx;
    atomic_fetch_add(&parallel.found[finding->kind], 1);
    atomic_fetch_add(&parallel.found_any, 1);
}

static uint64_t host_now_ns(void *ctx)
{
    (void)ctx;
    return 0;
}

static bool host_all_asleep(void *ctx)
{
    (void)ctx;
    return atomic_load(&parallel.os_agrees);
}

static const struct detector_host host = {
    .alloc = host_alloc,
    .free = host_free,
    .enter = host_enter,
    .leave = host_leave,
    .report = host_report,
    .now_ns = host_now_ns,
    .all_asleep = host_all_asleep,
};

void parallel_world_start(const struct detector_options *options)
{
    for (int i = 0; i < RANK_COUNT; i++)
        pthread_mutex_init(&rank_lock[i], NULL);
    for (int i = 0; i < FINDING_COUNT; i++)
        atomic_store(&parallel.found[i], 0);
    atomic_store(&parallel.found_any, 0);
    atomic_store(&parallel.os_agrees, true);
    parallel.d = detector_new(&host, options);
    for (int i = 0; i <= PARALLEL_THREADS; i++) {
        parallel.thread[i] = host_alloc(NULL, thread_size());
        detector_thread_create(parallel.d, parallel.thread[i], i == 0 ? NULL : parallel.thread[0], true, here);
        detector_thread_start(parallel.d, parallel.thread[i]);
    }
    for (uint64_t i = 0; i < PARALLEL_LOCKS; i++) {
        struct object_traits traits = {0};
        parallel.mutex[i] = object_init(parallel.d, parallel.thread[0], OBJECT_MUTEX, 0x1000 + 64 * i, &traits, here);
        pthread_mutex_init(&parallel.real_mutex[i], NULL);
    }
}

void parallel_world_forget_threads(void)
{
    for (int i = 0; i <= PARALLEL_THREADS; i++) {
        detector_thread_forget(parallel.d, parallel.thread[i]);
        free(parallel.thread[i]);
    }
}

void parallel_world_stop(void)
{
    detector_delete(parallel.d);
}

void parallel_world_run(void *(*body)(void *arg), void *const *args, int count)
{
    pthread_t real[PARALLEL_THREADS];
    for (int i = 0; i < count; i++)
        if (pthread_create(&real[i], NULL, body, args[i]) != 0)
            abort();
    for (int i = 0; i < count; i++)
        pthread_join(real[i], NULL);
}

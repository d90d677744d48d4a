/* c11_threads.c: the threads, locks, conditions and thread-specific storage of C11. */
#include "show.h"
#include <stdatomic.h>
#include <threads.h>

static mtx_t plain, timed, recursive;
static cnd_t condition;
static once_flag once = ONCE_FLAG_INIT;
static tss_t key;
static int is_set, once_runs;
static atomic_int destroyed;

static void run_once(void)
{
    once_runs++;
}

static void destroy(void *value)
{
    mtx_lock(&plain);
    destroyed += *(int *)value;
    mtx_unlock(&plain);
}

static int worker(void *argument)
{
    call_once(&once, run_once);
    tss_set(key, argument);
    mtx_lock(&plain);
    while (!is_set)
        cnd_wait(&condition, &plain);
    mtx_unlock(&plain);
    if (*(int *)argument == 2)
        thrd_exit(20);
    return 10;
}

static int ask(void *unused)
{
    (void)unused;
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5);
    SHOW(mtx_trylock(&plain));
    SHOW(mtx_timedlock(&timed, &soon));
    SHOW(mtx_trylock(&recursive));
    return 0;
}

int main(void)
{
    thrd_t threads[2];
    int values[2] = {1, 2}, results[2] = {0, 0};
    SHOW(mtx_init(&plain, mtx_plain));
    SHOW(mtx_init(&timed, mtx_timed));
    SHOW(mtx_init(&recursive, mtx_plain | mtx_recursive));
    SHOW(cnd_init(&condition));
    SHOW(tss_create(&key, destroy));
    for (int i = 0; i < 2; i++)
        SHOW(thrd_create(&threads[i], worker, &values[i]));
    mtx_lock(&plain);
    is_set = 1;
    SHOW(cnd_broadcast(&condition));
    mtx_unlock(&plain);
    for (int i = 0; i < 2; i++)
        SHOW(thrd_join(threads[i], &results[i]));
    printf("results %d %d, once %d, destroyed %d\n", results[0], results[1], once_runs, destroyed);

    SHOW(mtx_lock(&plain));
    SHOW(mtx_lock(&timed));
    SHOW(mtx_lock(&recursive));
    SHOW(mtx_lock(&recursive));
    thrd_create(&threads[0], ask, NULL);
    thrd_join(threads[0], NULL);
    SHOW(mtx_unlock(&recursive));
    SHOW(mtx_unlock(&recursive));
    SHOW(mtx_unlock(&timed));
    struct timespec soon = time_after_ms(CLOCK_REALTIME, 5);
    SHOW(cnd_timedwait(&condition, &plain, &soon));
    SHOW(cnd_signal(&condition));
    SHOW(mtx_unlock(&plain));
    mtx_destroy(&plain);
    mtx_destroy(&timed);
    mtx_destroy(&recursive);
    cnd_destroy(&condition);
    tss_delete(key);
    return 0;
}

/* expect: none */
/* Queues of every kind between two producers and two consumers, and a thread pool with futures, waits and a map. */
#include <lhp/executor.h>
#include <lhp/queue.h>
#include <lhp/thread.h>

#include "twin.h"

enum { ITEMS = 5000 };

static int compare(const void *a, const void *b)
{
    return (a > b) - (a < b);
}

static int produce(void *arg)
{
    for (long i = 1; i <= ITEMS; i++)
        must(lhp_queue_put(arg, (void *)i) == LHP_OK);
    return 0;
}

static int consume(void *arg)
{
    void *item;
    while (lhp_queue_get(arg, &item) == LHP_OK)
        lhp_queue_task_done(arg);
    return 0;
}

static struct lhp_thread *start(int (*fn)(void *), void *arg)
{
    struct lhp_thread *t = lhp_thread_new(fn, arg, NULL);
    must(t && lhp_thread_start(t) == LHP_OK);
    return t;
}

static void finish(struct lhp_thread *t)
{
    lhp_thread_join(t);
    lhp_thread_release(t);
}

static void use_queue(enum lhp_queue_kind kind, size_t limit)
{
    struct lhp_queue q;
    struct lhp_thread *producers[2], *consumers[2];
    must(lhp_queue_init(&q, kind, limit, kind == LHP_QUEUE_PRIORITY ? compare : NULL, NULL) == LHP_OK);
    for (int i = 0; i < 2; i++) {
        producers[i] = start(produce, &q);
        consumers[i] = start(consume, &q);
    }
    for (int i = 0; i < 2; i++)
        finish(producers[i]);
    lhp_queue_join(&q);
    lhp_queue_shutdown(&q, false);
    for (int i = 0; i < 2; i++)
        finish(consumers[i]);
    lhp_queue_destroy(&q);
}

static int twice(void *arg, void **result)
{
    *result = (void *)(2 * (long)arg);
    return 0;
}

static void use_executor(void)
{
    enum { TASKS = 100 };
    struct lhp_executor *e = lhp_executor_new(&(struct lhp_executor_options){.max_workers = 3});
    struct lhp_future *futures[TASKS], *done;
    void *items[TASKS], *result;
    struct lhp_map *map;
    must(e != NULL);
    for (long i = 0; i < TASKS; i++) {
        items[i] = (void *)i;
        must(lhp_executor_submit(e, twice, items[i], &futures[i]) == LHP_OK);
    }
    struct lhp_as_completed *it = lhp_as_completed_new(futures, TASKS, LHP_FOREVER);
    must(it != NULL);
    while (lhp_as_completed_next(it, &done) == LHP_OK)
        must(lhp_future_done(done));
    lhp_as_completed_release(it);
    must(lhp_executor_map(e, twice, items, TASKS, 7, &map) == LHP_OK);
    for (long i = 0; lhp_map_next(map, &result) == LHP_OK; i++)
        must((long)result == 2 * i);
    lhp_map_release(map);
    lhp_executor_delete(e);
    for (int i = 0; i < TASKS; i++)
        lhp_future_release(futures[i]);
}

int main(void)
{
    use_queue(LHP_QUEUE_FIFO, 0);
    use_queue(LHP_QUEUE_FIFO, 3);
    use_queue(LHP_QUEUE_LIFO, 10);
    use_queue(LHP_QUEUE_PRIORITY, 10);
    use_executor();
    return 0;
}

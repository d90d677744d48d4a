/* expect: none */
/* Generators and tasks in two threads at once, each thread with its own, which share a counter under a lock that no task
 * holds across a switch; and three threads under a global interpreter lock.
 */
#include <lhp/coroutine.h>
#include <lhp/gil.h>
#include <lhp/lock.h>
#include <lhp/thread.h>

#include "twin.h"

static struct lhp_lock lock;
static struct lhp_gil gil;
static long total, steps;

static void *numbers(struct lhp_generator *self, void *arg)
{
    for (long i = 1; i <= 100; i++)
        if (lhp_yield(self, (void *)i, NULL) != LHP_OK)
            return NULL;
    return arg;
}

static void task(struct lhp_scheduler *scheduler, void *arg)
{
    struct lhp_generator *g = lhp_generator_new(numbers, NULL, 0);
    void *n;
    (void)arg;
    must(g != NULL);
    while (lhp_generator_next(g, &n) == LHP_OK) {
        lhp_lock_acquire(&lock);
        total += (long)n;
        lhp_lock_release(&lock);
        lhp_task_yield(scheduler);
    }
    lhp_generator_release(g);
}

static int run_tasks(void *arg)
{
    struct lhp_scheduler *s = lhp_scheduler_new();
    must(s != NULL);
    for (int i = 0; i < 3; i++)
        must(lhp_scheduler_spawn(s, task, arg) == LHP_OK);
    lhp_scheduler_run(s);
    lhp_scheduler_release(s);
    return 0;
}

static int interpret(void *arg)
{
    (void)arg;
    lhp_gil_acquire(&gil);
    for (int i = 0; i < 200000; i++) {
        steps++;
        lhp_gil_check(&gil);
    }
    lhp_gil_release(&gil);
    return 0;
}

static void run_threads(int (*fn)(void *), int count)
{
    struct lhp_thread *threads[3];
    for (int i = 0; i < count; i++)
        must((threads[i] = lhp_thread_new(fn, NULL, NULL)) && lhp_thread_start(threads[i]) == LHP_OK);
    for (int i = 0; i < count; i++) {
        lhp_thread_join(threads[i]);
        lhp_thread_release(threads[i]);
    }
}

int main(void)
{
    lhp_lock_init(&lock);
    lhp_gil_init(&gil, LHP_MS(1));
    run_threads(run_tasks, 2);
    run_threads(interpret, 3);
    must(total == 2 * 3 * 5050 && steps == 600000);
    lhp_gil_destroy(&gil);
    lhp_lock_destroy(&lock);
    return 0;
}

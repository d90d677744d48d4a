/* tour.c: the library in one page: a pipeline of threads, a thread pool, a process pool and a generator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lhp/coroutine.h>
#include <lhp/executor.h>
#include <lhp/process_pool.h>
#include <lhp/queue.h>
#include <lhp/thread.h>

static struct lhp_queue words;

static int shout(void *arg)
{
    void *word;
    (void)arg;
    while (lhp_queue_get(&words, &word) == LHP_OK) {
        printf("%s!\n", (const char *)word);
        lhp_queue_task_done(&words);
    }
    return 0;
}

static bool show_queue(void)
{
    static char *const text[] = {"lock", "queue", "barrier"};
    struct lhp_thread *reader = lhp_thread_new(shout, NULL, &(struct lhp_thread_options){.name = "reader"});
    if (!reader || lhp_queue_init(&words, LHP_QUEUE_FIFO, 2, NULL, NULL) != LHP_OK ||
        lhp_thread_start(reader) != LHP_OK)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (lhp_queue_put(&words, text[i]) != LHP_OK)
            return false;
    lhp_queue_join(&words);
    lhp_queue_shutdown(&words, false);
    lhp_thread_join(reader);
    lhp_thread_release(reader);
    lhp_queue_destroy(&words);
    return true;
}

static int length(void *arg, void **result)
{
    *result = (void *)strlen(arg);
    return 0;
}

static bool show_executor(void)
{
    void *items[] = {"one", "three", "seventeen"}, *result;
    struct lhp_executor *pool = lhp_executor_new(NULL);
    struct lhp_map *map;
    if (!pool || lhp_executor_map(pool, length, items, 3, 1, &map) != LHP_OK)
        return false;
    while (lhp_map_next(map, &result) == LHP_OK)
        printf("%zu letters\n", (size_t)result);
    lhp_map_release(map);
    lhp_executor_delete(pool);
    return true;
}

static int reverse(const void *argument, size_t size, void **result, size_t *result_size)
{
    char *text = malloc(size);
    if (!text)
        return 1;
    for (size_t i = 0; i < size; i++)
        text[i] = ((const char *)argument)[size - 1 - i];
    *result = text;
    *result_size = size;
    return 0;
}

static bool show_processes(void)
{
    struct lhp_future *future;
    void *result;
    if (lhp_process_function("reverse", reverse) != LHP_OK)
        return false;
    struct lhp_process_pool *pool = lhp_process_pool_new(&(struct lhp_process_pool_options){.workers = 2});
    if (!pool || lhp_process_pool_submit(pool, "reverse", "stressed", 8, &future) != LHP_OK ||
        lhp_future_result(future, &result) != LHP_OK)
        return false;
    const struct lhp_bytes *bytes = result;
    printf("%.*s\n", (int)bytes->size, (const char *)bytes->data);
    lhp_future_release(future);
    lhp_process_pool_delete(pool);
    return true;
}

static void *fibonacci(struct lhp_generator *self, void *arg)
{
    uintptr_t a = 0, b = 1;
    (void)arg;
    while (lhp_yield(self, (void *)a, NULL) == LHP_OK) {
        uintptr_t sum = a + b;
        a = b;
        b = sum;
    }
    return NULL;
}

static bool show_generator(void)
{
    struct lhp_generator *g = lhp_generator_new(fibonacci, NULL, 0);
    void *value;
    for (int i = 0; g && i < 10 && lhp_generator_next(g, &value) == LHP_OK; i++)
        printf("%zu%c", (size_t)value, i < 9 ? ' ' : '\n');
    if (g)
        lhp_generator_release(g);
    return g != NULL;
}

int main(void)
{
    return show_queue() && show_executor() && show_processes() && show_generator() ? 0 : 1;
}

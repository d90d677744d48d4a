#include "pool_worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FUNCTIONS = 256, MAX_NAME = 64 };

static struct {
    pthread_mutex_t mutex;
    unsigned count;
    struct {
        char name[MAX_NAME];
        lhp_process_task *fn;
    } functions[MAX_FUNCTIONS];
} registered = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int find_locked(const char *name)
{
    for (unsigned i = 0; i < registered.count; i++)
        if (strcmp(registered.functions[i].name, name) == 0)
            return (int)i;
    return -1;
}

int lhp_pool_find_function(const char *name)
{
    pthread_mutex_lock(&registered.mutex);
    int found = find_locked(name);
    pthread_mutex_unlock(&registered.mutex);
    return found;
}

int lhp_pool_function_count(void)
{
    pthread_mutex_lock(&registered.mutex);
    unsigned count = registered.count;
    pthread_mutex_unlock(&registered.mutex);
    return (int)count;
}

enum lhp_status lhp_process_function(const char *name, lhp_process_task *fn)
{
    if (strlen(name) >= MAX_NAME)
        return LHP_INVALID;
    enum lhp_status status = LHP_OK;
    pthread_mutex_lock(&registered.mutex);
    int at = find_locked(name);
    if (at < 0 && registered.count == MAX_FUNCTIONS) {
        status = LHP_OVER_BOUND;
    } else if (at < 0) {
        at = (int)registered.count++;
        memcpy(registered.functions[at].name, name, strlen(name) + 1);
    }
    if (status == LHP_OK)
        registered.functions[at].fn = fn;
    pthread_mutex_unlock(&registered.mutex);
    return status;
}

static enum lhp_status worker_answer(struct lhp_connection *c, uint64_t id, int error, const void *result, size_t size)
{
    unsigned char *message = malloc(sizeof(struct pool_answer) + size);
    if (!message)
        return LHP_NO_MEMORY;
    struct pool_answer head = {.id = id, .error = error};
    memcpy(message, &head, sizeof(head));
    if (size)
        memcpy(message + sizeof(head), result, size);
    enum lhp_status status = lhp_connection_send(c, message, sizeof(head) + size);
    free(message);
    return status;
}

static enum lhp_status worker_run(struct lhp_connection *c, const unsigned char *message, size_t size)
{
    struct pool_request head;
    memcpy(&head, message, sizeof(head));
    void *result = NULL;
    size_t result_size = 0;
    /* Only this thread exists in the worker, so the table is read without its mutex, which a thread of the parent may
     * have held at the fork. */
    lhp_process_task *fn = registered.functions[head.function].fn;
    int error = fn(message + sizeof(head), size - sizeof(head), &result, &result_size);
    enum lhp_status status = worker_answer(c, head.id, error, result, result ? result_size : 0);
    free(result);
    return status;
}

int lhp_pool_worker_body(void *arg)
{
    struct pool_worker_start *start = arg;
    for (unsigned i = 0; i < start->count; i++)
        lhp_connection_close(&start->parents_ends[i]);
    if (start->initializer && start->initializer(start->initializer_arg) != 0)
        return 1;
    enum lhp_status status = worker_answer(&start->connection, 0, 0, NULL, 0);
    while (status == LHP_OK) {
        void *message;
        size_t size;
        status = lhp_connection_recv_new(&start->connection, &message, &size);
        if (status != LHP_OK || size < sizeof(struct pool_request)) {
            free(message);
            return 0;
        }
        status = worker_run(&start->connection, message, size);
        free(message);
    }
    return 1;
}

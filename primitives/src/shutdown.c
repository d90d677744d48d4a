#include "shutdown.h"

#include <lhp/thread.h>

#include <stdlib.h>

struct shutdown_call {
    void (*fn)(void *arg);
    void *arg;
    struct shutdown_call *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct shutdown_call *calls;

enum lhp_status lhp_thread_at_shutdown(void (*fn)(void *arg), void *arg)
{
    struct shutdown_call *call = malloc(sizeof(*call));
    if (!call)
        return LHP_NO_MEMORY;
    call->fn = fn;
    call->arg = arg;
    pthread_mutex_lock(&mutex);
    call->next = calls;
    calls = call;
    pthread_mutex_unlock(&mutex);
    return LHP_OK;
}

static struct shutdown_call *shutdown_take_call(void)
{
    pthread_mutex_lock(&mutex);
    struct shutdown_call *call = calls;
    if (call)
        calls = call->next;
    pthread_mutex_unlock(&mutex);
    return call;
}

void lhp_shutdown_run_calls(void)
{
    struct shutdown_call *call;
    while ((call = shutdown_take_call())) {
        call->fn(call->arg);
        free(call);
    }
}

void lhp_shutdown_forget_calls(void)
{
    mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* whoever held it is not there */
    for (struct shutdown_call *next; calls; calls = next) {
        next = calls->next;
        free(calls);
    }
}

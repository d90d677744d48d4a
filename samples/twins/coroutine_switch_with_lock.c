/* expect: deadlock form=self */
/* Coroutine: one yields with a mutex held, and the next in the same thread wants it. */
#include <ucontext.h>

#include "twin.h"

static ucontext_t turns[2];
static char stack[64 * 1024];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void task(void)
{
    pthread_mutex_lock(&mutex);
    swapcontext(&turns[1], &turns[0]);
    pthread_mutex_unlock(&mutex);
}

int main(void)
{
    getcontext(&turns[1]);
    turns[1].uc_stack.ss_sp = stack;
    turns[1].uc_stack.ss_size = sizeof(stack);
    turns[1].uc_link = &turns[0];
    makecontext(&turns[1], task, 0);
    swapcontext(&turns[0], &turns[1]);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}

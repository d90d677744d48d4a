/* expect: destroy-locked */
/* Coroutine: dropped in the middle of its body; the lock it held is destroyed with it. */
#include <ucontext.h>

#include "twin.h"

static ucontext_t turns[2];
static char stack[64 * 1024];
static pthread_mutex_t mutex;

static void task(void)
{
    pthread_mutex_lock(&mutex);
    swapcontext(&turns[1], &turns[0]);
    pthread_mutex_unlock(&mutex);
}

int main(void)
{
    pthread_mutex_init(&mutex, NULL);
    getcontext(&turns[1]);
    turns[1].uc_stack.ss_sp = stack;
    turns[1].uc_stack.ss_size = sizeof(stack);
    turns[1].uc_link = &turns[0];
    makecontext(&turns[1], task, 0);
    swapcontext(&turns[0], &turns[1]);
    pthread_mutex_destroy(&mutex);
    return 0;
}

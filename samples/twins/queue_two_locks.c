/* expect: lock-order-inversion */
/* Queue: put locks the tail and then the head to see whether it is full, get the head and then the tail. */
#include "twin.h"

static pthread_mutex_t head = PTHREAD_MUTEX_INITIALIZER, tail = PTHREAD_MUTEX_INITIALIZER;
static unsigned put_count, get_count;

static void *put(void *arg)
{
    pthread_mutex_lock(&tail);
    pthread_mutex_lock(&head);
    put_count++;
    pthread_mutex_unlock(&head);
    pthread_mutex_unlock(&tail);
    stage_set(1);
    return arg;
}

static void *get(void *arg)
{
    stage_wait(1);
    pthread_mutex_lock(&head);
    pthread_mutex_lock(&tail);
    get_count++;
    pthread_mutex_unlock(&tail);
    pthread_mutex_unlock(&head);
    return arg;
}

int main(void)
{
    run_two(put, get);
    return 0;
}

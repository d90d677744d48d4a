/* expect: lock-order-inversion */
/* across: processes */
/* Shared Queue: the putting process locks the tail and then the head, the getting one the head and then the tail. */
#include "shared.h"

struct queue {
    pthread_mutex_t head, tail;
    unsigned put_count, got_count;
};

static void get(void *arg)
{
    struct queue *q = arg;
    stage_wait(1);
    pthread_mutex_lock(&q->head);
    pthread_mutex_lock(&q->tail);
    q->got_count++;
    pthread_mutex_unlock(&q->tail);
    pthread_mutex_unlock(&q->head);
}

int main(void)
{
    struct queue *q = shared_memory(sizeof(*q));
    shared_mutex_init(&q->head);
    shared_mutex_init(&q->tail);
    pid_t getter = shared_child(get, q);
    pthread_mutex_lock(&q->tail);
    pthread_mutex_lock(&q->head);
    q->put_count++;
    pthread_mutex_unlock(&q->head);
    pthread_mutex_unlock(&q->tail);
    stage_set(1);
    shared_child_end(getter);
    return 0;
}

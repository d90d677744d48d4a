/* expect: deadlock form=all-asleep */
/* LIFO queue: a push signals only when the stack was empty, so of two getters that wait only one is told of two items. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static int items[2], top, waiting;

static void *get(void *arg)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    stage_set(waiting);
    while (top == 0)
        pthread_cond_wait(&not_empty, &mutex);
    top--;
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    pthread_t first = spawn(get, NULL), second = spawn(get, NULL);
    stage_wait(2);
    pthread_mutex_lock(&mutex); /* got once both wait */
    for (int i = 0; i < 2; i++) {
        items[top] = i;
        if (top++ == 0)
            pthread_cond_signal(&not_empty);
    }
    pthread_mutex_unlock(&mutex);
    join(first);
    join(second);
    return 0;
}

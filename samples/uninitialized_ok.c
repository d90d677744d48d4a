/* expect: none */
/* A mutex on the heap is initialised before its first use and destroyed before its memory goes.  The bug is in
 * uninitialized_bug.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counter {
    pthread_mutex_t lock;
    long value;
};

static void counter_add(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    counter->value++;
    pthread_mutex_unlock(&counter->lock);
}

int main(void)
{
    struct counter *counter = malloc(sizeof *counter);
    if (!counter)
        return 1;
    memset(counter, 0xab, sizeof *counter); /* what the last user of this memory left */
    counter->value = 0;
    pthread_mutex_init(&counter->lock, NULL);
    counter_add(counter);
    printf("value %ld\n", counter->value);
    pthread_mutex_destroy(&counter->lock);
    free(counter);
    return 0;
}

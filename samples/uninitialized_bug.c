/* expect: use-uninitialized|invalid-object at=counter_add@use */
/* The memory of a mutex that was never initialised holds whatever was there before.  Mended in uninitialized_ok.c. */
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
    pthread_mutex_lock(&counter->lock); /* @use */
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
    counter_add(counter);
    printf("value %ld\n", counter->value);
    free(counter);
    return 0;
}

/* expect: needs-weaving */
/* Priority queue: the smallest item is looked at without the lock while another thread lets an item rise. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int heap[1024], size;

static void *put(void *arg)
{
    for (int i = 1000; i > 0; i--) {
        pthread_mutex_lock(&mutex);
        int at = size++;
        for (; at > 0 && heap[(at - 1) / 2] > i; at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
        heap[at] = i;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void *peek(void *arg)
{
    long sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += *(volatile int *)&heap[0];
    must(sum >= 0);
    return arg;
}

int main(void)
{
    run_two(put, peek);
    return 0;
}

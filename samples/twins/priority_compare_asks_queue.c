/* expect: deadlock form=self */
/* Priority queue: the comparison, called with the queue locked, asks the queue for its size. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int heap[8] = {3, 1}, size = 2;

static int queue_size(void)
{
    pthread_mutex_lock(&mutex);
    int n = size;
    pthread_mutex_unlock(&mutex);
    return n;
}

static int compare(int a, int b)
{
    return queue_size() > 1 ? a - b : 0;
}

int main(void)
{
    pthread_mutex_lock(&mutex);
    int first = compare(heap[0], heap[1]) < 0 ? heap[0] : heap[1];
    pthread_mutex_unlock(&mutex);
    printf("%d\n", first);
    return 0;
}

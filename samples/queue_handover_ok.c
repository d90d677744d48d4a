/* expect: none */
/* The consumer takes the locks in the opposite order, but only after the queue has handed it what the producer made
 * with them, so the two can never meet.  That holds also when the consumer comes late, finds the item there and need
 * not wait: here it always comes late.
 */
#include "stage.h"
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t frame = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t parts = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static bool has_item;

static void *producer(void *unused)
{
    pthread_mutex_lock(&frame);
    pthread_mutex_lock(&parts);
    pthread_mutex_unlock(&parts);
    pthread_mutex_unlock(&frame);

    pthread_mutex_lock(&queue);
    has_item = true;
    pthread_cond_signal(&queue_filled);
    pthread_mutex_unlock(&queue);
    stage_advance();
    return unused;
}

static void *consumer(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&queue);
    while (!has_item)
        pthread_cond_wait(&queue_filled, &queue);
    puts("item taken");
    pthread_mutex_unlock(&queue);

    pthread_mutex_lock(&parts);
    pthread_mutex_lock(&frame);
    pthread_mutex_unlock(&frame);
    pthread_mutex_unlock(&parts);
    return unused;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, producer, NULL);
    pthread_create(&b, NULL, consumer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}

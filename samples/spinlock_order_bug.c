/* expect: lock-order-inversion at=enqueue@stats_second at=reset@queue_second */
/* Spin locks have the same orders as mutexes, and a circle of them hangs worse: both processors burn.  Mended in
 * spinlock_order_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_spinlock_t queue, stats;
static int queued, total;

static void *enqueue(void *unused)
{
    pthread_spin_lock(&queue);
    queued++;
    pthread_spin_lock(&stats); /* @stats_second */
    total++;
    pthread_spin_unlock(&stats);
    pthread_spin_unlock(&queue);
    stage_advance();
    return unused;
}

static void *reset(void *unused)
{
    stage_await(1);
    pthread_spin_lock(&stats);
    total = 0;
    pthread_spin_lock(&queue); /* @queue_second */
    queued = 0;
    pthread_spin_unlock(&queue);
    pthread_spin_unlock(&stats);
    return unused;
}

int main(void)
{
    pthread_spin_init(&queue, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_init(&stats, PTHREAD_PROCESS_PRIVATE);
    pthread_t a, b;
    pthread_create(&a, NULL, enqueue, NULL);
    pthread_create(&b, NULL, reset, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_spin_destroy(&queue);
    pthread_spin_destroy(&stats);
    printf("%d of %d\n", queued, total);
    return 0;
}

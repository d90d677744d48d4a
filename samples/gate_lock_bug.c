/* expect: lock-order-inversion at=report@stock_after_orders at=audit@orders_after_stock */
/* Two locks are taken in both orders, guarded by a third one, the gate: whoever wants both enters the gate first, so
 * the opposite orders can never meet.  But the audit forgot the gate, and meets the report.  Mended in gate_lock_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t orders = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t stock = PTHREAD_MUTEX_INITIALIZER;

static void *report(void *unused)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_lock(&orders);
    pthread_mutex_lock(&stock); /* @stock_after_orders */
    pthread_mutex_unlock(&stock);
    pthread_mutex_unlock(&orders);
    pthread_mutex_unlock(&gate);
    stage_advance();
    return unused;
}

static void *restock(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&gate);
    pthread_mutex_lock(&stock);
    pthread_mutex_lock(&orders);
    pthread_mutex_unlock(&orders);
    pthread_mutex_unlock(&stock);
    pthread_mutex_unlock(&gate);
    stage_advance();
    return unused;
}

static void *audit(void *unused)
{
    stage_await(2);
    pthread_mutex_lock(&stock);
    pthread_mutex_lock(&orders); /* @orders_after_stock */
    pthread_mutex_unlock(&orders);
    pthread_mutex_unlock(&stock);
    return unused;
}

int main(void)
{
    void *(*jobs[])(void *) = {report, restock, audit};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, jobs[i], NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("the books are balanced");
    return 0;
}

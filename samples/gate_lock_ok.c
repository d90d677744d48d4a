/* expect: none */
/* Opposite orders that can never meet: every path that takes both locks holds the gate.  A checker that looks at pairs
 * of locks alone would complain here.  The bug is in gate_lock_bug.c.
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
    pthread_mutex_lock(&stock);
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
    pthread_mutex_lock(&gate);
    pthread_mutex_lock(&stock);
    pthread_mutex_lock(&orders);
    pthread_mutex_unlock(&orders);
    pthread_mutex_unlock(&stock);
    pthread_mutex_unlock(&gate);
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

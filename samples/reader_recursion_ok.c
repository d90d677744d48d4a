/* expect: none */
/* The inner function expects the lock to be held and says so in its name; nobody takes a read lock twice.  The bug is
 * in reader_recursion_bug.c.
 */
#define _GNU_SOURCE 1
#include "stage.h"
#include <pthread.h>

static pthread_rwlock_t prices = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_int writer_tid;
static int apples = 3, pears = 4;

static int price_sum_locked(void)
{
    return apples + pears;
}

static void *print_total(void *unused)
{
    pthread_rwlock_rdlock(&prices);
    stage_advance();
    stage_await_asleep(&writer_tid);
    printf("total %d\n", price_sum_locked());
    pthread_rwlock_unlock(&prices);
    return unused;
}

static void *update(void *unused)
{
    stage_await(1);
    stage_announce(&writer_tid);
    pthread_rwlock_wrlock(&prices);
    apples++;
    pthread_rwlock_unlock(&prices);
    return unused;
}

int main(void)
{
    pthread_t printer, updater;
    pthread_create(&printer, NULL, print_total, NULL);
    pthread_create(&updater, NULL, update, NULL);
    pthread_join(printer, NULL);
    pthread_join(updater, NULL);
    return 0;
}

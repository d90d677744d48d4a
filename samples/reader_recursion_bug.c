/* expect: deadlock form=self at=price_sum@read_again at=update@write */
/* A reader calls a function that takes the same read lock again.  That works until a writer comes in between: this lock
 * prefers writers, so the second read lock queues behind the writer, who waits for the first one.  Mended in
 * reader_recursion_ok.c.
 */
#define _GNU_SOURCE 1
#include "stage.h"
#include <pthread.h>

static pthread_rwlock_t prices = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_int writer_tid;
static int apples = 3, pears = 4;

static int price_sum(void)
{
    pthread_rwlock_rdlock(&prices); /* @read_again */
    int sum = apples + pears;
    pthread_rwlock_unlock(&prices);
    return sum;
}

static void *print_total(void *unused)
{
    pthread_rwlock_rdlock(&prices);
    stage_advance();
    stage_await_asleep(&writer_tid);
    printf("total %d\n", price_sum());
    pthread_rwlock_unlock(&prices);
    return unused;
}

static void *update(void *unused)
{
    stage_await(1);
    stage_announce(&writer_tid);
    pthread_rwlock_wrlock(&prices); /* @write */
    apples++;
    pthread_rwlock_unlock(&prices);
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_t printer, updater;
    pthread_create(&printer, NULL, print_total, NULL);
    pthread_create(&updater, NULL, update, NULL);
    pthread_join(printer, NULL);
    pthread_join(updater, NULL);
    return 0;
}

/* miss: a lock made of an atomic word and raw futex calls makes no call at all while nobody contends, so that nothing sees it
 * taken; only the program's own loads and stores could show it. */
/* expect: lock-order-inversion at=take@first at=give@second */
#include "../../../samples/stage.h"
#include <linux/futex.h>
#include <pthread.h>

static atomic_int here, there;

static void lock(atomic_int *word)
{
    int seen = 0;
    if (atomic_compare_exchange_strong(word, &seen, 1))
        return;
    while (atomic_exchange(word, 2) != 0)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock(atomic_int *word)
{
    if (atomic_exchange(word, 0) == 2)
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *take(void *unused)
{
    lock(&here);
    lock(&there); /* @first */
    unlock(&there);
    unlock(&here);
    stage_advance();
    return unused;
}

static void *give(void *unused)
{
    stage_await(1);
    lock(&there);
    lock(&here); /* @second */
    unlock(&here);
    unlock(&there);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, take, NULL);
    pthread_create(&threads[1], NULL, give, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

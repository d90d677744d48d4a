/* expect: none */
/* Every sale is counted under the lock; the last look comes after both tills have ended.  The bug is in race_counter_bug.c. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sold;

__attribute__((noinline)) static void sell(void)
{
    pthread_mutex_lock(&lock);
    sold++;
    pthread_mutex_unlock(&lock);
}

static void *till(void *unused)
{
    for (int i = 0; i < 1000; i++)
        sell();
    return unused;
}

int main(void)
{
    pthread_t tills[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&tills[i], NULL, till, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(tills[i], NULL);
    puts(sold > 0 ? "sold out" : "nothing sold");
    return 0;
}

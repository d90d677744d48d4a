/* expect: none */
/* The waiter leaves itself out.  The bug is in join_self_bug.c. */
#include <pthread.h>
#include <stdio.h>

static void *work(void *unused)
{
    return unused;
}

static void wait_for(const pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        if (!pthread_equal(threads[i], pthread_self()))
            pthread_join(threads[i], NULL);
}

int main(void)
{
    pthread_t threads[2] = {pthread_self()};
    pthread_create(&threads[1], NULL, work, NULL);
    wait_for(threads, 2);
    puts("all others have finished");
    return 0;
}

/* expect: join-self at=wait_for@join */
/* A list of threads to wait for that contains the waiter.  glibc answers EDEADLK, if anybody looks.  Mended in
 * join_self_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static void *work(void *unused)
{
    return unused;
}

static void wait_for(const pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL); /* @join */
}

int main(void)
{
    pthread_t threads[2] = {pthread_self()};
    pthread_create(&threads[1], NULL, work, NULL);
    wait_for(threads, 2);
    puts("all others have finished");
    return 0;
}

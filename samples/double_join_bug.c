/* expect: double-join at=main@second_join */
/* The second join names a thread that no longer exists; its number may by then belong to another.  Mended in
 * double_join_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static void *work(void *unused)
{
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    pthread_join(thread, NULL); /* @second_join */
    puts("joined");
    return 0;
}

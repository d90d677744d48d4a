/* expect: none */
/* Each thread is joined once.  The bug is in double_join_bug.c. */
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
    puts("joined");
    return 0;
}

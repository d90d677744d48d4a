/* expect: none */
/* Detached once, by its creator.  The bug is in double_detach_bug.c. */
#include "stage.h"
#include <pthread.h>

static void *work(void *unused)
{
    stage_await(1);
    stage_advance();
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_detach(thread);
    stage_advance();
    stage_await(2);
    puts("detached");
    return 0;
}

/* expect: double-detach at=main@second_detach */
/* The thread is created detached and then detached once more.  The identifier of a detached thread may be gone at any
 * time. Mended in double_detach_ok.c.
 */
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
    pthread_detach(thread); /* @second_detach */
    stage_advance();
    stage_await(2);
    puts("detached");
    return 0;
}

/* expect: none */
/* Nobody wants the result, so the thread is created detached and gives back all it has when it ends.  The bug is in
 * thread_leak_bug.c.
 */
#include "stage.h"
#include <pthread.h>

static atomic_int served_tid;

static void *serve(void *unused)
{
    stage_announce(&served_tid);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &attributes, serve, NULL);
    pthread_attr_destroy(&attributes);
    while (served_tid == 0 || stage_thread_state(served_tid) != '?') /* until it has ended */
        sched_yield();
    puts("served");
    return 0;
}

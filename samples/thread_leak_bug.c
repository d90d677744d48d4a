/* expect: thread-leak */
/* A thread that is neither joined nor detached keeps its stack until the process ends.  A server that makes one for
 * each request runs out of memory or threads.  Mended in thread_leak_ok.c.
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
    pthread_create(&thread, &attributes, serve, NULL);
    pthread_attr_destroy(&attributes);
    while (served_tid == 0 || stage_thread_state(served_tid) != '?') /* until it has ended */
        sched_yield();
    puts("served");
    return 0;
}

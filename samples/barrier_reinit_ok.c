/* expect: none */
/* The barrier is used as it was made; it may be destroyed and made anew when all have left it.  The bug is in
 * barrier_reinit_bug.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_barrier_t barrier;
static atomic_int early_tid;

static void *early(void *unused)
{
    stage_announce(&early_tid);
    pthread_barrier_wait(&barrier);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, early, NULL);
    stage_await_asleep(&early_tid);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
    pthread_barrier_init(&barrier, NULL, 3);
    pthread_barrier_destroy(&barrier);
    puts("ready for three");
    return 0;
}

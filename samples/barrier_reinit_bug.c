/* expect: barrier-misuse at=main@reinit */
/* Somebody waits at the barrier and main makes it anew for more parties.  The one who waits is forgotten: the new count
 * starts at nobody.  Mended in barrier_reinit_ok.c.
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
    pthread_barrier_init(&barrier, NULL, 3); /* @reinit */
    puts("ready for three");
    return 0;
}

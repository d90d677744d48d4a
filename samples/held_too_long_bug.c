/* options: --checks=default,lock-held-too-long --lock-held-ms=100 */
/* expect: lock-held-too-long at=render@lock */
/* A quarter of a second of work inside a critical section that could have been outside.  How long is too long depends
 * on the program, so this check must be asked for.  Mended in held_too_long_ok.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t picture_lock = PTHREAD_MUTEX_INITIALIZER;
static int picture;

static int long_work(void)
{
    struct timespec duration = {0, 250 * 1000 * 1000};
    nanosleep(&duration, NULL);
    return 42;
}

static void render(void)
{
    pthread_mutex_lock(&picture_lock); /* @lock */
    picture = long_work();
    pthread_mutex_unlock(&picture_lock);
    printf("picture %d\n", picture);
}

int main(void)
{
    render();
    return 0;
}

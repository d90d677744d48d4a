/* options: --checks=default,lock-held-too-long --lock-held-ms=5000 */
/* expect: none */
/* The long work is done without the lock; only its result is stored under it.  The bug is in held_too_long_bug.c. */
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
    int result = long_work();
    pthread_mutex_lock(&picture_lock);
    picture = result;
    pthread_mutex_unlock(&picture_lock);
    printf("picture %d\n", picture);
}

int main(void)
{
    render();
    return 0;
}

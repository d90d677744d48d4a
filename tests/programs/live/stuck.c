/* stuck.c: threads that block each other for ever, one that waits for a condition, one that sleeps; says "ready" and waits
 * to be killed, or to be told by a line on its input that it may print "alive" and leave.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t both;

static void *take_left(void *argument)
{
    pthread_mutex_lock(&left);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&right);
    return argument;
}

static void *take_right(void *argument)
{
    pthread_mutex_lock(&right);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&left);
    return argument;
}

static void *wait_for_work(void *argument)
{
    pthread_mutex_lock(&guard);
    for (;;)
        pthread_cond_wait(&work, &guard);
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    char line[16];
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&threads[0], NULL, take_left, NULL);
    pthread_create(&threads[1], NULL, take_right, NULL);
    pthread_create(&threads[2], NULL, wait_for_work, NULL);
    pthread_setname_np(threads[2], "worker");
    puts("ready");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        pause();
    puts("alive");
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}

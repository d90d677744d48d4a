/* expect: lock-order-inversion at=reader@parse_after_read at=parser@write_after_parse at=writer@read_after_write */
/* Three stages of a pipeline, three locks.  No two stages take the same pair in opposite orders, so looking at pairs
 * finds nothing wrong; but read -> parse -> write -> read is a circle, and three threads can stand in it.  Mended in
 * three_lock_ring_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t read_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t parse_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static void *reader(void *unused)
{
    pthread_mutex_lock(&read_lock);
    pthread_mutex_lock(&parse_lock); /* @parse_after_read */
    pthread_mutex_unlock(&parse_lock);
    pthread_mutex_unlock(&read_lock);
    stage_advance();
    return unused;
}

static void *parser(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&parse_lock);
    pthread_mutex_lock(&write_lock); /* @write_after_parse */
    pthread_mutex_unlock(&write_lock);
    pthread_mutex_unlock(&parse_lock);
    stage_advance();
    return unused;
}

static void *writer(void *unused)
{
    stage_await(2);
    pthread_mutex_lock(&write_lock);
    pthread_mutex_lock(&read_lock); /* @read_after_write */
    pthread_mutex_unlock(&read_lock);
    pthread_mutex_unlock(&write_lock);
    return unused;
}

int main(void)
{
    void *(*stages[])(void *) = {reader, parser, writer};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, stages[i], NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("one line went through");
    return 0;
}

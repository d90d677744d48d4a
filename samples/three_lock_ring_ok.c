/* expect: none */
/* The pipeline of three_lock_ring_bug.c with one order for all, read before parse before write. */
#include "stage.h"
#include <pthread.h>

static pthread_mutex_t read_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t parse_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static void *reader(void *unused)
{
    pthread_mutex_lock(&read_lock);
    pthread_mutex_lock(&parse_lock);
    pthread_mutex_unlock(&parse_lock);
    pthread_mutex_unlock(&read_lock);
    stage_advance();
    return unused;
}

static void *parser(void *unused)
{
    stage_await(1);
    pthread_mutex_lock(&parse_lock);
    pthread_mutex_lock(&write_lock);
    pthread_mutex_unlock(&write_lock);
    pthread_mutex_unlock(&parse_lock);
    stage_advance();
    return unused;
}

static void *writer(void *unused)
{
    stage_await(2);
    pthread_mutex_lock(&read_lock);
    pthread_mutex_lock(&write_lock);
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

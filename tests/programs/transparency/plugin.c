/* plugin.c: a library whose constructor locks and starts a thread, and whose destructor stops it. */
#include <pthread.h>
#include <stdio.h>

int plugin_count(void);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static int stage, count;

static void *run(void *unused)
{
    pthread_mutex_lock(&mutex);
    stage = 1;
    pthread_cond_signal(&condition);
    while (stage < 2)
        pthread_cond_wait(&condition, &mutex);
    count++;
    pthread_mutex_unlock(&mutex);
    return unused;
}

__attribute__((constructor)) static void load(void)
{
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, run, NULL);
    while (stage < 1)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    puts("plugin loaded");
}

__attribute__((destructor)) static void unload(void)
{
    pthread_mutex_lock(&mutex);
    stage = 2;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    printf("plugin unloaded after %d\n", count);
}

__attribute__((visibility("default"))) int plugin_count(void)
{
    pthread_mutex_lock(&mutex);
    int now = ++count;
    pthread_mutex_unlock(&mutex);
    return now;
}

/* locks.c: takes two locks in the same order, in opposite orders, or wrongly; never hangs. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;

/* Spun on, so that nothing lockhound takes for synchronisation orders the second thread after the first. */
static atomic_bool first_done;

static void take(pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}

static void *go_first(void *unused)
{
    take(&a, &b);
    atomic_store(&first_done, true);
    return unused;
}

static void *go_second(void *opposite)
{
    while (!atomic_load(&first_done))
        sched_yield();
    if (opposite != NULL)
        take(&b, &a);
    else
        take(&a, &b);
    return NULL;
}

static void run_two_threads(void *opposite)
{
    pthread_t first, second;
    pthread_create(&first, NULL, go_first, NULL);
    pthread_create(&second, NULL, go_second, opposite);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
}

int main(int argc, char **argv)
{
    const char *mode = argc == 3 ? argv[1] : "";
    if (strcmp(mode, "status") == 0)
        return 3;
    if (strcmp(mode, "same") == 0)
        run_two_threads(NULL);
    else if (strcmp(mode, "opposite") == 0)
        run_two_threads(argv);
    else if (strcmp(mode, "both") == 0) {
        run_two_threads(argv);
        pthread_mutex_unlock(&a);
    } else
        return 2;
    puts("done");
    return 0;
}

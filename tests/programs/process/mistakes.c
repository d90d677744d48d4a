/* mistakes.c: one mistake, by name, that shows at the edge of a process. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void free_held_lock(void)
{
    pthread_mutex_t *held = malloc(sizeof *held);
    pthread_mutex_init(held, NULL);
    pthread_mutex_lock(held);
    free(held);
}

static void lock_in_handler(int number)
{
    (void)number;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void take_lock_in_handler(void)
{
    signal(SIGUSR1, lock_in_handler);
    raise(SIGUSR1);
    pthread_mutex_lock(&mutex); /* the signal may come now */
    pthread_mutex_unlock(&mutex);
}

static void sleep_with_lock(void)
{
    usleep(1); /* no lock held: nothing wrong */
    pthread_mutex_lock(&mutex);
    usleep(1);
    pthread_mutex_unlock(&mutex);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "destroy-locked") == 0)
        free_held_lock();
    else if (argc == 2 && strcmp(argv[1], "signal-unsafe-lock") == 0)
        take_lock_in_handler();
    else if (argc == 2 && strcmp(argv[1], "blocking-call") == 0)
        sleep_with_lock();
    else
        return 2;
    puts("done");
    return 0;
}

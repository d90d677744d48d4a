/* printing.c: makes findings (a second unlock, from many places at once) while it counts children and SIGCHLD. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int signals_seen;

static void count(int number)
{
    (void)number;
    signals_seen++;
}

static void *unlock_twice(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

int main(void)
{
    pthread_mutexattr_t checked;
    pthread_mutex_t mutexes[2];
    pthread_t threads[2];
    struct sigaction action = {.sa_handler = count};
    if (chdir("/") != 0) /* as a server does: no name of ours may count from here */
        return 1;
    sigaction(SIGCHLD, &action, NULL);
    pthread_mutexattr_init(&checked);
    pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    for (int i = 0; i < 2; i++) {
        pthread_mutex_init(&mutexes[i], &checked);
        pthread_create(&threads[i], NULL, unlock_twice, &mutexes[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    int result = waitpid(-1, NULL, __WALL);
    printf("children %d %d, signals %d\n", result, errno == ECHILD, signals_seen);
    return 0;
}

/* ending.c MODE: the ways in which a threaded program can end, with handlers that lock. */
#include "show.h"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int *volatile nowhere;

static void at_exit(void)
{
    pthread_mutex_lock(&mutex);
    puts("exit handler");
    pthread_mutex_unlock(&mutex);
}

static void at_quick_exit_handler(void)
{
    pthread_mutex_lock(&mutex);
    puts("quick exit handler");
    fflush(stdout);
    pthread_mutex_unlock(&mutex);
}

__attribute__((destructor)) static void destructor(void)
{
    pthread_mutex_lock(&mutex);
    puts("destructor");
    pthread_mutex_unlock(&mutex);
}

static void *end_process(void *how)
{
    switch (*(const char *)how) {
    case 'e':
        exit(11);
    case 'q':
        quick_exit(12);
    case 'u':
        fflush(stdout);
        _exit(13);
    case 'a':
        abort();
    case 'k':
        kill(getpid(), SIGTERM);
        pause();
        break;
    case 's':
        *nowhere = 1;
        break;
    default:
        break;
    }
    return NULL;
}

static void *outlive_main(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    puts("main has ended first");
    return NULL;
}

static void *sleep_for_ever(void *unused)
{
    pthread_mutex_lock(&mutex);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return unused;
}

int main(int argc, char **argv)
{
    static pthread_t main_thread;
    pthread_t thread;
    MUST(argc == 2);
    atexit(at_exit);
    at_quick_exit(at_quick_exit_handler);
    main_thread = pthread_self();
    if (argv[1][0] == 'm') {
        pthread_create(&thread, NULL, outlive_main, &main_thread);
        pthread_detach(thread);
        pthread_exit(NULL);
    }
    if (argv[1][0] == 'r') {
        pthread_create(&thread, NULL, sleep_for_ever, NULL);
        return 14;
    }
    pthread_create(&thread, NULL, end_process, argv[1]);
    pthread_join(thread, NULL);
    return 1;
}

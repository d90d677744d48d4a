/* file_limit.c: a program that may not write to files any more, as under `ulimit -f 0`; it writes to a pipe only. */
#include "show.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *unused)
{
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    return unused;
}

static void show_pending(void)
{
    sigset_t pending;
    sigpending(&pending);
    printf("pending: %d, blocked as before: ", sigismember(&pending, SIGXFSZ));
    pthread_sigmask(SIG_BLOCK, NULL, &pending);
    printf("%d\n", !sigismember(&pending, SIGXFSZ) && !sigismember(&pending, SIGPIPE));
    fflush(stdout);
}

int main(void)
{
    const struct rlimit none = {0, 0};
    must(setrlimit(RLIMIT_FSIZE, &none) == 0, "setrlimit");
    pthread_t thread;
    must(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
    must(pthread_join(thread, NULL) == 0, "pthread_join");
    fflush(stdout);
    if (fork() == 0) {
        work(NULL);
        show_pending();
        exit(3);
    }
    int status;
    must(wait(&status) > 0, "wait");
    printf("child: %d\n", status);
    show_pending();
    return 4;
}

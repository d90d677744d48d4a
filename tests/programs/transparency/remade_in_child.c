/* remade_in_child.c: a child of fork() makes anew the locks that it inherited, as interpreters do, whoever held them. */
#include "show.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t held, at_rest, own;
static pthread_rwlock_t read_write;
static pthread_cond_t condition;

static void make_by_calls(void)
{
    pthread_mutex_init(&held, NULL);
    pthread_mutex_init(&at_rest, NULL);
    pthread_mutex_init(&own, NULL);
    pthread_rwlock_init(&read_write, NULL);
    pthread_cond_init(&condition, NULL);
}

static void make_by_assignments(void)
{
    held = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    at_rest = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    own = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    read_write = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

static int child(void (*make)(void))
{
    make();
    pthread_mutex_lock(&held);
    pthread_mutex_lock(&at_rest);
    MUST(pthread_rwlock_wrlock(&read_write) == 0);
    MUST(pthread_rwlock_unlock(&read_write) == 0);
    MUST(pthread_mutex_trylock(&own) == 0);
    pthread_mutex_unlock(&own);
    pthread_mutex_lock(&own);
    pthread_mutex_unlock(&own);
    pthread_mutex_unlock(&at_rest);
    pthread_mutex_unlock(&held);
    return 7;
}

static void run_child(void (*make)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(make));
    MUST(waitpid(pid, &status, 0) == pid);
    printf("child %d\n", WEXITSTATUS(status));
}

static void *fork_while_held(void *unused)
{
    pthread_mutex_lock(&own);
    run_child(make_by_calls);
    run_child(make_by_assignments);
    pthread_mutex_unlock(&own);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_mutex_init(&held, NULL);
    pthread_mutex_init(&at_rest, NULL);
    pthread_mutex_init(&own, NULL);
    pthread_rwlock_init(&read_write, NULL);
    pthread_cond_init(&condition, NULL);
    pthread_mutex_lock(&held);
    pthread_rwlock_wrlock(&read_write);
    pthread_create(&thread, NULL, fork_while_held, NULL);
    pthread_join(thread, NULL);
    pthread_rwlock_unlock(&read_write);
    pthread_mutex_unlock(&held);
    pthread_rwlock_destroy(&read_write);
    pthread_cond_destroy(&condition);
    pthread_mutex_destroy(&at_rest);
    pthread_mutex_destroy(&own);
    pthread_mutex_destroy(&held);
    return 0;
}

/* remade_in_child.c: a child of fork() makes anew the locks that it inherited, as interpreters do, whoever held them. */
#include "show.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t held, at_rest;
static pthread_cond_t condition;

static int child(void)
{
    pthread_mutex_init(&held, NULL);
    pthread_mutex_init(&at_rest, NULL);
    pthread_cond_init(&condition, NULL);
    pthread_mutex_lock(&held);
    pthread_mutex_lock(&at_rest);
    pthread_mutex_unlock(&at_rest);
    pthread_mutex_unlock(&held);
    return 7;
}

static void *fork_while_held(void *unused)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    MUST(waitpid(pid, &status, 0) == pid);
    printf("child %d\n", WEXITSTATUS(status));
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_mutex_init(&held, NULL);
    pthread_mutex_init(&at_rest, NULL);
    pthread_cond_init(&condition, NULL);
    pthread_mutex_lock(&held);
    pthread_create(&thread, NULL, fork_while_held, NULL);
    pthread_join(thread, NULL);
    pthread_mutex_unlock(&held);
    pthread_cond_destroy(&condition);
    pthread_mutex_destroy(&at_rest);
    pthread_mutex_destroy(&held);
    return 0;
}

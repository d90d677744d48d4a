/* expect: none */
/* pthread_atfork() takes the lock before the fork and gives it back on both sides: it is free in the child, and what it
 * protects is whole.  (A child that only calls exec needs none of this.)  The bug is in fork_lock_bug.c.
 */
#include "stage.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;

static void *writer(void *unused)
{
    pthread_mutex_lock(&journal);
    stage_advance();
    pthread_mutex_unlock(&journal);
    return unused;
}

static int child(void)
{
    alarm(10); /* alarms are not inherited: ends the hang of the child */
    pthread_mutex_lock(&journal);
    pthread_mutex_unlock(&journal);
    return 0;
}

static void before_fork(void)
{
    pthread_mutex_lock(&journal);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&journal);
}

int main(void)
{
    pthread_t thread;
    int status = 0;
    pthread_atfork(before_fork, after_fork, after_fork);
    pthread_create(&thread, NULL, writer, NULL);
    stage_await(1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    waitpid(pid, &status, 0);
    stage_advance();
    pthread_join(thread, NULL);
    printf("the child %s\n", WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "wrote" : "was stuck");
    return 0;
}

/* expect: fork-with-locks-held at=child@wants_lock */
/* may: deadlock */
/* A child of fork() has one thread, and locked copies of all locks that other threads held at that moment.  Their
 * holders do not exist in the child, so nobody will ever unlock them there.  Mended in fork_lock_ok.c.
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
    stage_await(2); /* still writing while main forks */
    pthread_mutex_unlock(&journal);
    return unused;
}

static int child(void)
{
    alarm(10);                    /* alarms are not inherited: ends the hang of the child */
    pthread_mutex_lock(&journal); /* @wants_lock */
    pthread_mutex_unlock(&journal);
    return 0;
}

int main(void)
{
    pthread_t thread;
    int status = 0;
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

/* expect: fork-with-locks-held */
/* Process: forked while another thread holds a mutex; the child wants it and nobody is there to release it. */
#include <sys/wait.h>
#include <time.h>

#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg)
{
    pthread_mutex_lock(&mutex);
    stage_set(1);
    stage_wait(2);
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    pthread_t t = spawn(holder, NULL);
    stage_wait(1);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_sec++;
        pthread_mutex_timedlock(&mutex, &soon);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    stage_set(2);
    join(t);
    return 0;
}

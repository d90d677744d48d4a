/* expect: lock-order-inversion */
/* across: processes */
/* Shared lock: parent and child take two of them in opposite orders; this run does not hang. */
#include <sys/wait.h>

#include "twin.h"

struct pair {
    pthread_mutex_t first, second;
};

static void take(pthread_mutex_t *a, pthread_mutex_t *b)
{
    pthread_mutex_lock(a);
    pthread_mutex_lock(b);
    pthread_mutex_unlock(b);
    pthread_mutex_unlock(a);
}

int main(void)
{
    struct pair *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&p->first, &attr);
    pthread_mutex_init(&p->second, &attr);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        stage_wait(1);
        take(&p->second, &p->first);
        _exit(0);
    }
    take(&p->first, &p->second);
    stage_set(1);
    waitpid(child, NULL, 0);
    return 0;
}

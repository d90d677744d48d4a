/* expect: deadlock form=cycle */
/* across: processes */
/* Process: the parent waits for the end of a child that waits for the lock the parent holds. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "twin.h"

int main(void)
{
    pthread_mutex_t *mutex = mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(mutex != MAP_FAILED);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attr);
    pthread_mutex_lock(mutex);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever ends the parent ends this, too */
        pthread_mutex_lock(mutex);
        pthread_mutex_unlock(mutex);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    pthread_mutex_unlock(mutex);
    return 0;
}

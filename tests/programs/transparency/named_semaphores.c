/* named_semaphores.c: named semaphores that come and go at one address, shared with a child process and opened twice. */
#include "show.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t *make(int number, unsigned value)
{
    char name[64];
    snprintf(name, sizeof name, "/lockhound-named-%d-%d", (int)getpid(), number);
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, value);
    MUST(semaphore != SEM_FAILED);
    MUST(sem_open(name, 0) == semaphore); /* the same name, the same address */
    MUST(sem_close(semaphore) == 0);
    MUST(sem_unlink(name) == 0);
    return semaphore;
}

int main(void)
{
    for (int i = 0; i < 5; i++) {
        sem_t *semaphore = make(i, 1);
        SHOW(sem_wait(semaphore));
        SHOW(sem_post(semaphore));
        SHOW(sem_close(semaphore));
    }
    sem_t *answered = make(5, 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        sem_post(answered);
        sem_close(answered);
        _exit(0);
    }
    SHOW(sem_wait(answered));
    SHOW(sem_close(answered));
    SHOW(waitpid(pid, NULL, 0) == pid);
    return 0;
}

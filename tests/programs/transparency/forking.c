/* forking.c: a threaded program that forks, forks in vfork's way, spawns and replaces itself; locks work on all sides.
 */
#include "show.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t guarded = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static atomic_int may_end;
static int is_set;

static void *work(void *unused)
{
    while (!may_end) {
        pthread_mutex_lock(&guarded);
        pthread_mutex_unlock(&guarded);
        sched_yield();
    }
    return unused;
}

static void take_guarded(void)
{
    pthread_mutex_lock(&guarded);
}

static void give_guarded(void)
{
    pthread_mutex_unlock(&guarded);
}

static void *set(void *unused)
{
    pthread_mutex_lock(&mutex);
    is_set = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    return unused;
}

/* Uses every kind of thing that was made before the fork, and threads of its own. */
static int child_life(void)
{
    pthread_t thread;
    sem_t semaphore;
    pthread_mutex_lock(&guarded);
    pthread_mutex_unlock(&guarded);
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    MUST(pthread_create(&thread, NULL, set, NULL) == 0);
    pthread_mutex_lock(&mutex);
    while (!is_set)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    MUST(pthread_join(thread, NULL) == 0);
    sem_init(&semaphore, 0, 1);
    sem_wait(&semaphore);
    sem_post(&semaphore);
    sem_destroy(&semaphore);
    return 7;
}

static void await(const char *what, pid_t pid)
{
    int status = 0;
    MUST(waitpid(pid, &status, 0) == pid);
    printf("%s: exited %d with %d, signal %d\n", what, WIFEXITED(status), WEXITSTATUS(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    fflush(stdout);
}

static void fork_children(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_life());
    await("fork", pid);
    pid = fork();
    if (pid == 0)
        exit(child_life());
    await("fork and exit", pid);
    pid = fork();
    if (pid == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(child_life());
        await("grandchild", grandchild);
        abort();
    }
    await("fork and abort", pid);
}

static void start_others(char *self)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl(self, "forking", "again", (char *)NULL);
        _exit(1);
    }
    await("vfork and execl", pid);
    pid = vfork();
    if (pid == 0)
        _exit(3);
    await("vfork and _exit", pid);

    char *arguments[] = {"forking", "again", NULL};
    MUST(posix_spawn(&pid, self, NULL, NULL, arguments, environ) == 0);
    await("posix_spawn", pid);
    SHOW(posix_spawn(&pid, "/nonexistent", NULL, NULL, arguments, environ));
    pid = fork();
    if (pid == 0) {
        execv(self, arguments);
        _exit(1);
    }
    await("fork and execv", pid);
    SHOW(execv("/nonexistent", arguments));
    fflush(stdout);
    printf("system: %d\n", WEXITSTATUS(system("exit 4")));
}

int main(int argc, char **argv)
{
    pthread_t worker;
    if (argc > 1) {
        printf("started again with %s\n", argv[1]);
        return child_life();
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_atfork(take_guarded, give_guarded, give_guarded);
    pthread_create(&worker, NULL, work, NULL);
    fork_children();
    start_others(argv[0]);
    may_end = 1;
    pthread_join(worker, NULL);
    puts("done");
    return 0;
}

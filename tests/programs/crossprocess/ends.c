/* ends.c PLAN: a process that holds a lock waits for the end of one that waits for the lock, or it only looks so.
 *
 *   stuck:     the child waits for the parent's lock, and the parent for its end: both for ever
 *   wait, any, wait3, wait4, waitid, all, pidfd, poll: the same, by another call
 *   chain:     the same with a process in between, which waits for the child's end and holds nothing
 * All others come to an end by themselves:
 *   looking:   the parent looks again and again whether the child has ended, and gives up
 *   killed:    the parent kills the child and waits for its end at once, again and again
 *   handler:   a handler of the parent's, for an alarm, ends the child
 *   helper:    a thread of the parent's ends the child
 *   alarmed:   the child has set an alarm, which ends it
 *   timed:     the child waits with a limit
 *   elsewhere: the child waits for a lock that a third process holds, who lets it go
 *   posted:    the lock is a semaphore, which another child posts
 *   either:    the parent waits for any child, and another one ends
 *   soon:      the parent looks at the child's pidfd for a while only
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "pair.h"

enum { SHORT_US = 200000, ROUNDS = 60 };

static struct shared {
    pthread_mutex_t lock, other;
    sem_t semaphore;
    atomic_int waits;
} * shared;
static const char *plan;
static pid_t child;

static bool plan_is(const char *name)
{
    return strcmp(plan, name) == 0;
}

static void end_child(int number)
{
    (void)number;
    kill(child, SIGKILL);
}

static void *end_child_soon(void *unused)
{
    usleep(SHORT_US);
    end_child(0);
    return unused;
}

/* In the process that waits for the lock. */
static void want(void)
{
    struct timespec limit;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    atomic_fetch_add(&shared->waits, 1);
    if (plan_is("alarmed"))
        ualarm(SHORT_US, 0);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    if (plan_is("timed"))
        pthread_mutex_timedlock(&shared->lock, &limit);
    else if (plan_is("posted"))
        sem_wait(&shared->semaphore);
    else
        pthread_mutex_lock(plan_is("elsewhere") ? &shared->other : &shared->lock);
    _exit(0);
}

static pid_t begin(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid;
}

static void wait_between(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    waitpid(begin(want), NULL, 0);
}

/* Another child: holds the other lock for a while, or posts the semaphore after one. */
static void help(void)
{
    if (plan_is("elsewhere"))
        pthread_mutex_lock(&shared->other);
    atomic_fetch_add(&shared->waits, 1);
    usleep(SHORT_US);
    if (plan_is("elsewhere"))
        pthread_mutex_unlock(&shared->other);
    else
        sem_post(&shared->semaphore);
}

/* Returns: a process that has ended. */
static pid_t await_end(void)
{
    siginfo_t info = {.si_pid = 0};
    struct pollfd poll_for = {.events = POLLIN};
    bool by_descriptor = plan_is("pidfd") || plan_is("poll") || plan_is("soon");
    int fd = by_descriptor ? (int)syscall(SYS_pidfd_open, child, 0) : -1;
    poll_for.fd = fd;
    if (plan_is("wait") || plan_is("either"))
        return wait(NULL);
    if (plan_is("any"))
        return waitpid(-1, NULL, 0);
    if (plan_is("wait3"))
        return wait3(NULL, 0, NULL);
    if (plan_is("wait4"))
        return wait4(child, NULL, 0, NULL);
    if (plan_is("waitid"))
        return waitid(P_PID, (id_t)child, &info, WEXITED) == 0 ? info.si_pid : -1;
    if (plan_is("all"))
        return waitid(P_ALL, 0, &info, WEXITED) == 0 ? info.si_pid : -1;
    if (plan_is("pidfd"))
        return waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 ? info.si_pid : -1;
    if (plan_is("poll"))
        poll(&poll_for, 1, -1);
    if (plan_is("soon") && poll(&poll_for, 1, SHORT_US / 1000) == 0)
        end_child(0);
    return waitpid(child, NULL, 0);
}

static void wait_for_child(void)
{
    pthread_t helper;
    if (plan_is("handler")) {
        signal(SIGALRM, end_child);
        ualarm(SHORT_US, 0);
    }
    if (plan_is("helper"))
        pthread_create(&helper, NULL, end_child_soon, NULL);
    for (int i = 0; plan_is("looking") && i < 100 && waitpid(child, NULL, WNOHANG) == 0; i++)
        usleep(SHORT_US / 100);
    if (plan_is("looking"))
        end_child(0);
    for (int i = 0; plan_is("killed") && i < ROUNDS; i++) {
        wait_until(&shared->waits, i + 1);
        usleep(SHORT_US / 100); /* in which it may fall asleep */
        kill(child, i % 2 ? SIGKILL : SIGTERM);
        check(waitpid(child, NULL, 0) == child, "waitpid");
        child = begin(want);
    }
    if (plan_is("killed"))
        end_child(0);
    pid_t ended = await_end();
    while (ended < 0 && plan_is("handler"))
        ended = await_end();
    if (plan_is("either") && ended != child) {
        end_child(0);
        waitpid(child, NULL, 0);
    }
    if (plan_is("helper"))
        pthread_join(helper, NULL);
}

int main(int argc, char **argv)
{
    pthread_mutexattr_t attributes;
    pid_t third = 0;
    check(argc == 2, "arguments");
    plan = argv[1];
    shared = map_shared(sizeof *shared);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->lock, &attributes);
    pthread_mutex_init(&shared->other, &attributes);
    sem_init(&shared->semaphore, 1, 1);
    if (plan_is("posted"))
        sem_wait(&shared->semaphore);
    else
        pthread_mutex_lock(&shared->lock);
    if (plan_is("elsewhere") || plan_is("posted") || plan_is("either")) {
        third = begin(help);
        wait_until(&shared->waits, 1);
    }
    child = begin(plan_is("chain") ? wait_between : want);
    wait_for_child();
    if (third != 0 && !plan_is("either"))
        waitpid(third, NULL, 0);
    pthread_mutex_unlock(&shared->lock);
    printf("over\n");
    return 0;
}

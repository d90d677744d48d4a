#include <lhp/process.h>
#include <lhp/thread.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "timing.h"

enum process_state { PROCESS_NEW, PROCESS_STARTING, PROCESS_ALIVE, PROCESS_ENDED };

struct lhp_process {
    int (*fn)(void *arg);
    void *arg;
    char name[32];
    bool daemon;
    pthread_mutex_t mutex; /* guards what follows; taken after the list's */
    enum process_state state;
    pid_t pid;
    int pidfd; /* -1 where the kernel has none */
    int exitcode;
    struct lhp_process *prev, *next; /* started and not closed, guarded by `children.mutex` */
};

static struct {
    pthread_mutex_t mutex;
    struct lhp_process *first;
    pid_t told_exit_of; /* the process whose exit has been told of the list */
    unsigned names;
    bool in_daemon;
} children = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void children_lock(void)
{
    pthread_mutex_lock(&children.mutex);
}

static void children_unlock(void)
{
    pthread_mutex_unlock(&children.mutex);
}

static void children_forget(void)
{
    children.first = NULL;
    pthread_mutex_unlock(&children.mutex);
}

__attribute__((constructor)) static void process_module_init(void)
{
    pthread_atfork(children_lock, children_unlock, children_forget);
}

struct lhp_process *lhp_process_new(int (*fn)(void *arg), void *arg, const struct lhp_process_options *options)
{
    struct lhp_process *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    pthread_mutex_init(&p->mutex, NULL);
    p->fn = fn;
    p->arg = arg;
    p->pidfd = -1;
    p->daemon = options && options->daemon;
    children_lock();
    if (options && options->name)
        snprintf(p->name, sizeof(p->name), "%s", options->name);
    else
        snprintf(p->name, sizeof(p->name), "Process-%u", ++children.names);
    children_unlock();
    return p;
}

static _Noreturn void process_body(const struct lhp_process *p)
{
    children.in_daemon = p->daemon;
    int code = p->fn(p->arg);
    lhp_thread_shutdown();
    fflush(NULL);
    _exit(code & 0xff);
}

/* With the mutex held: takes note if the child has ended.  Never waits, and is no cancellation point, which waitpid() is
 * all the same. */
static void process_reap(struct lhp_process *p)
{
    int status, cancel;
    if (p->state != PROCESS_ALIVE)
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pid_t pid = waitpid(p->pid, &status, WNOHANG);
    pthread_setcancelstate(cancel, NULL);
    if (pid == 0 || (pid < 0 && errno != ECHILD))
        return;
    if (pid < 0)
        p->exitcode = 255;
    else
        p->exitcode = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    p->state = PROCESS_ENDED;
}

static void children_leave(void *arg)
{
    (void)arg;
    children_lock();
    for (struct lhp_process *p = children.first; p; p = p->next)
        if (p->daemon)
            lhp_process_terminate(p);
    children_unlock();
    /* The list does not change any more: only a thread that runs during exit() could start or close a process. */
    for (struct lhp_process *p = children.first; p; p = p->next)
        lhp_process_join(p);
}

static bool children_tell_exit(void)
{
    bool ok = true;
    children_lock();
    if (children.told_exit_of != getpid()) {
        ok = lhp_thread_at_shutdown(children_leave, NULL) == LHP_OK;
        children.told_exit_of = getpid();
    }
    children_unlock();
    return ok;
}

/* Without the mutex: fork takes the list's, which comes before it. */
static enum lhp_status process_fork(struct lhp_process *p)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    fflush(NULL); /* or the child would write the parent's unwritten output again */
    pthread_setcancelstate(cancel, NULL);
    pid_t pid = fork();
    if (pid == 0)
        process_body(p);
    pthread_mutex_lock(&p->mutex);
    p->state = pid < 0 ? PROCESS_NEW : PROCESS_ALIVE;
    if (pid > 0) {
        p->pid = pid;
        p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by definition */
    }
    pthread_mutex_unlock(&p->mutex);
    return pid < 0 ? LHP_SYSTEM : LHP_OK;
}

static void children_add(struct lhp_process *p)
{
    children_lock();
    p->next = children.first;
    if (p->next)
        p->next->prev = p;
    children.first = p;
    children_unlock();
}

enum lhp_status lhp_process_start(struct lhp_process *process)
{
    if (children.in_daemon)
        return LHP_BAD_STATE;
    if (!children_tell_exit())
        return LHP_NO_MEMORY;
    pthread_mutex_lock(&process->mutex);
    bool fresh = process->state == PROCESS_NEW;
    if (fresh)
        process->state = PROCESS_STARTING;
    pthread_mutex_unlock(&process->mutex);
    enum lhp_status status = fresh ? process_fork(process) : LHP_BAD_STATE;
    if (status == LHP_OK)
        children_add(process);
    return status;
}

static enum process_state process_state(struct lhp_process *p)
{
    pthread_mutex_lock(&p->mutex);
    process_reap(p);
    enum process_state state = p->state;
    pthread_mutex_unlock(&p->mutex);
    return state;
}

/* Sleeps until the child may have ended or the time is up. */
static void process_sleep(const struct lhp_process *p, int64_t left_ns)
{
    enum { POLL_NS = 5000000 };
    struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};
    bool blind = p->pidfd < 0;
    if (blind && (left_ns < 0 || left_ns > POLL_NS))
        left_ns = POLL_NS;
    struct timespec limit = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
    ppoll(&fd, blind ? 0 : 1, left_ns < 0 ? NULL : &limit, NULL);
}

enum lhp_status lhp_process_join(struct lhp_process *process)
{
    return lhp_process_join_for(process, LHP_FOREVER);
}

enum lhp_status lhp_process_join_for(struct lhp_process *process, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    for (;;) {
        int64_t left = deadline_left_ns(&d);
        enum process_state state = process_state(process);
        if (state != PROCESS_ALIVE)
            return state == PROCESS_ENDED ? LHP_OK : LHP_BAD_STATE;
        if (left == 0)
            return LHP_TIMEOUT;
        process_sleep(process, left);
    }
}

bool lhp_process_is_alive(struct lhp_process *process)
{
    return process_state(process) == PROCESS_ALIVE;
}

pid_t lhp_process_pid(struct lhp_process *process)
{
    pthread_mutex_lock(&process->mutex);
    pid_t pid = process->pid;
    pthread_mutex_unlock(&process->mutex);
    return pid;
}

enum lhp_status lhp_process_exitcode(struct lhp_process *process, int *code)
{
    if (process_state(process) != PROCESS_ENDED)
        return LHP_BAD_STATE;
    *code = process->exitcode;
    return LHP_OK;
}

/* The mutex keeps the pid from being reaped, and so from being somebody else's, between test and signal. */
static enum lhp_status process_signal(struct lhp_process *p, int number)
{
    pthread_mutex_lock(&p->mutex);
    process_reap(p);
    enum process_state state = p->state;
    if (state == PROCESS_ALIVE)
        kill(p->pid, number);
    pthread_mutex_unlock(&p->mutex);
    return state == PROCESS_NEW || state == PROCESS_STARTING ? LHP_BAD_STATE : LHP_OK;
}

enum lhp_status lhp_process_terminate(struct lhp_process *process)
{
    return process_signal(process, SIGTERM);
}

enum lhp_status lhp_process_kill(struct lhp_process *process)
{
    return process_signal(process, SIGKILL);
}

void lhp_process_name(struct lhp_process *process, char *name, size_t size)
{
    snprintf(name, size, "%s", process->name);
}

bool lhp_process_daemon(struct lhp_process *process)
{
    return process->daemon;
}

static void children_remove(struct lhp_process *p)
{
    children_lock();
    if (p->prev)
        p->prev->next = p->next;
    else if (children.first == p)
        children.first = p->next;
    if (p->next)
        p->next->prev = p->prev;
    children_unlock();
}

enum lhp_status lhp_process_close(struct lhp_process *process)
{
    enum process_state state = process_state(process);
    if (state == PROCESS_ALIVE || state == PROCESS_STARTING)
        return LHP_BAD_STATE;
    if (state == PROCESS_ENDED)
        children_remove(process);
    if (process->pidfd >= 0)
        close(process->pidfd);
    pthread_mutex_destroy(&process->mutex);
    free(process);
    return LHP_OK;
}

size_t lhp_process_active_count(void)
{
    size_t n = 0;
    children_lock();
    for (struct lhp_process *p = children.first; p; p = p->next)
        n += lhp_process_is_alive(p);
    children_unlock();
    return n;
}

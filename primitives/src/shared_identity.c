#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared_monitor.h"

/* One a thread, to be read without a lock; forgotten in a child, where only the forking thread lives on. */
static _Thread_local struct lhp_shared_identity self;
static _Thread_local pid_t thread_id;

static void identity_fork_child(void)
{
    self.pid = 0;
    thread_id = 0;
}

__attribute__((constructor)) static void identity_module_init(void)
{
    pthread_atfork(NULL, NULL, identity_fork_child);
}

/* Not a cancellation point: callers hold a guard. */
static bool stat_read(pid_t pid, char *text, size_t size)
{
    char path[40];
    ssize_t n = -1;
    int cancel;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, size - 1);
        close(fd);
    }
    pthread_setcancelstate(cancel, NULL);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* Sets *state and *start from /proc/PID/stat.  Returns: whether the process is there. */
static bool identity_read(pid_t pid, char *state, uint64_t *start)
{
    char text[1024];
    if (!stat_read(pid, text, sizeof(text)))
        return false;
    /* The name, in parentheses, may contain anything; start time is the 20th field after it. */
    char *at = strrchr(text, ')');
    if (!at || at[1] != ' ')
        return false;
    *state = at[2];
    at += 2;
    for (int field = 3; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    *start = at ? strtoull(at, NULL, 10) : 0;
    return at != NULL;
}

struct lhp_shared_identity lhp_identity_self(void)
{
    char state;
    if (self.pid == 0) {
        self.pid = getpid();
        if (!identity_read(self.pid, &state, &self.start))
            self.start = 0;
    }
    return self;
}

bool lhp_identity_is_self(const struct lhp_shared_identity *who)
{
    struct lhp_shared_identity me = lhp_identity_self();
    return who->pid == me.pid && who->start == me.start;
}

bool lhp_identity_alive(const struct lhp_shared_identity *who)
{
    char state;
    uint64_t start;
    return identity_read(who->pid, &state, &start) && state != 'Z' && state != 'X' &&
           (who->start == 0 || start == who->start);
}

pid_t lhp_thread_id(void)
{
    if (thread_id == 0)
        thread_id = gettid();
    return thread_id;
}

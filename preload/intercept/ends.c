#include "preload/intercept/ends.h"

#include <sys/wait.h>

#include "preload/intercept/touches.h"
#include "preload/process_status.h"

pid_t ends_of_descriptor(int fd)
{
    return process_of_descriptor(fd);
}

bool ends_begin(pid_t pid, struct caller caller)
{
    int saved = errno;
    struct self *self = pid != 0 ? hook_enter() : NULL;
    bool is_told = self != NULL && sharing_block_end(self, pid, access_stack(self, caller));
    if (self != NULL)
        hook_leave(self);
    errno = saved;
    return is_told;
}

void ends_over(void)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        sharing_unblock(self);
        hook_leave(self);
    }
    errno = saved;
}

/* Returns: whose end waitpid() waits for: -1 asks for any child; 0 when it is not known, or not the end alone. */
static pid_t target_of(pid_t pid, int options)
{
    if (options != 0 || pid == 0 || pid < -1 || !ENDS_LOOKED_AT())
        return 0;
    pid_t child = pid == SHARING_ANY_CHILD ? process_only_child() : pid;
    return child == 0 ? SHARING_ANY_CHILD : child;
}

static pid_t target_of_id(idtype_t type, id_t id, int options)
{
    if ((options & ~WNOWAIT) != WEXITED)
        return 0;
    if (type == P_PIDFD)
        return ENDS_LOOKED_AT() ? process_of_descriptor((int)id) : 0;
    return type == P_PID || type == P_ALL ? target_of(type == P_PID ? (pid_t)id : SHARING_ANY_CHILD, 0) : 0;
}

#define WAIT_FOR(target, call)                                                                                         \
    do {                                                                                                               \
        bool is_told = ends_begin(target, CALLER());                                                                   \
        result = call;                                                                                                 \
        if (hook_unlikely(is_told))                                                                                    \
            ends_over();                                                                                               \
    } while (0)

#define FILLED(is_filled, memory)                                                                                      \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (is_filled))                                                                    \
            access_note_far((memory), sizeof *(memory), RACE_WRITE, CALLER());                                         \
    } while (0)

HOOK_EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
    pid_t result;
    CHECK_LOCKS("waitpid", (options & WNOHANG) == 0);
    WAIT_FOR(target_of(pid, options), real.waitpid(pid, status, options));
    FILLED(result > 0, status);
    return result;
}

HOOK_EXPORT pid_t wait(int *status)
{
    pid_t result;
    CHECK_LOCKS("wait", true);
    WAIT_FOR(target_of(SHARING_ANY_CHILD, 0), real.wait(status));
    FILLED(result > 0, status);
    return result;
}

HOOK_EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
    pid_t result;
    CHECK_LOCKS("wait3", (options & WNOHANG) == 0);
    WAIT_FOR(target_of(SHARING_ANY_CHILD, options), real.wait3(status, options, usage));
    FILLED(result > 0, status);
    FILLED(result > 0, usage);
    return result;
}

HOOK_EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    pid_t result;
    CHECK_LOCKS("wait4", (options & WNOHANG) == 0);
    WAIT_FOR(target_of(pid, options), real.wait4(pid, status, options, usage));
    FILLED(result > 0, status);
    FILLED(result > 0, usage);
    return result;
}

HOOK_EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    int result;
    CHECK_LOCKS("waitid", (options & WNOHANG) == 0);
    WAIT_FOR(target_of_id(type, id, options), real.waitid(type, id, info, options));
    if (hook_unlikely(weave_on) && result == 0) /* what is behind the status stays as it was */
        access_note_far(info, offsetof(siginfo_t, si_status) + sizeof info->si_status, RACE_WRITE, CALLER());
    return result;
}

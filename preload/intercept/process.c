#include "preload/intercept/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "preload/commons_file.h"
#include "preload/deferral.h"
#include "preload/emit.h"
#include "preload/environment.h"
#include "preload/hook.h"
#include "preload/ranks.h"
#include "preload/raw_signal.h"
#include "preload/sink.h"

/* 0 until process_init(); changes only in a child that is alone. */
static pid_t own_pid;
static atomic_bool end_was_said;

static pid_t current_pid(void)
{
    return (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

bool process_is_ours(void)
{
    return own_pid == 0 || own_pid == current_pid();
}

/* ---- fork ------------------------------------------------------------------------------------------------------- */

/* What fork_prepare() did, for the two sides to undo.  A thread forks once at a time, but two threads may fork. */
struct fork_state {
    uint64_t signals; /* the mask before */
    bool was_inside;  /* a signal handler that interrupted ourselves forks: some rank may be this thread's own */
};
static __thread struct fork_state fork_state __attribute__((tls_model("initial-exec")));

static struct self *known_self(void)
{
    struct self *self = self_current;
    return self == NULL || self == SELF_GONE ? NULL : self;
}

/* Between fork_prepare() and the child no code of the program runs on this thread: signals are blocked, and what libc
 * and other allocators do for the fork passes through. */
static void fork_prepare(void)
{
    deferral_settle();
    fork_state.signals = raw_mask_block_all();
    struct self *self = known_self();
    fork_state.was_inside = self != NULL && self->inside && self->inside_frame != 0;
    if (fork_state.was_inside)
        return;
    if (self != NULL) {
        self->inside = true;
        self->inside_frame = UINTPTR_MAX;
    }
    ranks_take_all();
    commons_file_fork_prepare();
}

static void fork_finish(void)
{
    struct self *self = known_self();
    if (self != NULL && !fork_state.was_inside)
        self_leave(self);
    raw_mask_change(SIG_SETMASK, fork_state.signals);
}

static void fork_parent(void)
{
    if (!fork_state.was_inside)
        ranks_release_all();
    fork_finish();
}

static void fork_child(void)
{
    own_pid = current_pid();
    atomic_store_explicit(&end_was_said, false, memory_order_relaxed); /* alone here: no partner */
    if (fork_state.was_inside)
        ranks_reset_in_child();
    else
        ranks_release_all();
    struct self *self = known_self();
    if (lockhound.ready)
        sink_fork_child();
    if (lockhound.ready)
        commons_file_fork_child();
    if (self != NULL) {
        sharing_forget_thread(self);
        emit_fork_child(self); /* first: it frees what threads that are not here had busy */
        self_fork_child(self);
        plane_fork_child(self);
    }
    if (lockhound.ready)
        summary_fork_child();
    fork_finish();
}

/* Handlers registered before ours would run inside of them, while every rank is held: they may want a lock of the
 * program that a thread holds which wants a rank.  An allocator registers its own at the first allocation, before any
 * constructor; so ours go in with the first of all. */
static void register_first(void)
{
    static atomic_bool registered;
    /* relaxed: libc's own lock orders the registrations */
    if (!atomic_exchange_explicit(&registered, true, memory_order_relaxed))
        real.__register_atfork(fork_prepare, fork_parent, fork_child, NULL);
}

/* No header declares it; its callers are made by the compiler driver's libc_nonshared.a. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *module);

HOOK_EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *module)
{
    register_first();
    return real.__register_atfork(prepare, parent, child, module);
}

void process_fork_prepare(void)
{
    fork_prepare();
}

void process_fork_done(bool is_child)
{
    if (is_child)
        fork_child();
    else
        fork_parent();
}

/* Runs no handlers of pthread_atfork(), not even ours. */
HOOK_EXPORT pid_t _Fork(void)
{
    if (!lockhound.ready)
        return real._Fork();
    fork_prepare();
    pid_t child = real._Fork();
    int saved = errno;
    process_fork_done(child == 0);
    errno = saved;
    return child;
}

/* ---- exec ------------------------------------------------------------------------------------------------------- */

/* Says what there is to say before the program is replaced.  When exec then fails nothing is lost: the last summary of
 * a process is the one that counts. */
static void about_to_exec(void)
{
    if (!lockhound.ready || !process_is_ours())
        return;
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        summary_write("exec");
        hook_leave(self);
    }
    errno = saved;
}

HOOK_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    about_to_exec();
    return real.execve(path, argv, envp);
}

HOOK_EXPORT int execv(const char *path, char *const argv[])
{
    about_to_exec();
    return real.execv(path, argv);
}

HOOK_EXPORT int execvp(const char *file, char *const argv[])
{
    about_to_exec();
    return real.execvp(file, argv);
}

HOOK_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    about_to_exec();
    return real.execvpe(file, argv, envp);
}

HOOK_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
    about_to_exec();
    return real.fexecve(fd, argv, envp);
}

HOOK_EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
    about_to_exec();
    return real.execveat(dir, path, argv, envp, flags);
}

/* The variadic ones call execve() inside libc, where it cannot be interposed: they are written out here.
 *
 * Counts the arguments from `first` to the NULL, which it leaves consumed; fills `argv` when it is not NULL. */
static size_t gather_arguments(const char *first, va_list *rest, char **argv)
{
    size_t count = 0;
    for (const char *argument = first; argument != NULL; argument = va_arg(*rest, const char *)) {
        if (argv != NULL)
            argv[count] = (char *)(uintptr_t)argument; /* exec takes char *const[] and writes to none */
        count++;
    }
    if (argv != NULL)
        argv[count] = NULL;
    return count;
}

static size_t count_arguments(const char *first, va_list *rest)
{
    va_list copy;
    va_copy(copy, *rest);
    size_t count = gather_arguments(first, &copy, NULL);
    va_end(copy);
    return count;
}

HOOK_EXPORT int execl(const char *path, const char *argument, ...)
{
    va_list rest;
    va_start(rest, argument);
    char *argv[count_arguments(argument, &rest) + 1];
    gather_arguments(argument, &rest, argv);
    va_end(rest);
    return execv(path, argv);
}

HOOK_EXPORT int execlp(const char *file, const char *argument, ...)
{
    va_list rest;
    va_start(rest, argument);
    char *argv[count_arguments(argument, &rest) + 1];
    gather_arguments(argument, &rest, argv);
    va_end(rest);
    return execvp(file, argv);
}

HOOK_EXPORT int execle(const char *path, const char *argument, ...)
{
    va_list rest;
    va_start(rest, argument);
    char *argv[count_arguments(argument, &rest) + 1];
    gather_arguments(argument, &rest, argv);
    char *const *envp = va_arg(rest, char *const *);
    va_end(rest);
    return execve(path, argv, envp);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* Returns: true for the first to come. */
static bool first_to_end(void)
{
    /* relaxed: nothing is ordered by it */
    return !atomic_exchange_explicit(&end_was_said, true, memory_order_relaxed);
}

void process_say_end(void)
{
    if (first_to_end()) {
        commons_file_close();
        summary_write("exit");
    }
}

void process_about_to_end(void)
{
    if (!lockhound.ready || !process_is_ours())
        return;
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL && first_to_end()) {
        emit_process_end(self);
        commons_file_close();
        summary_write("exit");
    }
    if (self != NULL)
        hook_leave(self);
    errno = saved;
}

HOOK_EXPORT void _exit(int status)
{
    process_about_to_end();
    real._exit(status);
    __builtin_unreachable();
}

HOOK_EXPORT void _Exit(int status)
{
    process_about_to_end();
    real._Exit(status);
    __builtin_unreachable();
}

void process_init(char **envp)
{
    own_pid = current_pid();
    register_first();
    at_quick_exit(process_about_to_end);
    if (!lockhound.options.follow_children && envp != NULL)
        environment_forget_us(envp);
}

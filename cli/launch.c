#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/exits.h"
#include "preload/run_file.h"

void process_state_save(struct process_state *state)
{
    *state = (struct process_state){0};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            /* The lowest free number is `fd` itself. */
            state->was_closed[fd] = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) == fd;
        }
    }
    sigprocmask(SIG_SETMASK, NULL, &state->mask);
    sigaction(SIGINT, NULL, &state->interrupt);
    sigaction(SIGQUIT, NULL, &state->quit);
    sigaction(SIGPIPE, NULL, &state->pipe);
    signal(SIGPIPE, SIG_IGN);
}

void process_state_ignore_keys(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
}

static void process_state_restore(const struct process_state *state)
{
    for (int fd = 0; fd < 3; fd++) {
        if (state->was_closed[fd]) {
            close(fd);
        }
    }
    sigaction(SIGINT, &state->interrupt, NULL);
    sigaction(SIGQUIT, &state->quit, NULL);
    sigaction(SIGPIPE, &state->pipe, NULL);
    sigprocmask(SIG_SETMASK, &state->mask, NULL);
}

static void set_environment(const struct launch *launch)
{
    struct pool pool = {0};
    const char *others = getenv("LD_PRELOAD");
    bool has_others = others && *others;
    setenv("LD_PRELOAD", has_others ? pool_format(&pool, "%s:%s", launch->library, others) : launch->library, 1);
    setenv(RUN_ENVIRONMENT_OPTIONS, launch->options, 1);
    setenv(RUN_ENVIRONMENT_FOLLOWED, "1", 1);
}

static _Noreturn void become_program(const struct launch *launch, int report_to)
{
    set_environment(launch);
    process_state_restore(launch->state);
    execv(launch->path, launch->argv);
    int why = errno;
    ssize_t ignored = write(report_to, &why, sizeof why);
    (void)ignored;
    _exit(EXIT_CANNOT_EXECUTE);
}

pid_t launch_start(const struct launch *launch)
{
    int ends[2], why = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    pid_t child = fork();
    if (child == 0) {
        become_program(launch, ends[1]);
    }
    if (child < 0) {
        child = -errno;
    }
    close(ends[1]);
    ssize_t n;
    do { /* the pipe closes by itself when exec succeeds */
        n = read(ends[0], &why, sizeof why);
    } while (n < 0 && errno == EINTR);
    close(ends[0]);
    return child > 0 && n == (ssize_t)sizeof why ? -why : child;
}

void launch_die_by(int signal_number)
{
    struct rlimit none = {0, 0};
    sigset_t one;
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    signal(signal_number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    raise(signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

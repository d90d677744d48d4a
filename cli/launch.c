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

/* How the command was started; the program is to find the same. */
static struct {
    bool was_closed[3]; /* stdin, stdout, stderr */
    sigset_t mask;
    struct sigaction interrupt, quit, pipe, child;
} started;

void process_state_save(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            /* The lowest free number is `fd` itself.  O_PATH: reads and writes fail, as on a closed descriptor. */
            started.was_closed[fd] = open("/", O_PATH) == fd;
        }
    }
    sigprocmask(SIG_SETMASK, NULL, &started.mask);
    sigaction(SIGINT, NULL, &started.interrupt);
    sigaction(SIGQUIT, NULL, &started.quit);
    sigaction(SIGPIPE, NULL, &started.pipe);
    sigaction(SIGCHLD, NULL, &started.child);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, as daemons leave it, children would end unheard */
}

void process_state_ignore_keys(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
}

static void process_state_restore(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (started.was_closed[fd])
            close(fd);
    sigaction(SIGINT, &started.interrupt, NULL);
    sigaction(SIGQUIT, &started.quit, NULL);
    sigaction(SIGPIPE, &started.pipe, NULL);
    sigaction(SIGCHLD, &started.child, NULL);
    sigprocmask(SIG_SETMASK, &started.mask, NULL);
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
    process_state_restore();
    execv(launch->path, launch->argv);
    int why = errno;
    ssize_t ignored = write(report_to, &why, sizeof why);
    (void)ignored;
    _exit(EXIT_CANNOT_EXECUTE);
}

pid_t launch_start(const struct launch *launch)
{
    int ends[2], why = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        become_program(launch, ends[1]);
    if (child < 0)
        child = -errno;
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

/* command_run.c: `lockhound [run] prog`: starts the program, follows its run file and prints findings as they come.
 *
 *   program + liblockhound.so --append--> run file --50 ms--> reader --> finding --> stderr, as it runs
 *          |                                                        |
 *          +--exit, signal--> own status, or 66 on an error <--------+
 *
 * A lock-order inversion waits for one more look at the file: when it comes true at once, the deadlock is to be told first.
 * Processes that outlive the program go on writing to the run file; the report ends with the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launch.h"
#include "cli/output.h"
#include "cli/preflight.h"
#include "report/contention.h"
#include "report/format_text.h"

/* How often the run file is looked at.  inotify would tell at once, but closing its descriptor takes 20 ms (the kernel waits
 * for all readers of its lists), which every short program would pay. */
#define POLL_MS 50

struct follow {
    struct session session;
    struct run_reader reader;
    const char *run_file;
    bool is_temporary;
    const struct run_finding **held_back; /* inversions, to be shown after the next look */
    size_t held_back_count;
    pid_t child;
    int wait_status;
    int fatal_signal; /* > 0: the command ends by it, as the program did */
};

/* ---- the run file ----------------------------------------------------------------------------------------------- */

static bool make_temporary(struct follow *f)
{
    const char *directory = getenv("TMPDIR");
    char *path =
        pool_format(&f->session.settings.pool, "%s/lockhound-XXXXXX", directory && *directory ? directory : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "lockhound: cannot make a run file %s: %s; set TMPDIR or use --output=FILE\n", path,
                strerror(errno));
        return false;
    }
    close(fd);
    f->run_file = path;
    f->is_temporary = true;
    return true;
}

/* An older run file is replaced; any other file of that name is surely not meant. */
static bool is_replaceable(const char *path)
{
    static const char start[] = "{\"r\":\"";
    char bytes[sizeof start - 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT;
    bool is_good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                   (st.st_size == 0 || (read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes &&
                                        memcmp(bytes, start, sizeof bytes) == 0));
    close(fd);
    errno = EEXIST;
    return is_good;
}

static bool make_named(struct follow *f, const char *path)
{
    int fd = -1;
    if (!is_replaceable(path) || (fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) {
        fprintf(stderr, "lockhound: cannot make the run file %s: %s\n", path,
                errno == EEXIST ? "a file that is not a run file is there" : strerror(errno));
        return false;
    }
    close(fd);
    char *absolute = realpath(path, NULL); /* the program may change its directory */
    f->run_file = pool_string(&f->session.settings.pool, absolute ? absolute : path);
    free(absolute);
    return true;
}

/* What the processes told one another during the run is of no use after it, and of none to another run. */
static void forget_shared(struct follow *f)
{
    unlink(pool_format(&f->session.settings.pool, "%s" RUN_FILE_SHARED_SUFFIX, f->run_file));
}

static bool make_run_file(struct follow *f)
{
    const char *path = f->session.settings.values[OPTION_ID_output];
    if (!(path ? make_named(f, path) : make_temporary(f)))
        return false;
    forget_shared(f);
    int status = run_reader_open(&f->reader, f->run_file, &f->session.run, intake_take, &f->session.intake);
    if (status < 0)
        fprintf(stderr, "lockhound: cannot read %s: %s\n", f->run_file, strerror(-status));
    return status == 0;
}

/* ---- following -------------------------------------------------------------------------------------------------- */

static void show_finding(void *ctx, const struct run_finding *finding)
{
    struct follow *f = ctx;
    if (strcmp(finding->kind, "lock-order-inversion") == 0) {
        f->held_back = memory_grow(f->held_back, f->held_back_count + 1, sizeof *f->held_back);
        f->held_back[f->held_back_count++] = finding;
    } else {
        session_show(&f->session, finding);
    }
}

/* Reads on, and shows what was held back before; all of it at the end. */
static void look(struct follow *f, bool is_end)
{
    size_t count = f->held_back_count;
    run_reader_poll(&f->reader);
    if (is_end) {
        run_reader_close(&f->reader);
        count = f->held_back_count;
    }
    for (size_t i = 0; i < count; i++)
        session_show(&f->session, f->held_back[i]);
    f->held_back_count -= count;
    if (f->held_back_count > 0)
        memmove(f->held_back, f->held_back + count, f->held_back_count * sizeof *f->held_back);
}

/* A signal sent to the command alone is meant for the program.  Those of the terminal reach both by themselves. */
static void pass_on(const struct follow *f, const struct signalfd_siginfo *info)
{
    if (info->ssi_code == SI_USER || info->ssi_code == SI_QUEUE)
        kill(f->child, (int)info->ssi_signo);
}

/* Returns: true when the program has ended. */
static bool take_signals(struct follow *f, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            pass_on(f, &info);
    return waitpid(f->child, &f->wait_status, WNOHANG) == f->child;
}

static void block_signals(sigset_t *watched)
{
    sigemptyset(watched);
    sigaddset(watched, SIGCHLD);
    sigaddset(watched, SIGTERM);
    sigaddset(watched, SIGHUP);
    sigprocmask(SIG_BLOCK, watched, NULL);
}

static void follow_until_end(struct follow *f, const sigset_t *watched)
{
    int signals = signalfd(-1, watched, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd fds[] = {{signals, POLLIN, 0}};
    while (!take_signals(f, signals)) {
        look(f, false);
        poll(fds, 1, POLL_MS);
    }
    look(f, true);
    close(signals);
}

/* The run file does not tell what ended the program when it had no time to. */
static void note_signal(struct follow *f)
{
    struct run_process *process = run_find_process(&f->session.run, f->run_file, f->child);
    if (process && WIFSIGNALED(f->wait_status))
        process->fatal_signal = WTERMSIG(f->wait_status);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void show_summary(struct follow *f)
{
    const struct run *run = &f->session.run;
    struct text_style style = session_style(&f->session, STDERR_FILENO);
    struct buffer text = {0};
    if (!run->findings && settings_flag(&f->session.settings, OPTION_ID_quiet))
        return;
    if (run->process_count == 0) {
        buffer_string(&text, "lockhound: the program ran without lockhound's library and was not checked; did it clear "
                             "its environment, or was the library refused (see above)?\n");
    } else {
        format_text_summary(&text, run, f->session.intake.symbols, &f->session.rules, &style);
        format_text_contention(&text, run, &style, false);
    }
    output_write(STDERR_FILENO, &text);
    buffer_free(&text);
}

static int final_status(struct follow *f, bool was_written)
{
    uint64_t code = settings_number(&f->session.settings, OPTION_ID_error_exitcode, EXIT_FINDINGS);
    if (code && run_has_error(&f->session.run))
        return (int)code;
    if (!was_written || f->session.run.process_count == 0)
        return EXIT_FAILED;
    if (WIFSIGNALED(f->wait_status)) {
        f->fatal_signal = WTERMSIG(f->wait_status);
        return 128 + f->fatal_signal;
    }
    return WEXITSTATUS(f->wait_status);
}

static int run_program(struct follow *f, const struct launch *launch)
{
    sigset_t watched;
    process_state_ignore_keys();
    block_signals(&watched);
    f->child = launch_start(launch);
    if (f->child < 0) {
        fprintf(stderr, "lockhound: cannot execute %s: %s\n", launch->path, strerror(-f->child));
        run_reader_close(&f->reader);
        return f->child == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
    }
    follow_until_end(f, &watched);
    note_signal(f);
    contention_merge(&f->session.run, f->session.intake.symbols);
    show_summary(f);
    return final_status(f, session_write_formats(&f->session));
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

/* Returns: 0 and launch->path, or an exit status after a complaint. */
static int find_program(struct follow *f, struct launch *launch)
{
    struct pool *pool = &f->session.settings.pool;
    int status;
    if (!*launch->argv[0]) {
        fputs("lockhound: the name of the program is empty\n", stderr);
        return EXIT_NOT_FOUND;
    }
    launch->path = preflight_find(pool, launch->argv[0], &status);
    if (!launch->path) {
        fprintf(stderr, "lockhound: %s: %s\n", launch->argv[0],
                status == EXIT_NOT_FOUND ? "not found" : strerror(errno));
        return status;
    }
    const char *why = preflight_check(pool, launch->path);
    if (why) {
        fprintf(stderr, "lockhound: %s\n", why);
        return EXIT_FAILED;
    }
    launch->library = locate_library(pool);
    if (!launch->library) {
        fputs("lockhound: liblockhound.so is missing; it belongs in lib/ beside bin/lockhound\n", stderr);
        return EXIT_FAILED;
    }
    if (strpbrk(launch->library, " :")) {
        fprintf(stderr, "lockhound: LD_PRELOAD cannot name %s: a blank or colon is in the path; install it elsewhere\n",
                launch->library);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int run_session(struct follow *f, char **argv)
{
    struct launch launch = {.argv = argv};
    int status = find_program(f, &launch);
    if (status != EXIT_OK)
        return status;
    if (!session_check_formats(&f->session) || !make_run_file(f))
        return EXIT_FAILED;
    f->session.intake.show = show_finding;
    f->session.intake.ctx = f;
    launch.options = settings_for_library(&f->session.settings, f->run_file);
    return run_program(f, &launch);
}

int command_run_main(int argc, char **argv)
{
    struct follow f = {0};
    struct settings *settings = &f.session.settings;
    int first = settings_parse(settings, argc, argv, FOR_RUN, false);
    if (first < 0)
        return EXIT_USAGE;
    if (settings->wants_help)
        return command_print_help(command_find("run"));
    if (!argv[first]) {
        fputs("lockhound: which program? (lockhound --help explains)\n", stderr);
        return EXIT_USAGE;
    }
    const char *users = getenv(RUN_ENVIRONMENT_OPTIONS);
    settings_from_text(settings, users ? users : "");
    session_begin(&f.session);
    int status = session_load_rules(&f.session) ? run_session(&f, argv + first) : EXIT_USAGE;
    if (f.run_file) {
        forget_shared(&f);
        if (f.is_temporary)
            unlink(f.run_file);
    }
    session_end(&f.session);
    free(f.held_back);
    if (f.fatal_signal)
        launch_die_by(f.fatal_signal);
    return status;
}

/* command_ps.c: `lockhound ps PID`: asks a program that runs with dump-signal for a picture of its threads and locks.
 *
 *   /proc/PID/environ --> signal, name of the run file --> /proc/PID/fd/N, read --> "state" record --> text
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/output.h"
#include "report/format_live.h"
#include "report/path.h"
#include "report/resolve.h"

#define POLL_MS    20
#define PATIENCE_S 10

struct question {
    struct session session;
    pid_t pid;
    int signal;
    const char *run_file; /* as its options name it; "" for anonymous memory */
    uint64_t asked_ns;
    bool was_answered, was_shown;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- what the process tells of itself --------------------------------------------------------------------------- */

static bool complain(const struct question *q, const char *what)
{
    fprintf(stderr, "lockhound: process %d %s\n", (int)q->pid, what);
    return false;
}

static bool read_proc(const struct question *q, const char *name, struct buffer *text)
{
    char path[64], bytes[4096];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)q->pid, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "lockhound: cannot read %s: %s\n", path,
                errno == ENOENT ? "there is no such process" : strerror(errno));
        return false;
    }
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        buffer_add(text, bytes, n);
    fclose(file);
    buffer_add(text, "", 1);
    return true;
}

/* Returns: the value of LOCKHOUND_OPTIONS, or NULL. */
static const char *find_options(const struct buffer *environment)
{
    static const char name[] = RUN_ENVIRONMENT_OPTIONS "=";
    for (size_t at = 0; at < environment->length; at += strlen(environment->data + at) + 1)
        if (strncmp(environment->data + at, name, sizeof name - 1) == 0)
            return environment->data + at + sizeof name - 1;
    return NULL;
}

/* Returns: the number that `digits` is all of, or 0. */
static unsigned long whole_number(const char *digits)
{
    return *digits && strspn(digits, "0123456789") == strlen(digits) ? strtoul(digits, NULL, 10) : 0;
}

static bool read_options(struct question *q)
{
    struct buffer environment = {0};
    struct pool *pool = &q->session.settings.pool;
    bool was_read = read_proc(q, "environ", &environment);
    const char *options = was_read ? find_options(&environment) : NULL;
    const char *name = options ? settings_find(pool, options, "dump-signal") : NULL;
    q->run_file = options ? settings_find(pool, options, "output") : NULL;
    q->signal = name ? settings_signal(name) : 0;
    buffer_free(&environment);
    if (!was_read)
        return false;
    if (!name)
        return complain(q, "was not started with --dump-signal: start it as `lockhound --dump-signal=QUIT PROGRAM`");
    return q->signal != 0 || complain(q, "has a dump-signal that is none");
}

/* Returns: true when the process runs with the library and catches the signal: without a handler it would die of it. */
static bool is_listening(struct question *q)
{
    struct buffer maps = {0}, status = {0};
    bool was_read = read_proc(q, "maps", &maps) && read_proc(q, "status", &status);
    bool is_preloaded = was_read && strstr(maps.data, "liblockhound.so");
    const char *caught = was_read ? strstr(status.data, "SigCgt:") : NULL;
    uint64_t mask = caught ? strtoull(caught + strlen("SigCgt:"), NULL, 16) : 0;
    buffer_free(&maps);
    buffer_free(&status);
    if (was_read && !is_preloaded)
        return complain(q, "does not run under lockhound");
    return was_read && ((mask >> (q->signal - 1) & 1) != 0 || complain(q, "does not catch its dump-signal (any more)"));
}

/* ---- the run file ----------------------------------------------------------------------------------------------- */

static bool is_run_file(const struct question *q, const char *target)
{
    static const char anonymous[] = "/memfd:lockhound";
    if (q->run_file && *q->run_file)
        return strcmp(path_base(target), path_base(q->run_file)) == 0;
    return strncmp(target, anonymous, sizeof anonymous - 1) == 0;
}

/* Returns: its name below /proc, or NULL after a complaint. */
static const char *find_run_file(struct question *q)
{
    char folder[64], target[4096];
    const char *found = NULL;
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)q->pid);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && !found && (entry = readdir(list));) {
        ssize_t length = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (length > 0 && is_run_file(q, target))
            found = pool_format(&q->session.settings.pool, "%s/%s", folder, entry->d_name);
    }
    if (list)
        closedir(list);
    if (!found)
        complain(q, "has no run file open (has it closed every descriptor?)");
    return found;
}

/* ---- question and answer ---------------------------------------------------------------------------------------- */

static const char *doing(int64_t pid, int64_t tid)
{
    char path[96], text[512];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/task/%" PRId64 "/stat", pid, tid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    const char *end = strrchr(text, ')');
    if (!end || strlen(end) < 3)
        return "has ended meanwhile";
    return end[2] == 'R' ? "runs" : "sleeps, in a call that lockhound does not watch";
}

static void take_state(void *ctx, struct run *run, struct run_finding *state)
{
    (void)run;
    struct question *q = ctx;
    struct buffer text = {0};
    if (state->process->pid == q->pid && state->time_ns >= q->asked_ns && !q->was_answered) {
        q->was_answered = true;
        finding_resolve(state, q->session.intake.symbols);
        format_text_live(&text, state, doing);
        q->was_shown = output_show(&text);
        buffer_free(&text);
    }
    finding_free(state);
}

static bool ask(struct question *q, const char *path)
{
    struct run_reader reader;
    int status = run_reader_open(&reader, path, &q->session.run, NULL, q);
    if (status < 0) {
        fprintf(stderr, "lockhound: cannot read %s: %s\n", path, strerror(-status));
        return false;
    }
    reader.take_state = take_state;
    run_reader_poll(&reader); /* what was asked before */
    q->asked_ns = now_ns();
    bool was_sent = kill(q->pid, q->signal) == 0 || complain(q, strerror(errno));
    for (int i = 0; was_sent && !q->was_answered && i < PATIENCE_S * 1000 / POLL_MS; i++) {
        poll(NULL, 0, POLL_MS);
        run_reader_poll(&reader);
    }
    run_reader_close(&reader);
    return was_sent && (q->was_answered || complain(q, "gives no answer: is its dump-signal blocked in every thread?"));
}

int command_ps_main(int argc, char **argv)
{
    struct question q = {0};
    int first = settings_parse(&q.session.settings, argc, argv, FOR_PS, true);
    if (first < 0)
        return EXIT_USAGE;
    if (q.session.settings.wants_help)
        return command_print_help(command_find("ps"));
    const char *word = argv[first];
    if (!word || argv[first + 1] || strlen(word) > 9 || whole_number(word) == 0) {
        fputs("lockhound: ps takes the number of one process\n", stderr);
        return EXIT_USAGE;
    }
    q.pid = (pid_t)whole_number(word);
    session_begin(&q.session);
    q.asked_ns = UINT64_MAX;
    const char *path = read_options(&q) && is_listening(&q) ? find_run_file(&q) : NULL;
    int status = path && ask(&q, path) && q.was_shown ? EXIT_OK : EXIT_FAILED;
    session_end(&q.session);
    return status;
}

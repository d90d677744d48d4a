#include "preload/sink.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "detector/live.h"
#include "preload/arena.h"
#include "preload/contention.h"
#include "preload/dump.h"
#include "preload/helper_command.h"
#include "preload/intercept/process.h"
#include "preload/lockhound.h"
#include "preload/ranks.h"
#include "preload/raw_signal.h"
#include "preload/real.h"
#include "preload/record.h"
#include "preload/run_file.h"
#include "preload/run_output.h"
#include "preload/self.h"
#include "preload/sharing_report.h"
#include "preload/stacks.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/plane.h"
#include "preload/weave/unseen_thread.h"

enum { NOTE_CODES_MAX = 32 };

static struct {
    pid_t pid;
    bool forked; /* a child without exec: its process record waits until it has something to say, or its end */
    bool process_recorded;
    bool complained; /* the run file cannot be written: said once */
    uint64_t findings;
    const char *notes[NOTE_CODES_MAX];
    unsigned note_count;
    struct run_counts at_fork; /* in a forked child: what is its parent's */
} sink;

void sink_complain(const char *what, const char *detail, size_t detail_length)
{
    char line[512];
    size_t length = 0;
    const char *const parts[] = {"lockhound: ", detail, " ", what, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t part = parts[i] == detail ? detail_length : strlen(parts[i]);
        if (part > sizeof line - 1 - length)
            part = sizeof line - 1 - length;
        memcpy(line + length, parts[i], part);
        length += part;
    }
    raw_write_all(STDERR_FILENO, line, length);
}

static bool is_out_of_reach(int failed)
{
    static const int reasons[] = {EACCES, EPERM, ENOENT, ENOTDIR, EISDIR, EROFS};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (failed == -reasons[i])
            return true;
    return false;
}

/* The run file is out of reach, as it is to a server that has given up its rights and started another program: what this
 * process finds is kept in memory and printed from here, as without a run file.  holds(OWN_RANK_SINK) */
static int append_in_memory(const struct text *text, uint64_t *offset)
{
    char *path = lockhound.options.output;
    if (!lockhound.followed) /* else it is no mistake of the user's */
        sink_complain("cannot be written; what this process finds is printed", path, strlen(path));
    path[0] = '\0';
    lockhound.followed = false;
    record_forget_modules();
    return run_output_append("", text->at, text->length, offset);
}

/* holds(OWN_RANK_SINK) */
static bool append(const struct text *text, uint64_t *offset)
{
    const char *path = lockhound.options.output;
    int failed = text->failed ? -ENOMEM : run_output_append(path, text->at, text->length, offset);
    if (path[0] != '\0' && is_out_of_reach(failed))
        failed = append_in_memory(text, offset);
    if (failed != 0 && !sink.complained) {
        sink.complained = true;
        const char *name = path[0] == '\0' ? "the run file" : path;
        sink_complain("cannot be written; findings are printed without symbols", name, strlen(name));
    }
    return failed == 0;
}

/* holds(OWN_RANK_SINK) */
static void introduce_process(struct text *text)
{
    if (sink.process_recorded)
        return;
    sink.process_recorded = true;
    record_process(text, sink.pid, (pid_t)raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0), sink.forked);
}

void sink_init(void)
{
    sink.pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    run_output_make_absolute(lockhound.options.output);
    if (lockhound.options.output[0] == '\0' && !dump_is_wanted())
        return; /* nothing is written before there is something to say */
    struct text text = {0};
    uint64_t offset;
    rank_enter(OWN_RANK_SINK);
    introduce_process(&text);
    append(&text, &offset);
    rank_leave(OWN_RANK_SINK);
    text_release(&text);
}

void sink_fork_child(void)
{
    sink.pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    sink.forked = true;
    sink.process_recorded = false;
    sink.findings = 0;
    record_forget_modules();
    run_output_fork_child(lockhound.options.output);
    contention_fork_child();
}

void sink_note(const char *code, const char *note)
{
    struct text text = {0};
    uint64_t offset;
    bool known = false;
    rank_enter(OWN_RANK_SINK);
    for (unsigned i = 0; i < sink.note_count; i++)
        known |= strcmp(sink.notes[i], code) == 0;
    if (!known && sink.note_count < NOTE_CODES_MAX) {
        sink.notes[sink.note_count++] = code;
        introduce_process(&text);
        record_note(&text, sink.pid, code, note);
        append(&text, &offset);
    }
    rank_leave(OWN_RANK_SINK);
    text_release(&text);
}

/* Where no command can be started: the finding without symbols is better than none. */
static void print_raw(const char *slug)
{
    bool kept = lockhound.options.output[0] != '\0';
    sink_complain(
        kept ? "found, but the lockhound command could not be started to print it: `lockhound report FILE` will"
             : "found, but the lockhound command could not be started to print it; output=FILE would keep it",
        slug, strlen(slug));
}

bool sink_ends_program(bool certain_hang)
{
    enum on_deadlock action = lockhound.options.on_deadlock;
    return action != ON_DEADLOCK_CONTINUE && (action != ON_DEADLOCK_AUTO || certain_hang);
}

void sink_end_program(void)
{
    process_say_end();
    if (lockhound.options.on_deadlock == ON_DEADLOCK_ABORT) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        real.sigaction(SIGABRT, &standard, NULL);
        raw_mask_change(SIG_UNBLOCK, RAW_SIGNAL_BIT(SIGABRT));
        raw_syscall(SYS_tgkill, sink.pid, raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGABRT, 0, 0, 0);
    }
    uint32_t status = lockhound.options.error_exitcode;
    raw_syscall(SYS_exit_group, status == 0 ? LOCKHOUND_EXIT_FINDINGS : (long)status, 0, 0, 0, 0, 0);
}

void sink_hung(void)
{
    if (sink_ends_program(true))
        sink_end_program();
}

/* holds(OWN_RANK_SINK), which it leaves.  The record of the finding begins in `text` at `begins`. */
static void deliver(struct text *text, size_t begins, enum finding_kind kind)
{
    uint64_t offset = 0;
    char name[RUN_OUTPUT_NAME_SIZE];
    bool written = append(text, &offset);
    sink.findings++;
    run_output_name(lockhound.options.output, name);
    rank_leave(OWN_RANK_SINK);
    size_t length = text->length - begins;
    text_release(text);
    if (!lockhound.followed && !(written && helper_print(name, offset + begins, length, false)))
        print_raw(finding_slug(kind));
}

void sink_finding(const struct finding *finding)
{
    struct text text = {0};
    rank_enter(OWN_RANK_SINK);
    introduce_process(&text);
    size_t begins = record_finding(&text, sink.pid, finding);
    deliver(&text, begins, finding->kind);
    bool may_end = finding->kind == FINDING_DEADLOCK || finding->certain_hang;
    if (may_end && sink_ends_program(finding->certain_hang))
        sink_end_program();
}

void sink_shared_finding(enum finding_kind kind, const struct shared_finding *finding)
{
    struct text text = {0};
    rank_enter(OWN_RANK_SINK);
    introduce_process(&text);
    size_t begins = sharing_report_record(&text, sink.pid, finding);
    deliver(&text, begins, kind);
}

static void add_live_state(void *text, const struct finding *finding)
{
    record_live_state(text, sink.pid, finding);
}

void sink_live_state(void)
{
    struct text text = {0};
    uint64_t offset;
    rank_enter(OWN_RANK_SINK);
    introduce_process(&text);
    detector_live(lockhound.detector, add_live_state, &text);
    append(&text, &offset);
    rank_leave(OWN_RANK_SINK);
    text_release(&text);
}

enum { CONTENTION_LOCKS_MAX = 256 };

static void add_contention(void *text, struct contention_lock *lock)
{
    record_contention(text, sink.pid, lock);
}

static void read_counts(struct run_counts *counts)
{
    *counts = (struct run_counts){.stacks = stacks_count(), .memory_bytes = arena_used()};
    detector_counts(lockhound.detector, &counts->detector);
    if (plane_engine() != NULL)
        race_counts(plane_engine(), &counts->races);
    counts->untraced = access_trace_left();
    self_sum_events(&counts->events, &counts->handlers_unseen);
}

void summary_fork_child(void)
{
    read_counts(&sink.at_fork);
    /* What is as high as it is, whoever made it so. */
    sink.at_fork.stacks = sink.at_fork.memory_bytes = sink.at_fork.detector.threads_live_max = 0;
    if (sink.at_fork.detector.threads > 0)
        sink.at_fork.detector.threads--; /* the one that is here */
}

/* Takes away what the parent had counted before the fork: the sum over processes counts it there. */
static void leave_out_parent(struct run_counts *counts)
{
    enum { NUMBERS = sizeof *counts / sizeof(uint64_t) };
    _Static_assert(sizeof *counts % sizeof(uint64_t) == 0, "numbers of 64 bits alone");
    uint64_t mine[NUMBERS], parent[NUMBERS];
    memcpy(mine, counts, sizeof mine);
    memcpy(parent, &sink.at_fork, sizeof parent);
    for (size_t i = 0; i < NUMBERS; i++)
        mine[i] -= mine[i] < parent[i] ? mine[i] : parent[i];
    memcpy(counts, mine, sizeof mine);
}

static bool has_something_to_say(void)
{
    return sink.findings > 0 || sink.note_count > 0 || lockhound.options.contention || lockhound.options.verbose;
}

/* Whoever reads the run file counts the processes. */
static bool is_worth_a_summary(const char *reason)
{
    bool is_kept = lockhound.options.output[0] != '\0' && (!sink.forked || strcmp(reason, "exit") == 0);
    return is_kept || has_something_to_say();
}

void summary_write(const char *reason)
{
    if (contention_was_cut())
        sink_note("contention-cut", "more places took locks than contention counts: those met last are missing there");
    if (unseen_thread_has_come())
        sink_note("raw-threads-by-instruction", "the program made threads by instructions of its own: what they do is "
                                                "not seen, and no data race and no hang "
                                                "of all threads was told from then on");
    if (!is_worth_a_summary(reason))
        return;
    bool is_silent = sink.forked && !has_something_to_say(); /* only counted, where that can be, and nothing printed */
    struct run_counts counts;
    read_counts(&counts);
    leave_out_parent(&counts);
    struct text text = {0};
    uint64_t offset = 0;
    char name[RUN_OUTPUT_NAME_SIZE];
    rank_enter(OWN_RANK_SINK);
    introduce_process(&text);
    if (lockhound.options.contention)
        contention_each_lock(CONTENTION_LOCKS_MAX, add_contention, &text);
    record_summary(&text, sink.pid, reason, &counts);
    bool written = is_silent ? run_output_append(lockhound.options.output, text.at, text.length, &offset) == 0
                             : append(&text, &offset);
    run_output_name(lockhound.options.output, name);
    rank_leave(OWN_RANK_SINK);
    if (written && !is_silent && !lockhound.followed)
        helper_print(name, offset, text.length, true);
    text_release(&text);
}

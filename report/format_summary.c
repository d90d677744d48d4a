/* format_summary.c: the end of a text report: how much was found, what was covered, what was lost and why. */
#include <inttypes.h>
#include <string.h>

#include "report/catalogue.h"
#include "report/debuginfod.h"
#include "report/escape.h"
#include "report/format_text.h"
#include "report/path.h"
#include "report/resolve.h"

#define LINES_SHOWN 10

static void add_plural(struct buffer *out, uint64_t count, const char *thing)
{
    buffer_printf(out, "%" PRIu64 " %s%s", count, thing, count == 1 ? "" : "s");
}

static void add_kinds(struct buffer *out, const struct run *run)
{
    const char *separator = ": ";
    for (const struct run_finding *f = run->findings; f; f = f->next) {
        uint64_t count = 0;
        bool is_first = true;
        for (const struct run_finding *g = run->findings; g; g = g->next) {
            if (strcmp(f->kind, g->kind) == 0) {
                is_first = is_first && (g == f || count > 0);
                count++;
                if (!is_first)
                    break;
            }
        }
        if (is_first) {
            buffer_printf(out, "%s%" PRIu64 " ", separator, count);
            escape_text(out, f->kind);
            separator = ", ";
        }
    }
}

static uint64_t repeats(const struct run *run)
{
    uint64_t count = run_get_count(run, "repeats");
    for (const struct run_finding *f = run->findings; f; f = f->next)
        count += f->count - 1;
    return count;
}

static void add_headline(struct buffer *out, const struct run *run)
{
    buffer_string(out, "lockhound: ");
    if (run->finding_count) {
        add_plural(out, run->finding_count, "finding");
        add_kinds(out, run);
    } else {
        buffer_string(out, "nothing found");
    }
    uint64_t repeated = repeats(run);
    if (repeated) {
        buffer_string(out, "; ");
        add_plural(out, repeated, "repeat");
        buffer_string(out, " not shown");
    }
    if (run->suppressed)
        buffer_printf(out, "; %zu suppressed", run->suppressed);
    buffer_string(out, "\n");
}

static void add_count(struct buffer *out, uint64_t count, const char *thing)
{
    if (count) {
        buffer_string(out, ", ");
        add_plural(out, count, thing);
    }
}

/* The counts that tell a user what was looked at. */
static void add_coverage(struct buffer *out, const struct run *run)
{
    buffer_printf(out, "  covered: %zu process%s", run->process_count, run->process_count == 1 ? "" : "es");
    add_count(out, run_get_count(run, "threads"), "thread");
    add_count(out, run_get_count(run, "events"), "call");
    add_count(out, run_get_count(run, "mutex") + run_get_count(run, "rwlock") + run_get_count(run, "spinlock"), "lock");
    add_count(out, run_get_count(run, "order_edges"), "lock-order edge");
    buffer_string(out, "\n");
}

/* What a count of something lost means to the user. */
static const struct {
    const char *name, *one, *many, *why;
} losses[] = {
    {"lost_trace", "access not in the trace", "accesses not in the trace",
     "--trace-accesses had been reached; what is in it stays right"},
    {"lost_race_history", "piece of the history of accesses", "pieces of the history of accesses",
     "addresses of one place in the history, or too many threads at one place; races there may be missed"},
    {"lost_atomics", "piece of memory whose atomics share one clock", "pieces of memory whose atomics share one clock",
     "too many addresses are used atomically; more is taken for ordered than is"},
    {"lost_order", "time that threads were ordered unseen", "times that threads were ordered unseen",
     "by a plain store before an address was known as atomic, or in a signal handler; races with what came before are "
     "not reported"},
    {"lost_races", "seeming data race not reported", "seeming data races not reported",
     "order was lost before, for want of memory or by threads unseen, or an allocator's own operator new gave the "
     "memory out unseen"},
};

static void add_loss(struct buffer *out, const struct run_count *count)
{
    const char *what = count->name + strlen("lost_"), *why = "a memory budget was spent; what was reported stays right";
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        if (strcmp(losses[i].name, count->name) == 0) {
            what = count->value == 1 ? losses[i].one : losses[i].many;
            why = losses[i].why;
        }
    }
    buffer_printf(out, "  lost: %" PRIu64 " ", count->value);
    escape_text(out, what);
    buffer_printf(out, " (%s)\n", why);
}

static void add_losses(struct buffer *out, const struct run *run)
{
    for (const struct run_count *c = run->counts; c; c = c->next)
        if (c->value && strncmp(c->name, "lost_", strlen("lost_")) == 0)
            add_loss(out, c);
    for (const struct run_note *note = run->notes; note; note = note->next) {
        buffer_string(out, "  note: ");
        escape_text(out, note->text);
        if (note->count > 1)
            buffer_printf(out, " (in %" PRIu64 " processes)", note->count);
        buffer_string(out, "\n");
    }
}

static void add_unfinished_process(struct buffer *out, const struct run_process *p)
{
    const char *name = sigabbrev_np(p->fatal_signal);
    buffer_printf(out, "  process %" PRId64 " (", p->pid);
    escape_text(out, path_base(p->exe));
    if (p->fatal_signal && name)
        buffer_printf(out, ") was ended by SIG%s", name);
    else if (p->fatal_signal)
        buffer_printf(out, ") was ended by signal %d", p->fatal_signal);
    else
        buffer_string(out, ") has not ended or was killed");
    buffer_string(out, p->reason ? "\n" : ": its counts are missing, its findings are here\n");
}

static void add_unfinished(struct buffer *out, const struct run *run)
{
    size_t shown = 0, count = 0;
    for (const struct run_process *p = run->processes; p; p = p->next) {
        if ((p->reason || p->was_replaced) && !p->fatal_signal)
            continue;
        if (++count <= LINES_SHOWN / 2) {
            add_unfinished_process(out, p);
            shown++;
        }
    }
    if (count > shown)
        buffer_printf(out, "  ... and %zu more such processes\n", count - shown);
}

static void add_problems(struct buffer *out, const struct run *run)
{
    size_t shown = 0;
    for (const struct run_problem *p = run->problems; p && shown < LINES_SHOWN; p = p->next, shown++) {
        buffer_string(out, "  ");
        escape_text(out, p->file);
        buffer_printf(out, ": at byte %" PRIu64 ": ", p->offset);
        escape_text(out, p->text);
        buffer_string(out, "\n");
    }
    if (run->problem_count > shown)
        buffer_printf(out, "  ... and %zu more unreadable records\n", run->problem_count - shown);
}

static void add_gap(void *ctx, const char *path, const char *why)
{
    struct buffer *out = ctx;
    buffer_string(out, "  no symbols for ");
    escape_text(out, path);
    buffer_string(out, ": ");
    escape_text(out, why);
    buffer_string(out, "\n");
}

static void add_rules(struct buffer *out, const struct suppressions *rules)
{
    struct buffer review = {0};
    suppressions_review(rules, &review);
    for (const char *line = review.data; line && *line;) {
        const char *end = strchr(line, '\n');
        char one[512];
        size_t length = (size_t)(end - line) < sizeof one ? (size_t)(end - line) : sizeof one - 1;
        memcpy(one, line, length);
        one[length] = '\0';
        buffer_string(out, "  ");
        escape_text(out, one);
        buffer_string(out, "\n");
        line = end + 1;
    }
    buffer_free(&review);
}

void format_text_summary(struct buffer *out, const struct run *run, const struct symbols *symbols,
                         const struct suppressions *rules, const struct text_style *style)
{
    buffer_string(out, style->has_colour ? "\033[1m" : "");
    add_headline(out, run);
    buffer_string(out, style->has_colour ? "\033[0m" : "");
    add_coverage(out, run);
    add_losses(out, run);
    add_unfinished(out, run);
    add_problems(out, run);
    if (symbols) {
        symbols_visit_gaps(symbols, add_gap, out);
        if (debuginfod_is_given_up()) {
            buffer_string(out,
                          "  note: a debuginfod server did not answer and was asked for nothing more; names may be "
                          "missing that it has\n");
        }
    }
    if (rules)
        add_rules(out, rules);
}

#include <fcntl.h>
#include <string.h>

#include "lockhound/version.h"
#include "preload/clock.h"
#include "preload/lockhound.h"
#include "preload/raw.h"
#include "preload/record.h"
#include "preload/record_members.h"
#include "preload/run_file.h"

enum { COMMAND_LINE_MAX = 64 << 10, EXECUTABLE_MAX = 4096 };

/* ,"argv":["x","-y"] from the arguments as the kernel keeps them: each ends in a zero byte. */
static void append_arguments(struct text *text)
{
    static char arguments[COMMAND_LINE_MAX]; /* under OWN_RANK_SINK */
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long size = fd < 0 ? 0 : raw_syscall(SYS_read, fd, (long)arguments, sizeof arguments, 0, 0, 0);
    if (fd >= 0)
        raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    record_key(text, "argv");
    text_string(text, "[");
    for (long at = 0; at < size;) {
        size_t length = strnlen(arguments + at, (size_t)(size - at));
        text_string(text, at == 0 ? "" : ",");
        text_json_bytes(text, arguments + at, length);
        at += (long)length + 1;
    }
    text_string(text, "]");
}

static void append_executable(struct text *text)
{
    char path[EXECUTABLE_MAX];
    long length = raw_syscall(SYS_readlink, (long)"/proc/self/exe", (long)path, sizeof path, 0, 0, 0);
    record_key(text, "exe");
    text_json_bytes(text, path, length > 0 ? (size_t)length : 0);
}

void record_process(struct text *text, pid_t pid, pid_t ppid, bool forked)
{
    record_begin(text, RUN_RECORD_PROCESS, pid);
    record_number(text, "format", RUN_FILE_FORMAT);
    record_string(text, "version", LOCKHOUND_VERSION);
    record_number(text, "ppid", (uint64_t)ppid);
    record_number(text, "time_ns", clock_wall_ns());
    append_executable(text);
    append_arguments(text);
    record_bool(text, "forked", forked);
    record_string(text, "options", lockhound.options_text);
    record_end(text);
}

void record_note(struct text *text, pid_t pid, const char *code, const char *note)
{
    record_begin(text, RUN_RECORD_NOTE, pid);
    record_string(text, "code", code);
    record_string(text, "text", note);
    record_end(text);
}

static void append_count(struct text *text, const char *name, uint64_t count, bool first)
{
    text_string(text, first ? "\"" : ",\"");
    text_string(text, name);
    text_string(text, "\":");
    text_number(text, count);
}

void record_summary(struct text *text, pid_t pid, const char *reason, const struct run_counts *counts)
{
    const struct detector_counts *d = &counts->detector;
    record_begin(text, RUN_RECORD_SUMMARY, pid);
    record_number(text, "time_ns", clock_wall_ns());
    record_string(text, "reason", reason);
    record_key(text, "counts");
    text_string(text, "{");
    append_count(text, "events", counts->events, true);
    append_count(text, "handlers_unseen", counts->handlers_unseen, false);
    append_count(text, "threads", d->threads, false);
    append_count(text, "threads_live_max", d->threads_live_max, false);
    append_count(text, "repeats", d->repeats, false);
    for (int kind = 0; kind < OBJECT_KIND_COUNT; kind++)
        append_count(text, object_kind_name((enum object_kind)kind), d->objects[kind], false);
    append_count(text, "order_edges", d->order_edges, false);
    append_count(text, "order_dependencies", d->order_dependencies, false);
    append_count(text, "order_cycles_filtered", d->order_cycles_filtered, false);
    append_count(text, "lost_dependencies", d->lost_dependencies, false);
    append_count(text, "lost_objects", d->lost_objects, false);
    append_count(text, "lost_history", d->lost_history, false);
    append_count(text, "accesses", counts->races.accesses, false);
    append_count(text, "sync_addresses", counts->races.sync_addresses, false);
    append_count(text, "lost_race_history", counts->races.history_dropped, false);
    append_count(text, "lost_atomics", counts->races.syncs_spilled, false);
    append_count(text, "lost_order", counts->races.orders_trusted, false);
    append_count(text, "lost_races", counts->races.withheld, false);
    append_count(text, "lost_trace", counts->untraced, false);
    append_count(text, "stacks", counts->stacks, false);
    append_count(text, "memory_bytes", counts->memory_bytes, false);
    text_string(text, "}");
    record_end(text);
}

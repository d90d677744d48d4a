#include "report/format_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockhound/version.h"
#include "report/catalogue.h"
#include "report/contention.h"
#include "report/escape.h"
#include "report/json_values.h"
#include "report/resolve.h"

/* ---- a finding -------------------------------------------------------------------------------------------------- */

struct stack_table {
    json_t *list;
};

static json_t *frame_value(const struct symbol_frame *frame, bool is_folded)
{
    json_t *value = json_object();
    json_set_bytes(value, "function", frame->function);
    json_set_bytes(value, "file", frame->file);
    if (frame->line)
        json_object_set_new(value, "line", json_unsigned(frame->line));
    if (frame->column)
        json_object_set_new(value, "column", json_unsigned(frame->column));
    if (frame->is_inlined)
        json_object_set_new(value, "inlined", json_true());
    if (frame->is_interrupted)
        json_object_set_new(value, "interrupted", json_true());
    if (is_folded)
        json_object_set_new(value, "runtime", json_true());
    if (frame->module) {
        json_set_bytes(value, "module", frame->module->path);
        json_set_bytes(value, "build_id", frame->module->build_id);
    }
    json_object_set_new(value, frame->module ? "offset" : "address", json_hexadecimal(frame->offset));
    return value;
}

/* Returns: the place of `stack` in "stacks", or null when it has no frames. */
static json_t *stack_reference(struct stack_table *table, const struct run_stack *stack)
{
    if (!stack->symbol_count)
        return json_null();
    json_t *frames = json_array();
    for (size_t i = 0; i < stack->symbol_count; i++) {
        bool is_folded = i < stack->user_first || i >= stack->user_end;
        json_array_append_new(frames, frame_value(&stack->symbols[i], is_folded));
    }
    size_t place = 0;
    while (place < json_array_size(table->list) && !json_equal(json_array_get(table->list, place), frames))
        place++;
    if (place == json_array_size(table->list))
        json_array_append(table->list, frames);
    json_decref(frames);
    return json_unsigned(place);
}

static json_t *access_value(const struct run_access *access)
{
    json_t *value = json_object();
    json_object_set_new(value, "address", json_hexadecimal(access->address));
    json_object_set_new(value, "size", json_unsigned(access->size));
    json_object_set_new(value, "atomic", json_boolean(access->is_atomic));
    json_object_set_new(value, "library", json_boolean(access->is_by_library));
    json_object_set_new(value, "guess", json_boolean(access->is_guess));
    json_object_set_new(value, "lost", json_boolean(access->is_lost));
    if (access->has_value)
        json_object_set_new(value, "value", json_hexadecimal(access->value));
    return value;
}

static json_t *held_value(struct stack_table *table, const struct run_held *held)
{
    json_t *value = json_object();
    if (held->object)
        json_object_set_new(value, "object", json_unsigned(held->object->id));
    else
        json_object_set_new(value, "gone", json_true());
    json_object_set_new(value, "mode", json_string(held->is_shared ? "shared" : "exclusive"));
    json_object_set_new(value, "stack", stack_reference(table, &held->stack));
    return value;
}

static json_t *party_value(struct stack_table *table, const struct run_party *party)
{
    json_t *value = json_object();
    json_object_set_new(value, "role", json_bytes(party->role));
    json_object_set_new(value, "thread", json_unsigned(party->thread->id));
    json_object_set_new(value, "pid", json_integer(party->thread->pid));
    json_object_set_new(value, "stack", stack_reference(table, &party->stack));
    if (party->object)
        json_object_set_new(value, "object", json_unsigned(party->object->id));
    if (party->has_access)
        json_object_set_new(value, "access", access_value(&party->access));
    else if (party->object)
        json_object_set_new(value, "mode", json_string(party->is_shared ? "shared" : "exclusive"));
    json_object_set_new(value, "timed", json_boolean(party->is_timed));
    if (party->signal_number)
        json_object_set_new(value, "signal", json_unsigned((uint64_t)party->signal_number));
    json_t *held = json_array();
    for (size_t i = 0; i < party->held_count; i++)
        json_array_append_new(held, held_value(table, &party->held[i]));
    for (size_t i = 0; i < party->gone_count; i++)
        json_array_append_new(held, held_value(table, &party->gone[i]));
    json_object_set_new(value, "held", held);
    return value;
}

static json_t *object_value(struct stack_table *table, const struct run_object *object)
{
    static const char *const places[] = {"unknown", "static", "stack", "heap", "shared", "descriptor", "libc"};
    json_t *value = json_object();
    json_object_set_new(value, "id", json_unsigned(object->id));
    json_object_set_new(value, "kind", json_bytes(object->kind));
    json_object_set_new(value, "name", json_bytes(object->name));
    json_set_bytes(value, "named_by", object->named_by);
    if (object->elements)
        json_object_set_new(value, "elements", json_unsigned(object->elements));
    json_set_bytes(value, "type", object->type);
    json_object_set_new(value, "address", json_hexadecimal(object->address));
    json_object_set_new(value, "where", json_string(places[object->where]));
    if (object->module) {
        json_set_bytes(value, "module", object->module->path);
        json_object_set_new(value, "offset", json_hexadecimal(object->offset));
    }
    json_set_bytes(value, "path", object->path);
    if (object->where == WHERE_DESCRIPTOR)
        json_object_set_new(value, "descriptor", json_unsigned(object->number));
    json_set_bytes(value, "what", object->what);
    if (object->stack_thread)
        json_object_set_new(value, "stack_of_thread", json_unsigned(object->stack_thread));
    if (object->init_thread) {
        bool is_thread = strcmp(object->kind, "thread") == 0;
        json_object_set_new(value, is_thread ? "thread" : "init_thread", json_unsigned(object->init_thread));
    }
    if (object->size)
        json_object_set_new(value, "size", json_unsigned(object->size));
    if (object->block_size) {
        json_object_set_new(value, "block", json_hexadecimal(object->block));
        json_object_set_new(value, "block_size", json_unsigned(object->block_size));
    }
    json_object_set_new(value, "init_stack", stack_reference(table, &object->init_stack));
    return value;
}

static json_t *thread_value(struct stack_table *table, const struct run_thread *thread)
{
    json_t *value = json_object();
    json_object_set_new(value, "id", json_unsigned(thread->id));
    json_object_set_new(value, "pid", json_integer(thread->pid));
    json_set_bytes(value, "process", thread->process);
    json_object_set_new(value, "tid", json_integer(thread->tid));
    json_object_set_new(value, "name", json_bytes(thread->name));
    if (thread->creator)
        json_object_set_new(value, "creator", json_unsigned(thread->creator));
    json_object_set_new(value, "creation_stack", stack_reference(table, &thread->created));
    return value;
}

static json_t *heard_value(struct stack_table *table, const struct run_heard *heard)
{
    json_t *value = json_object();
    json_object_set_new(value, "how", json_bytes(heard->how));
    json_object_set_new(value, "message", json_bytes(heard->message));
    if (heard->object)
        json_object_set_new(value, "object", json_unsigned(heard->object->id));
    if (heard->created)
        json_object_set_new(value, "thread", json_unsigned(heard->created->id));
    json_object_set_new(value, "stack", stack_reference(table, &heard->stack));
    return value;
}

static void set_lists(json_t *value, const struct run_finding *f)
{
    struct stack_table table = {json_array()};
    if (*f->heard.message)
        json_object_set_new(value, "last_heard", heard_value(&table, &f->heard));
    json_t *parties = json_array(), *objects = json_array(), *threads = json_array();
    for (size_t i = 0; i < f->party_count; i++)
        json_array_append_new(parties, party_value(&table, &f->parties[i]));
    for (size_t i = 0; i < f->object_count; i++)
        json_array_append_new(objects, object_value(&table, &f->objects[i]));
    for (size_t i = 0; i < f->thread_count; i++)
        json_array_append_new(threads, thread_value(&table, &f->threads[i]));
    json_object_set_new(value, "parties", parties);
    json_object_set_new(value, "threads", threads);
    json_object_set_new(value, "objects", objects);
    json_object_set_new(value, "stacks", table.list);
}

static json_t *finding_value(const struct run_finding *f)
{
    const char *remedy = finding_remedy(f);
    json_t *value = json_object();
    json_object_set_new(value, "kind", json_bytes(f->kind));
    json_set_bytes(value, "form", f->form);
    json_object_set_new(value, "severity", json_string(f->severity));
    json_object_set_new(value, "fingerprint", json_string(f->fingerprint));
    json_object_set_new(value, "message", json_bytes(f->message));
    json_set_bytes(value, "detail", f->detail);
    if (f->number)
        json_object_set_new(value, "number", json_unsigned(f->number));
    json_set_bytes(value, "remedy", remedy);
    json_object_set_new(value, "count", json_unsigned(f->count));
    json_object_set_new(value, "certain_hang", json_boolean(f->is_certain_hang));
    if (f->came_true)
        json_object_set_new(value, "came_true", json_string(f->came_true->fingerprint));
    if (f->foretold)
        json_object_set_new(value, "foretold", json_string(f->foretold->fingerprint));
    json_object_set_new(value, "pid", json_integer(f->process->pid));
    json_object_set_new(value, "time_ns", json_unsigned(f->time_ns));
    if (f->memory)
        json_object_set_new(value, "memory", json_unsigned(f->memory->id));
    set_lists(value, f);
    return value;
}

/* ---- the document ----------------------------------------------------------------------------------------------- */

static json_t *process_value(const struct run_process *p)
{
    json_t *value = json_object(), *argv = json_array();
    json_object_set_new(value, "pid", json_integer(p->pid));
    json_object_set_new(value, "ppid", json_integer(p->ppid));
    json_object_set_new(value, "exe", json_bytes(p->exe));
    for (size_t i = 0; i < p->argc; i++)
        json_array_append_new(argv, json_bytes(p->argv[i]));
    json_object_set_new(value, "argv", argv);
    json_object_set_new(value, "forked", json_boolean(p->was_forked));
    json_object_set_new(value, "ended", json_bytes(p->reason ? p->reason : p->was_replaced ? "exec" : "unknown"));
    if (p->fatal_signal)
        json_object_set_new(value, "signal", json_integer(p->fatal_signal));
    return value;
}

static json_t *program_value(const struct run *run)
{
    if (run->processes)
        return process_value(run->processes);
    static const struct run_process none = {.exe = ""};
    return process_value(&none);
}

static void count_kinds(json_t *kinds, const struct run *run)
{
    for (size_t i = 0; i < catalogue_count; i++)
        json_object_set_new(kinds, catalogue[i].slug, json_integer(0));
    for (const struct run_finding *f = run->findings; f; f = f->next) {
        struct buffer clean = {0};
        escape_utf8(&clean, f->kind);
        json_int_t count = json_integer_value(json_object_get(kinds, clean.data));
        json_object_set_new(kinds, clean.data, json_integer(count + 1));
        buffer_free(&clean);
    }
}

static void add_gap(void *ctx, const char *path, const char *why)
{
    json_t *gap = json_object();
    json_object_set_new(gap, "module", json_bytes(path));
    json_object_set_new(gap, "reason", json_bytes(why));
    json_array_append_new(ctx, gap);
}

static json_t *summary_value(const struct run *run, const struct symbols *symbols)
{
    json_t *value = json_object(), *kinds = json_object(), *counts = json_object();
    json_t *notes = json_array(), *problems = json_array(), *gaps = json_array();
    count_kinds(kinds, run);
    for (const struct run_count *c = run->counts; c; c = c->next) {
        struct buffer clean = {0};
        escape_utf8(&clean, c->name);
        json_object_set_new(counts, clean.data, json_unsigned(c->value));
        buffer_free(&clean);
    }
    for (const struct run_note *n = run->notes; n; n = n->next) {
        json_t *note = json_object();
        json_object_set_new(note, "code", json_bytes(n->code));
        json_object_set_new(note, "text", json_bytes(n->text));
        json_object_set_new(note, "processes", json_unsigned(n->count));
        json_array_append_new(notes, note);
    }
    for (const struct run_problem *p = run->problems; p; p = p->next) {
        json_t *problem = json_object();
        json_object_set_new(problem, "file", json_bytes(p->file));
        json_object_set_new(problem, "offset", json_unsigned(p->offset));
        json_object_set_new(problem, "text", json_bytes(p->text));
        json_array_append_new(problems, problem);
    }
    symbols_visit_gaps(symbols, add_gap, gaps);
    json_object_set_new(value, "findings", json_unsigned(run->finding_count));
    json_object_set_new(value, "suppressed", json_unsigned(run->suppressed));
    json_object_set_new(value, "processes", json_unsigned(run->process_count));
    json_object_set_new(value, "kinds", kinds);
    json_object_set_new(value, "counts", counts);
    json_object_set_new(value, "notes", notes);
    json_object_set_new(value, "unreadable_records", json_unsigned(run->problem_count));
    json_object_set_new(value, "problems", problems);
    json_object_set_new(value, "modules_without_symbols", gaps);
    return value;
}

/* ---- contention -------------------------------------------------------------------------------------------------- */

static json_t *times_value(const struct contention_times *times)
{
    json_t *value = json_object();
    json_object_set_new(value, "total_ns", json_unsigned(times->total_ns));
    json_object_set_new(value, "p50_ns", json_unsigned(contention_percentile(times, 50)));
    json_object_set_new(value, "p99_ns", json_unsigned(contention_percentile(times, 99)));
    json_object_set_new(value, "max_ns", json_unsigned(times->max_ns));
    return value;
}

static void set_numbers(json_t *value, const struct contention_numbers *numbers)
{
    json_object_set_new(value, "acquisitions", json_unsigned(numbers->acquisitions));
    json_object_set_new(value, "contended", json_unsigned(numbers->contended));
    json_object_set_new(value, "wait", times_value(&numbers->wait));
    json_object_set_new(value, "hold", times_value(&numbers->hold));
}

static json_t *contention_value(const struct run *run)
{
    json_t *list = json_array();
    for (const struct contention_lock *lock = run->contended; lock; lock = lock->next) {
        json_t *value = json_object(), *sites = json_array();
        struct stack_table table = {json_array()};
        json_object_set_new(value, "name", json_bytes(lock->name));
        json_object_set_new(value, "kind", json_bytes(lock->object.kind));
        json_object_set_new(value, "locks", json_unsigned(lock->locks));
        set_numbers(value, &lock->numbers);
        for (const struct contention_site *site = lock->sites; site; site = site->next) {
            json_t *one = json_object();
            json_object_set_new(one, "stack", stack_reference(&table, &site->stack));
            json_object_set_new(one, "mode", json_string(site->is_shared ? "shared" : "exclusive"));
            set_numbers(one, &site->numbers);
            json_array_append_new(sites, one);
        }
        json_object_set_new(value, "sites", sites);
        json_object_set_new(value, "stacks", table.list);
        json_array_append_new(list, value);
    }
    return list;
}

void format_json(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    json_t *document = json_object(), *processes = json_array(), *findings = json_array();
    for (const struct run_process *p = run->processes; p; p = p->next)
        json_array_append_new(processes, process_value(p));
    for (const struct run_finding *f = run->findings; f; f = f->next)
        json_array_append_new(findings, finding_value(f));
    json_object_set_new(document, "schema_version", json_integer(REPORT_SCHEMA_VERSION));
    json_object_set_new(document, "lockhound", json_string(LOCKHOUND_VERSION));
    json_object_set_new(document, "program", program_value(run));
    json_object_set_new(document, "processes", processes);
    json_object_set_new(document, "summary", summary_value(run, symbols));
    json_object_set_new(document, "findings", findings);
    if (run->contended)
        json_object_set_new(document, "contention", contention_value(run));
    json_write(out, document);
}

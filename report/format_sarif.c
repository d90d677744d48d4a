#include "report/format_sarif.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lockhound/version.h"
#include "report/catalogue.h"
#include "report/json_values.h"
#include "report/path.h"
#include "report/resolve.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

/* ---- places ----------------------------------------------------------------------------------------------------- */

/* Returns: {"uri": ...} of a path; bytes that a URI cannot hold are written %XX. */
static json_t *artifact(const char *path)
{
    struct buffer uri = {0};
    buffer_string(&uri, *path == '/' ? "file://" : "");
    for (const char *c = path; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("/-._~+", *c))
            buffer_add(&uri, c, 1);
        else
            buffer_printf(&uri, "%%%02X", (unsigned char)*c);
    json_t *value = json_object();
    json_object_set_new(value, "uri", json_stringn(uri.data, uri.length));
    buffer_free(&uri);
    return value;
}

static json_t *physical_location(const struct symbol_frame *frame)
{
    json_t *physical = json_object();
    if (frame->file) {
        json_object_set_new(physical, "artifactLocation", artifact(frame->file));
        if (frame->line) {
            json_t *region = json_object();
            json_object_set_new(region, "startLine", json_unsigned(frame->line));
            if (frame->column)
                json_object_set_new(region, "startColumn", json_unsigned(frame->column));
            json_object_set_new(physical, "region", region);
        }
        return physical;
    }
    json_t *address = json_object();
    if (frame->module)
        json_object_set_new(physical, "artifactLocation", artifact(frame->module->path));
    json_object_set_new(address, frame->module ? "relativeAddress" : "absoluteAddress", json_unsigned(frame->offset));
    json_object_set_new(physical, "address", address);
    return physical;
}

static json_t *location(const struct symbol_frame *frame)
{
    json_t *value = json_object();
    json_object_set_new(value, "physicalLocation", physical_location(frame));
    if (frame->function) {
        json_t *logical = json_object(), *list = json_array();
        json_object_set_new(logical, "fullyQualifiedName", json_bytes(frame->name));
        json_object_set_new(logical, "kind", json_string("function"));
        json_array_append_new(list, logical);
        json_object_set_new(value, "logicalLocations", list);
    }
    return value;
}

static void set_message(json_t *object, json_t *text)
{
    json_t *message = json_object();
    json_object_set_new(message, "text", text);
    json_object_set_new(object, "message", message);
}

static const struct symbol_frame *top_frame(const struct run_stack *stack)
{
    return stack->user_first < stack->user_end ? &stack->symbols[stack->user_first] : NULL;
}

static json_t *stack_value(const struct run_stack *stack, json_t *title)
{
    json_t *value = json_object(), *frames = json_array();
    set_message(value, title);
    for (size_t i = stack->user_first; i < stack->user_end; i++) {
        json_t *frame = json_object();
        json_object_set_new(frame, "location", location(&stack->symbols[i]));
        if (stack->symbols[i].module)
            json_object_set_new(frame, "module", json_bytes(path_base(stack->symbols[i].module->path)));
        json_array_append_new(frames, frame);
    }
    json_object_set_new(value, "frames", frames);
    return value;
}

/* ---- a finding -------------------------------------------------------------------------------------------------- */

/* Adds one step of a thread: what it did, where, with the whole stack. */
static void add_step(json_t *steps, const struct run_stack *stack, const char *what, const char *object,
                     const char *kind)
{
    const struct symbol_frame *top = top_frame(stack);
    if (!top)
        return;
    json_t *step = json_object(), *place = location(top), *kinds = json_array();
    set_message(place, json_printf("%s %s", what, object));
    json_object_set_new(step, "location", place);
    json_object_set_new(step, "stack", stack_value(stack, json_printf("%s %s", what, object)));
    json_array_append_new(kinds, json_string(kind));
    json_array_append_new(kinds, json_string(strcmp(kind, "danger") == 0 ? "memory" : "lock"));
    json_object_set_new(step, "kinds", kinds);
    json_array_append_new(steps, step);
}

static json_t *thread_flow(const struct run_finding *f, const struct run_party *party)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < party->held_count; i++)
        add_step(steps, &party->held[i].stack, "takes", party->held[i].object->name, "acquire");
    add_step(steps, &party->stack, party_verb(f, party), party->object ? party->object->name : "",
             party->has_access ? "danger" : "call");
    if (json_array_size(steps) == 0) {
        json_decref(steps);
        return NULL;
    }
    json_t *flow = json_object();
    json_object_set_new(flow, "id", json_printf("T%" PRIu32 " %s", party->thread->id, party->thread->name));
    json_object_set_new(flow, "locations", steps);
    return flow;
}

static void set_code_flows(json_t *result, const struct run_finding *f)
{
    json_t *threads = json_array();
    for (size_t i = 0; i < f->party_count; i++) {
        json_t *flow = thread_flow(f, &f->parties[i]);
        if (flow)
            json_array_append_new(threads, flow);
    }
    if (json_array_size(threads) == 0) {
        json_decref(threads);
        return;
    }
    json_t *flow = json_object(), *flows = json_array();
    json_object_set_new(flow, "threadFlows", threads);
    json_array_append_new(flows, flow);
    json_object_set_new(result, "codeFlows", flows);
}

static void add_related(json_t *list, const struct run_stack *stack, json_t *text)
{
    const struct symbol_frame *top = top_frame(stack);
    if (!top) {
        json_decref(text);
        return;
    }
    json_t *place = location(top);
    set_message(place, text);
    json_array_append_new(list, place);
}

/* Of a data race: the other side, and where the heap block came from. */
static void set_related(json_t *result, const struct run_finding *f)
{
    if (!f->memory)
        return;
    json_t *list = json_array();
    for (size_t i = 1; i < f->party_count; i++) {
        const struct run_party *party = &f->parties[i];
        add_related(list, &party->stack,
                    json_printf("T%" PRIu32 " %s %s", party->thread->id, party_verb(f, party), f->memory->name));
    }
    add_related(list, &f->heard.stack, json_bytes(f->heard.message));
    add_related(list, &f->memory->init_stack, json_string("allocated here"));
    json_object_set_new(result, "relatedLocations", list);
}

static json_t *message_text(const struct run_finding *f)
{
    struct buffer text = {0};
    buffer_string(&text, f->message);
    if (*f->heard.message)
        buffer_printf(&text, ". %s.", f->heard.message);
    json_t *value = json_bytes(text.data);
    buffer_free(&text);
    return value;
}

static json_t *result_value(const struct run_finding *f)
{
    json_t *result = json_object(), *locations = json_array(), *fingerprints = json_object();
    const struct catalogue_entry *entry = catalogue_find(f->kind);
    json_object_set_new(result, "ruleId", json_bytes(f->kind));
    if (entry)
        json_object_set_new(result, "ruleIndex", json_integer((json_int_t)(entry - catalogue)));
    json_object_set_new(result, "level", json_string(f->severity));
    set_message(result, message_text(f));
    const struct symbol_frame *top = top_frame(&f->parties[0].stack);
    if (top)
        json_array_append_new(locations, location(top));
    json_object_set_new(result, "locations", locations);
    set_related(result, f);
    set_code_flows(result, f);
    json_object_set_new(fingerprints, "lockhound/v1", json_string(f->fingerprint));
    json_object_set_new(result, "partialFingerprints", fingerprints);
    json_object_set_new(result, "occurrenceCount", json_unsigned(f->count));
    return result;
}

/* ---- the log ---------------------------------------------------------------------------------------------------- */

static json_t *text_object(json_t *text)
{
    json_t *value = json_object();
    json_object_set_new(value, "text", text);
    return value;
}

static json_t *rule_value(const struct catalogue_entry *entry)
{
    json_t *rule = json_object(), *configuration = json_object();
    json_object_set_new(rule, "id", json_string(entry->slug));
    json_object_set_new(rule, "shortDescription", text_object(json_printf("lockhound found %s.", entry->title)));
    json_object_set_new(rule, "help", text_object(json_string(entry->remedy)));
    json_object_set_new(configuration, "level", json_string(entry->severity));
    json_object_set_new(rule, "defaultConfiguration", configuration);
    return rule;
}

static json_t *tool_value(void)
{
    json_t *tool = json_object(), *driver = json_object(), *rules = json_array();
    for (size_t i = 0; i < catalogue_count; i++)
        json_array_append_new(rules, rule_value(&catalogue[i]));
    json_object_set_new(driver, "name", json_string("lockhound"));
    json_object_set_new(driver, "version", json_string(LOCKHOUND_VERSION));
    json_object_set_new(driver, "rules", rules);
    json_object_set_new(tool, "driver", driver);
    return tool;
}

static void add_gap(void *ctx, const char *path, const char *why)
{
    json_t *notification = json_object();
    set_message(notification, json_printf("no symbols for %s: %s", path, why));
    json_object_set_new(notification, "level", json_string("note"));
    json_array_append_new(ctx, notification);
}

static json_t *invocation_value(const struct run *run, const struct symbols *symbols)
{
    json_t *invocation = json_object(), *notifications = json_array();
    for (const struct run_problem *p = run->problems; p; p = p->next) {
        json_t *notification = json_object();
        set_message(notification, json_printf("%s: at byte %" PRIu64 ": %s", p->file, p->offset, p->text));
        json_object_set_new(notification, "level", json_string("warning"));
        json_array_append_new(notifications, notification);
    }
    symbols_visit_gaps(symbols, add_gap, notifications);
    json_object_set_new(invocation, "executionSuccessful", json_true());
    json_object_set_new(invocation, "toolExecutionNotifications", notifications);
    return invocation;
}

void format_sarif(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    json_t *log = json_object(), *runs = json_array(), *only = json_object();
    json_t *results = json_array(), *invocations = json_array();
    for (const struct run_finding *f = run->findings; f; f = f->next)
        json_array_append_new(results, result_value(f));
    json_array_append_new(invocations, invocation_value(run, symbols));
    json_object_set_new(only, "tool", tool_value());
    json_object_set_new(only, "invocations", invocations);
    json_object_set_new(only, "results", results);
    json_array_append_new(runs, only);
    json_object_set_new(log, "$schema", json_string(SCHEMA));
    json_object_set_new(log, "version", json_string("2.1.0"));
    json_object_set_new(log, "runs", runs);
    json_write(out, log);
}

#include "report/format_live.h"

#include <inttypes.h>
#include <string.h>

#include "report/escape.h"
#include "report/path.h"
#include "report/resolve.h"
#include "report/symbols.h"

#define FRAMES_SHOWN  4
#define HOLDERS_SHOWN 4

static void add_thread(struct buffer *out, const struct run_thread *thread)
{
    buffer_printf(out, "T%" PRIu32, thread->id);
    if (*thread->name) {
        buffer_string(out, " '");
        escape_text(out, thread->name);
        buffer_string(out, "'");
    }
}

/* "transfer bank.c:31 < worker bank.c:50" */
static void add_stack(struct buffer *out, const struct run_stack *stack)
{
    size_t shown = 0;
    for (size_t i = stack->user_first; i < stack->user_end && shown < FRAMES_SHOWN; i++) {
        const struct symbol_frame *frame = &stack->symbols[i];
        if (stack_is_folded(stack, i))
            continue;
        buffer_string(out, shown++ ? " < " : "");
        escape_text(out, frame->name ? frame->name : "??");
        if (frame->file) {
            buffer_string(out, " ");
            escape_text(out, path_base(frame->file));
            buffer_printf(out, ":%" PRIu32, frame->line);
        } else if (frame->module) {
            buffer_string(out, " ");
            escape_text(out, path_base(frame->module->path));
            buffer_printf(out, "+0x%" PRIx64, frame->offset);
        }
    }
    buffer_string(out, shown ? "" : "??");
}

/* ---- who blocks whom -------------------------------------------------------------------------------------------- */

static bool holds(const struct run_party *party, const struct run_object *object)
{
    for (size_t i = 0; i < party->held_count; i++)
        if (party->held[i].object == object)
            return true;
    return false;
}

static bool blocks(const struct run_party *by, const struct run_party *waiter)
{
    const struct run_object *object = waiter->object;
    if (!object)
        return false;
    return strcmp(object->kind, "thread") == 0 ? by->thread->id == object->init_thread
                                               : by != waiter && holds(by, object);
}

static const struct run_party *first_blocker(const struct run_finding *state, const struct run_party *waiter)
{
    for (size_t i = 0; i < state->party_count; i++)
        if (blocks(&state->parties[i], waiter))
            return &state->parties[i];
    return NULL;
}

static void add_blockers(struct buffer *out, const struct run_finding *state, const struct run_party *waiter)
{
    size_t count = 0;
    for (size_t i = 0; i < state->party_count; i++) {
        if (!blocks(&state->parties[i], waiter) || ++count > HOLDERS_SHOWN)
            continue;
        buffer_string(out, count == 1 ? ", blocked by " : ", ");
        add_thread(out, state->parties[i].thread);
    }
    if (count > HOLDERS_SHOWN)
        buffer_printf(out, " and %zu more", count - HOLDERS_SHOWN);
}

/* Says a circle once: at the one of its threads that stands first. */
static void add_circle(struct buffer *out, const struct run_finding *state, const struct run_party *start)
{
    const struct run_party *at = start;
    for (size_t steps = 0; at && steps <= state->party_count; steps++) {
        at = at->is_timed ? NULL : first_blocker(state, at);
        if (!at || at < start)
            return;
        if (at == start)
            break;
    }
    if (at != start)
        return;
    buffer_string(out, "  deadlock: ");
    do {
        add_thread(out, at->thread);
        buffer_string(out, " waits for ");
        at = first_blocker(state, at);
    } while (at != start);
    add_thread(out, start->thread);
    buffer_string(out, "\n");
}

/* ---- the picture ------------------------------------------------------------------------------------------------ */

static void add_wait(struct buffer *out, const struct run_finding *state, const struct run_party *party)
{
    const struct run_object *object = party->object;
    buffer_string(out, "waits");
    if (object && strcmp(object->kind, "thread") == 0) {
        const struct run_thread *target = finding_thread(state, object->init_thread);
        buffer_string(out, " for the end of ");
        if (target)
            add_thread(out, target);
        else
            buffer_printf(out, "T%" PRIu32, object->init_thread);
    } else if (object) {
        buffer_string(out, " for `");
        escape_text(out, object->name);
        buffer_string(out, party->is_shared ? "` to read" : "`");
    }
    buffer_string(out, party->is_timed ? " (with a time limit)" : "");
    add_blockers(out, state, party);
    buffer_string(out, "\n      in ");
    add_stack(out, &party->stack);
    buffer_string(out, "\n");
}

static void add_party(struct buffer *out, const struct run_finding *state, const struct run_party *party,
                      const char *(*doing)(int64_t pid, int64_t tid))
{
    buffer_string(out, "  ");
    add_thread(out, party->thread);
    buffer_printf(out, " (%" PRId64 ") ", party->thread->tid);
    if (strcmp(party->role, "waits") == 0)
        add_wait(out, state, party);
    else
        buffer_printf(out, "%s\n", doing(state->process->pid, party->thread->tid));
    for (size_t i = 0; i < party->held_count; i++) {
        buffer_string(out, "      holds `");
        escape_text(out, party->held[i].object->name);
        buffer_string(out, party->held[i].is_shared ? "` to read, taken in " : "`, taken in ");
        add_stack(out, &party->held[i].stack);
        buffer_string(out, "\n");
    }
}

void format_text_live(struct buffer *out, const struct run_finding *state,
                      const char *(*doing)(int64_t pid, int64_t tid))
{
    size_t waiting = 0;
    for (size_t i = 0; i < state->party_count; i++)
        waiting += strcmp(state->parties[i].role, "waits") == 0;
    buffer_printf(out, "process %" PRId64 " (", state->process->pid);
    escape_text(out, path_base(state->process->exe));
    buffer_printf(out, "): %zu thread%s, %zu waiting\n", state->party_count, state->party_count == 1 ? "" : "s",
                  waiting);
    for (size_t i = 0; i < state->party_count; i++)
        add_party(out, state, &state->parties[i], doing);
    for (size_t i = 0; i < state->party_count; i++)
        add_circle(out, state, &state->parties[i]);
}

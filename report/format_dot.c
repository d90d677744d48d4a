#include "report/format_dot.h"

#include <inttypes.h>
#include <string.h>

#include "report/escape.h"
#include "report/path.h"
#include "report/resolve.h"

void dot_add_quoted(struct buffer *out, const char *bytes)
{
    struct buffer clean = {0};
    escape_text(&clean, bytes);
    for (size_t i = 0; i < clean.length; i++) {
        if (clean.data[i] == '"' || clean.data[i] == '\\')
            buffer_string(out, "\\");
        buffer_add(out, clean.data + i, 1);
    }
    buffer_free(&clean);
}

void dot_add_place(struct buffer *out, const struct run_stack *stack)
{
    if (stack->user_first == stack->user_end)
        return;
    const struct symbol_frame *frame = &stack->symbols[stack->user_first];
    buffer_string(out, "\\n");
    dot_add_quoted(out, frame->name ? frame->name : "??");
    if (frame->file) {
        buffer_string(out, " ");
        dot_add_quoted(out, path_base(frame->file));
        buffer_printf(out, ":%" PRIu32, frame->line);
    }
}

/* "T2 writer"; a thread without a name is its number alone. */
static void add_thread(struct buffer *out, const struct run_thread *thread)
{
    buffer_printf(out, "T%" PRIu32 "%s", thread->id, *thread->name ? " " : "");
    dot_add_quoted(out, thread->name);
}

static void add_arrow(struct buffer *out, size_t number, const struct run_party *party, const struct run_object *from)
{
    buffer_printf(out, "    f%zu_%" PRIu32 " -> f%zu_%" PRIu32 " [label=\"", number, from->id, number,
                  party->object->id);
    add_thread(out, party->thread);
    dot_add_place(out, &party->stack);
    buffer_string(out, "\"];\n");
}

/* A side of a race: from the thread to what it touches. */
static void add_access(struct buffer *out, size_t number, const struct run_party *party, const char *verb)
{
    buffer_printf(out, "    t%zu_%" PRIu32 " [shape=ellipse, label=\"", number, party->thread->id);
    add_thread(out, party->thread);
    buffer_printf(out, "\"];\n    t%zu_%" PRIu32 " -> f%zu_%" PRIu32 " [label=\"%s", number, party->thread->id, number,
                  party->object->id, verb);
    dot_add_place(out, &party->stack);
    buffer_string(out, "\"];\n");
}

static void add_finding(struct buffer *out, const struct run_finding *f, size_t number)
{
    buffer_printf(out, "  subgraph cluster_%zu {\n    label=\"", number);
    dot_add_quoted(out, f->message);
    buffer_printf(out, "\\n%s\";\n", f->fingerprint);
    for (size_t i = 0; i < f->object_count; i++) {
        buffer_printf(out, "    f%zu_%" PRIu32 " [label=\"", number, f->objects[i].id);
        dot_add_quoted(out, f->objects[i].name);
        buffer_string(out, "\"];\n");
    }
    for (size_t i = 0; i < f->party_count; i++) {
        if (f->parties[i].has_access && f->parties[i].object) {
            add_access(out, number, &f->parties[i], party_verb(f, &f->parties[i]));
            continue;
        }
        for (size_t k = 0; f->parties[i].object && k < f->parties[i].held_count; k++)
            add_arrow(out, number, &f->parties[i], f->parties[i].held[k].object);
    }
    buffer_string(out, "  }\n");
}

void format_dot(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    size_t number = 0;
    (void)symbols;
    buffer_string(out, "digraph lockhound {\n  node [shape=box, fontname=\"sans-serif\"];\n"
                       "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (const struct run_finding *f = run->findings; f; f = f->next)
        add_finding(out, f, number++);
    buffer_string(out, "}\n");
}

#include "report/format_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/escape.h"
#include "report/path.h"
#include "report/plain_name.h"
#include "report/resolve.h"

#define FRAMES_SHOWN   12
#define PARTIES_SHOWN  8
#define EXTRAS_SHOWN   6
#define UTF8_MASK      0xc0 /* of a byte that goes on a character */
#define UTF8_CONTINUES 0x80
#define UTF8_LONGEST   4
#define NAME_COLUMN    28
#define SOURCE_SHOWN   88
#define SOURCE_BEFORE  40 /* of it, before the column of a line that is longer */

#define RESET  "\033[0m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN  "\033[32m"

/* The text being written, and of what. */
struct writer {
    struct buffer *out;
    const struct run_finding *finding;
    bool has_colour;
    struct source_cache *sources;
    const char *directory; /* the current one: paths below it are shown relative to it */
    const char *build_id;  /* shown last: one frame of a module without symbols has it, for all that follow */
};

bool text_wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return !(no_colour && *no_colour) && isatty(fd) == 1 && !(terminal && strcmp(terminal, "dumb") == 0);
}

static void paint(struct writer *w, const char *colour)
{
    if (w->has_colour)
        buffer_string(w->out, colour);
}

static void add_name(struct writer *w, const char *name)
{
    paint(w, BOLD);
    buffer_string(w->out, "`");
    escape_text(w->out, name);
    buffer_string(w->out, "`");
    paint(w, RESET);
}

static void add_thread(struct writer *w, const struct run_thread *thread)
{
    paint(w, BOLD);
    buffer_printf(w->out, "T%" PRIu32, thread->id);
    if (*thread->name) {
        buffer_string(w->out, " '");
        escape_text(w->out, thread->name);
        buffer_string(w->out, "'");
    }
    paint(w, RESET);
    if (*thread->process) {
        buffer_printf(w->out, " of process %" PRId64 " (", thread->pid);
        escape_text(w->out, thread->process);
        buffer_string(w->out, ")");
    }
}

/* ---- stacks ----------------------------------------------------------------------------------------------------- */

static void add_place(struct writer *w, const struct symbol_frame *frame)
{
    if (frame->file) {
        size_t length = strlen(w->directory);
        bool is_below = length > 1 && strncmp(frame->file, w->directory, length) == 0 && frame->file[length] == '/';
        escape_text(w->out, is_below ? frame->file + length + 1 : frame->file);
        if (frame->line)
            buffer_printf(w->out, ":%" PRIu32, frame->line);
        if (frame->line && frame->column)
            buffer_printf(w->out, ":%" PRIu32, frame->column);
    } else if (frame->module) {
        escape_text(w->out, frame->module->path);
        buffer_printf(w->out, "+0x%" PRIx64, frame->offset);
        if (!frame->function && strcmp(w->build_id, frame->module->build_id) != 0) {
            w->build_id = frame->module->build_id;
            buffer_string(w->out, " (build-id ");
            escape_text(w->out, frame->module->build_id);
            buffer_string(w->out, ")");
        }
    } else if (!frame->function) {
        buffer_printf(w->out, "0x%" PRIx64, frame->offset);
    }
}

static void add_frame(struct writer *w, const struct symbol_frame *frame, size_t number, int indent)
{
    buffer_printf(w->out, "%*s#%zu ", indent, "", number);
    size_t begin = w->out->length;
    if (frame->is_runtime && frame->name) {
        struct buffer name = {0};
        plain_name_add(&name, frame->name);
        escape_text(w->out, name.data);
        buffer_free(&name);
    } else {
        escape_text(w->out, frame->name ? frame->name : "??");
    }
    size_t width = w->out->length - begin + (number > 9);
    buffer_printf(w->out, "%*s", width < NAME_COLUMN ? (int)(NAME_COLUMN - width) : 1, " ");
    paint(w, DIM);
    add_place(w, frame);
    if (frame->is_inlined)
        buffer_string(w->out, " (inlined)");
    paint(w, RESET);
    buffer_string(w->out, "\n");
}

/* Returns: `at`, or the beginning of the character that has that byte. */
static size_t character_at(const char *line, size_t at)
{
    for (int i = 1; i < UTF8_LONGEST && at > 0 && ((unsigned char)line[at] & UTF8_MASK) == UTF8_CONTINUES; i++)
        at--;
    return at;
}

/* The line of source below the innermost frame of the user's; of a long one the part around the column. */
static void add_source(struct writer *w, const struct symbol_frame *frame, int indent)
{
    size_t at = 0, begin = 0;
    const char *line = w->sources ? source_line(w->sources, frame, &at) : NULL;
    if (!line || !*line)
        return;
    size_t length = strlen(line), end = length;
    if (length > SOURCE_SHOWN) {
        begin = at < SOURCE_SHOWN - SOURCE_BEFORE ? 0 : at - SOURCE_BEFORE;
        begin = character_at(line, begin < length - SOURCE_SHOWN ? begin : length - SOURCE_SHOWN);
        end = begin + SOURCE_SHOWN < length ? character_at(line, begin + SOURCE_SHOWN) : length;
    }
    char part[SOURCE_SHOWN + 1] = {0};
    memcpy(part, line + begin, end - begin);
    buffer_printf(w->out, "%*s     ", indent, "");
    paint(w, DIM);
    buffer_string(w->out, begin ? "| ..." : "| ");
    escape_text(w->out, part);
    buffer_string(w->out, end < length ? "..." : "");
    paint(w, RESET);
    buffer_string(w->out, "\n");
}

static void add_stack(struct writer *w, const struct run_stack *stack, int indent)
{
    if (stack->user_first == stack->user_end)
        buffer_printf(w->out, "%*s(no stack)\n", indent, "");
    size_t number = 0;
    for (size_t i = stack->user_first; i < stack->user_end; i++) {
        if (number == FRAMES_SHOWN) {
            buffer_printf(w->out, "%*s... %zu more\n", indent, "", stack->user_end - i);
            return;
        }
        if (stack_is_folded(stack, i))
            continue;
        if (stack_follows_handler(stack, i))
            buffer_printf(w->out, "%*s%s\n", indent, "", STACK_SIGNAL_MARK);
        add_frame(w, &stack->symbols[i], number, indent);
        if (number == 0)
            add_source(w, &stack->symbols[i], indent);
        number++;
    }
}

/* ---- one thread's side ------------------------------------------------------------------------------------------ */

static bool is_central(const struct run_finding *f, const struct run_party *party, const struct run_object *object)
{
    for (size_t i = 0; i < f->party_count; i++)
        if (f->parties[i].object == object && (&f->parties[i] != party || strcmp(f->form, "self") == 0))
            return true;
    return f->party_count == 1 || party->object == object;
}

static void add_mode(struct writer *w, const struct run_object *object, bool is_shared)
{
    if (is_shared && strcmp(object->kind, "semaphore") != 0)
        buffer_string(w->out, " for reading");
    else if (strcmp(object->kind, "rwlock") == 0)
        buffer_string(w->out, " for writing");
}

/* "holds `a`, taken at" and its stack, for each lock that matters; the others in one line each. */
static bool add_held(struct writer *w, const struct run_party *party, bool central)
{
    bool any = false;
    for (size_t i = 0; i < party->held_count; i++) {
        const struct run_held *held = &party->held[i];
        bool is_said = party_is_holder(party) && held->object == party->object;
        if (is_said || is_central(w->finding, party, held->object) != central)
            continue;
        buffer_string(w->out, w->finding->memory ? "    holding "
                              : !central         ? "    and also holds "
                              : any              ? "    and holds "
                                                 : " holds ");
        add_name(w, held->object->name);
        add_mode(w, held->object, held->is_shared);
        if (central) {
            buffer_string(w->out, ", taken at\n");
            add_stack(w, &held->stack, 6);
        } else if (held->stack.user_first < held->stack.user_end) {
            buffer_string(w->out, ", taken at ");
            add_place(w, &held->stack.symbols[held->stack.user_first]);
            buffer_string(w->out, "\n");
        } else {
            buffer_string(w->out, "\n");
        }
        any = true;
    }
    return any;
}

/* Returns: false when there are none. */
static bool add_gone(struct writer *w, const struct run_party *party)
{
    for (size_t i = 0; i < party->gone_count; i++) {
        const struct run_stack *stack = &party->gone[i].stack;
        buffer_string(w->out, "    holding a lock that is gone by now");
        if (stack->user_first < stack->user_end) {
            buffer_string(w->out, ", taken at ");
            add_place(w, &stack->symbols[stack->user_first]);
        }
        buffer_string(w->out, "\n");
    }
    return party->gone_count > 0;
}

static void add_object_of_party(struct writer *w, const struct run_party *party)
{
    const struct run_object *object = party->object;
    const struct run_thread *meant =
        strcmp(object->kind, "thread") == 0 ? finding_thread(w->finding, object->init_thread) : NULL;
    if (meant == party->thread) {
        buffer_string(w->out, "itself");
    } else if (meant) {
        add_thread(w, meant);
        buffer_string(w->out, strcmp(party->role, "waits") == 0 ? " to end" : "");
    } else {
        add_name(w, object->name);
        buffer_string(w->out, strcmp(object->kind, "process") == 0 ? " to end" : "");
    }
    if (strcmp(party->role, "requests") == 0 || strcmp(party->role, "waits") == 0 || strcmp(party->role, "holds") == 0)
        add_mode(w, object, party->is_shared);
}

/* Returns: false when the line called no function of the C++ library for it. */
static bool add_library(struct writer *w, const struct run_party *party)
{
    struct buffer library = {0};
    bool is_through = party_add_library(&library, party);
    if (is_through) {
        buffer_string(w->out, ", through ");
        add_name(w, library.data);
        buffer_string(w->out, " called at");
    }
    buffer_free(&library);
    return is_through;
}

/* What the line called that made the access, when it did not do so itself. */
static void add_way(struct writer *w, const struct run_party *party)
{
    if (add_library(w, party))
        buffer_string(w->out, "\n");
    else if (party_is_by_libc(party))
        buffer_string(w->out, ", through a function of libc called at\n");
    else
        buffer_string(w->out, party->access.has_value ? ", at\n" : " at\n");
}

/* A race's side: what it touches, where, under which locks. */
static void add_access(struct writer *w, const struct run_party *party)
{
    struct buffer size = {0};
    party_add_size(&size, party);
    buffer_printf(w->out, " %s %s%s", party_verb(w->finding, party), size.length ? size.data : "",
                  size.length ? party_size_word(party) : "");
    buffer_free(&size);
    buffer_string(w->out, strcmp(party->role, "frees") == 0 ? "the block of " : "");
    add_name(w, party->object->name);
    if (party->access.has_value)
        buffer_printf(w->out, ", where 0x%" PRIx64 " stood", party->access.value);
    add_way(w, party);
    if (party->stack.symbol_count)
        add_stack(w, &party->stack, 6);
    else if (!party->access.is_lost)
        buffer_string(w->out, "      (no stack)\n");
    if (party->access.is_lost) {
        buffer_string(w->out, "      (too long ago: its stack and locks have aged out of the thread's history)\n");
    } else {
        bool any = add_held(w, party, false);
        if (!add_gone(w, party) && !any)
            buffer_string(w->out, "    holding no lock\n");
    }
}

static void add_party(struct writer *w, const struct run_party *party)
{
    buffer_string(w->out, "  ");
    add_thread(w, party->thread);
    if (party->signal_number) {
        const char *name = sigabbrev_np(party->signal_number);
        buffer_printf(w->out, ", in a handler of %s%s,", name ? "SIG" : "signal ", name ? name : "");
        if (!name)
            buffer_printf(w->out, "%d", party->signal_number);
    }
    if (party->has_access && party->object) {
        add_access(w, party);
        return;
    }
    if (party_has_ended(w->finding, party))
        buffer_string(w->out, ", which has ended,");
    bool any = add_held(w, party, true), has_stack = party->stack.symbol_count > 0;
    if (party->object) {
        buffer_printf(w->out, "%s%s ", any ? "    and " : " ", party_verb(w->finding, party));
        add_object_of_party(w, party);
        buffer_string(w->out, party->is_timed ? " (with a time limit)" : "");
        if (!has_stack || strcmp(party->object->kind, "futex") != 0 || !add_library(w, party))
            buffer_string(w->out, !has_stack ? "" : party_is_holder(party) ? ", taken at" : " at");
    } else if (has_stack) {
        buffer_string(w->out, any ? "    and is at" : " is at");
    }
    buffer_string(w->out, "\n");
    if (has_stack)
        add_stack(w, &party->stack, 6);
    add_held(w, party, false);
}

/* Where the order between the two sides of a race ends. */
static void add_heard(struct writer *w)
{
    const struct run_heard *heard = &w->finding->heard;
    if (!*heard->message)
        return;
    buffer_string(w->out, "  ");
    escape_text(w->out, heard->message);
    buffer_string(w->out, heard->stack.symbol_count ? ", at\n" : "\n");
    if (heard->stack.symbol_count)
        add_stack(w, &heard->stack, 6);
}

/* ---- objects and threads ---------------------------------------------------------------------------------------- */

static void add_where(struct writer *w, const struct run_object *object)
{
    const struct run_thread *owner = finding_thread(w->finding, object->stack_thread);
    switch (object->where) {
    case WHERE_STATIC:
        buffer_string(w->out, " in ");
        escape_text(w->out, path_base(object->module->path));
        break;
    case WHERE_STACK:
        buffer_string(w->out, " on the stack of ");
        if (owner)
            add_thread(w, owner);
        else
            buffer_string(w->out, "a thread");
        break;
    case WHERE_HEAP:
        buffer_string(w->out, " on the heap");
        break;
    case WHERE_SHARED:
        buffer_string(w->out, strcmp(object->kind, "file lock") == 0 ? " on " : " in shared memory ");
        escape_text(w->out, object->path);
        break;
    case WHERE_DESCRIPTOR:
    case WHERE_LIBC:
        return;
    case WHERE_UNKNOWN:
        break;
    }
    buffer_printf(w->out, ", at 0x%" PRIx64, object->address);
}

static void add_memory_kind(struct writer *w, const struct run_object *memory)
{
    if (memory->where == WHERE_DESCRIPTOR || memory->where == WHERE_LIBC) {
        buffer_string(w->out, " is ");
        escape_text(w->out, object_account(memory));
        return;
    }
    buffer_printf(w->out, " is %" PRIu64 " byte%s", memory->size, memory->size == 1 ? "" : "s");
    if (memory->type) {
        buffer_string(w->out, " of type ");
        escape_text(w->out, memory->type);
    }
    if (memory->block_size) {
        buffer_printf(w->out, ", at byte %" PRIu64 " of a block of %" PRIu64 " bytes", memory->address - memory->block,
                      memory->block_size);
    }
}

/* Whose word the name is, and what has to be true for it. */
static void add_namer(struct writer *w, const struct run_object *object)
{
    if (object->named_by) {
        buffer_string(w->out, ", called so in ");
        escape_text(w->out, object->named_by);
    }
    if (object->elements)
        buffer_printf(w->out, " (if the block is an array of %" PRIu64 ")", object->elements);
}

static void add_object(struct writer *w, const struct run_object *object)
{
    const struct run_object *alike = object_made_alike(w->finding, object);
    const struct run_thread *maker = finding_thread(w->finding, object->init_thread);
    bool is_memory = object == w->finding->memory;
    buffer_string(w->out, "  ");
    add_name(w, object->name);
    if (is_memory) {
        add_memory_kind(w, object);
    } else {
        buffer_string(w->out, " is a ");
        escape_text(w->out, object->kind);
    }
    add_where(w, object);
    add_namer(w, object);
    if (object->init_stack.symbol_count) {
        buffer_printf(w->out, ", %s", object_origin_verb(object));
        if (maker) {
            buffer_string(w->out, " by ");
            add_thread(w, maker);
        }
        if (alike) {
            buffer_string(w->out, " at the same place as ");
            add_name(w, alike->name);
            buffer_string(w->out, "\n");
            return;
        }
        buffer_string(w->out, " at\n");
        add_stack(w, &object->init_stack, 6);
    } else {
        buffer_string(w->out, "\n");
    }
}

static void add_creation(struct writer *w, const struct run_thread *thread)
{
    const struct run_thread *creator = finding_thread(w->finding, thread->creator);
    const struct run_thread *alike = thread_created_alike(w->finding, thread);
    buffer_string(w->out, "  ");
    add_thread(w, thread);
    buffer_string(w->out, " was created");
    if (creator) {
        buffer_string(w->out, " by ");
        add_thread(w, creator);
    }
    if (alike) {
        buffer_string(w->out, " at the same place as ");
        add_thread(w, alike);
        buffer_string(w->out, "\n");
        return;
    }
    buffer_string(w->out, " at\n");
    add_stack(w, &thread->created, 6);
}

static void add_background(struct writer *w)
{
    const struct run_finding *f = w->finding;
    size_t shown = 0;
    for (size_t i = 0; i < f->object_count && shown < EXTRAS_SHOWN; i++) {
        if (finding_shows_object(f, &f->objects[i])) {
            add_object(w, &f->objects[i]);
            shown++;
        }
    }
    shown = 0;
    for (size_t i = 0; i < f->thread_count && shown < EXTRAS_SHOWN; i++) {
        if (f->threads[i].created.symbol_count) {
            add_creation(w, &f->threads[i]);
            shown++;
        }
    }
}

static void add_last_line(struct writer *w)
{
    const struct run_finding *f = w->finding;
    buffer_string(w->out, "  ");
    paint(w, DIM);
    escape_text(w->out, f->kind);
    buffer_printf(w->out, ", %s, fingerprint %s", f->severity, f->fingerprint);
    if (f->count > 1)
        buffer_printf(w->out, ", seen %" PRIu64 " times", f->count);
    buffer_printf(w->out, ", in process %" PRId64 " (", f->process->pid);
    escape_text(w->out, path_base(f->process->exe));
    buffer_string(w->out, ")");
    paint(w, RESET);
    buffer_string(w->out, "\n\n");
}

/* What is said of the finding as a whole. */
static void add_end(struct writer *w)
{
    const struct run_finding *f = w->finding;
    const char *remedy = finding_remedy(f), *caveats[CAVEATS_MOST];
    for (size_t i = 0, count = finding_caveats(f, caveats); i < count; i++)
        buffer_printf(w->out, "  %s\n", caveats[i]);
    if (f->is_certain_hang)
        buffer_string(w->out, "  No thread of the program can ever run again.\n");
    if (f->foretold) {
        buffer_printf(w->out,
                      "  Their order is a finding of its own, the lock-order inversion with the fingerprint %s.\n",
                      f->foretold->fingerprint);
    }
    if (remedy) {
        paint(w, GREEN);
        buffer_printf(w->out, "  What usually mends it: %s\n", remedy);
        paint(w, RESET);
    }
    add_last_line(w);
}

/* The threads and stacks are those of the deadlock, which stands before it. */
static void add_came_true(struct writer *w)
{
    buffer_printf(
        w->out,
        "  It came true: the deadlock with the fingerprint %s is over the same locks, taken at the same places.\n",
        w->finding->came_true->fingerprint);
}

void format_text_finding(struct buffer *out, const struct run_finding *finding, const struct text_style *style)
{
    char *directory = getcwd(NULL, 0);
    struct writer w = {out, finding, style->has_colour, style->sources, directory ? directory : "", ""};
    paint(&w, strcmp(finding->severity, "error") == 0 ? RED : YELLOW);
    buffer_string(out, "lockhound: ");
    escape_text(out, finding->message);
    paint(&w, RESET);
    buffer_string(out, "\n");
    if (finding->came_true) {
        add_came_true(&w);
        add_last_line(&w);
        free(directory);
        return;
    }
    for (size_t i = 0; i < finding->party_count && i < PARTIES_SHOWN; i++)
        if (!party_is_repeat(finding, &finding->parties[i]))
            add_party(&w, &finding->parties[i]);
    if (finding->party_count > PARTIES_SHOWN)
        buffer_printf(out, "  ... and %zu more threads\n", finding->party_count - PARTIES_SHOWN);
    add_heard(&w);
    format_text_lanes(out, finding);
    add_background(&w);
    add_end(&w);
    free(directory);
}

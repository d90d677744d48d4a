/* message.c: one sentence a finding: what happened, to which objects, by whom. */
#include <inttypes.h>
#include <string.h>

#include "report/catalogue.h"
#include "report/path.h"
#include "report/resolve.h"

#define NAMES_LISTED 4

static void add_thread(struct buffer *out, const struct run_thread *thread)
{
    buffer_printf(out, "T%" PRIu32, thread->id);
    if (*thread->name)
        buffer_printf(out, " '%s'", thread->name);
    if (*thread->process)
        buffer_printf(out, " of process %" PRId64 " (%s)", thread->pid, thread->process);
}

static bool was_wanted_before(const struct run_finding *f, size_t party)
{
    for (size_t i = 0; i < party; i++)
        if (f->parties[i].object == f->parties[party].object)
            return true;
    return false;
}

/* "`lock`", "the end of T2" */
static void add_what(struct buffer *out, const struct run_finding *f, const struct run_object *object)
{
    const struct run_thread *meant =
        strcmp(object->kind, "thread") == 0 ? finding_thread(f, object->init_thread) : NULL;
    if (meant) {
        buffer_string(out, "the end of ");
        add_thread(out, meant);
    } else if (strcmp(object->kind, "thread") == 0 || strcmp(object->kind, "process") == 0) {
        buffer_printf(out, "the end of %s", object->name);
    } else {
        buffer_printf(out, "`%s`", object->name);
    }
}

/* Two names are put in order, so that the sentence does not depend on which thread came first. */
static bool add_pair(struct buffer *out, const struct run_finding *f)
{
    if (f->party_count != 2 || !f->parties[0].object || !f->parties[1].object ||
        f->parties[0].object == f->parties[1].object)
        return false;
    const struct run_object *a = f->parties[0].object, *b = f->parties[1].object;
    bool is_ordered = strcmp(a->name, b->name) <= 0;
    add_what(out, f, is_ordered ? a : b);
    buffer_string(out, " and ");
    add_what(out, f, is_ordered ? b : a);
    return true;
}

/* Adds "`a`, `b` and `c`": what the parties want, each once. */
static void add_wanted(struct buffer *out, const struct run_finding *f)
{
    size_t count = 0, listed = 0;
    if (add_pair(out, f))
        return;
    for (size_t i = 0; i < f->party_count; i++)
        count += f->parties[i].object && !was_wanted_before(f, i);
    size_t most = count == NAMES_LISTED + 1 ? count : NAMES_LISTED; /* one more name is as short as "and 1 more" */
    for (size_t i = 0; i < f->party_count && listed < most; i++) {
        if (f->parties[i].object && !was_wanted_before(f, i)) {
            bool is_last = listed + 1 == count;
            buffer_string(out, listed == 0 ? "" : is_last ? " and " : ", ");
            add_what(out, f, f->parties[i].object);
            listed++;
        }
    }
    if (listed < count)
        buffer_printf(out, " and %zu more", count - listed);
}

static void add_lock_order(struct buffer *out, const struct run_finding *f)
{
    buffer_string(out, "potential deadlock: ");
    add_wanted(out, f);
    buffer_string(out,
                  f->party_count == 2 ? " are taken in opposite orders" : " are taken in orders that form a circle");
}

static void add_detail(struct buffer *out, const struct run_finding *f)
{
    bool says_it_all = strchr(f->detail, ':') != NULL;
    if (*f->detail && f->number && !says_it_all)
        buffer_printf(out, " (%s: %" PRIu64 ")", f->detail, f->number);
    else if (*f->detail)
        buffer_printf(out, " (%s)", f->detail);
}

static size_t count_sleepers(const struct run_finding *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->party_count; i++)
        count += !party_has_ended(f, &f->parties[i]);
    return count;
}

static void add_crowd(struct buffer *out, size_t threads)
{
    if (threads == 1)
        buffer_string(out, "the only thread sleeps and none is left to wake it");
    else if (threads == 2)
        buffer_string(out, "both threads sleep and none is left to wake them");
    else
        buffer_printf(out, "all %zu threads sleep and none is left to wake another", threads);
}

static bool are_of_several(const struct run_finding *f)
{
    for (size_t i = 1; i < f->party_count; i++)
        if (f->parties[i].thread && f->parties[0].thread && f->parties[i].thread->pid != f->parties[0].thread->pid)
            return true;
    return false;
}

static bool waits_for_ends(const struct run_finding *f)
{
    for (size_t i = 0; i < f->party_count; i++)
        if (f->parties[i].object && strcmp(f->parties[i].object->kind, "thread") != 0)
            return false;
    return true;
}

static void add_deadlock(struct buffer *out, const struct run_finding *f)
{
    const struct run_party *first = &f->parties[0];
    buffer_string(out, "deadlock: ");
    if (strcmp(f->form, "self") == 0 && first->object) {
        add_thread(out, first->thread);
        buffer_printf(out, " waits for `%s`%s%s", first->object->name, *f->detail ? ": " : ", which it holds itself",
                      f->detail);
    } else if (strcmp(f->form, "all-asleep") == 0) {
        if (are_of_several(f))
            buffer_string(out, "several processes sleep, and none is left to wake another");
        else
            add_crowd(out, count_sleepers(f));
        add_detail(out, f);
    } else {
        buffer_printf(out, "%zu threads wait for each other", f->party_count);
        if (waits_for_ends(f)) {
            buffer_string(out, " to end");
        } else {
            buffer_string(out, ", over ");
            add_wanted(out, f);
        }
        add_detail(out, f);
    }
}

static void add_short_place(struct buffer *out, const struct run_stack *stack)
{
    const struct symbol_frame *top = stack->user_first < stack->user_end ? &stack->symbols[stack->user_first] : NULL;
    if (top && top->file && top->line)
        buffer_printf(out, " (%s:%" PRIu32 ")", path_base(top->file), top->line);
    else if (top && top->name)
        buffer_printf(out, " (in %s)", top->name);
}

static bool touch_the_same(const struct run_party *a, const struct run_party *b)
{
    return a->access.size && a->access.size == b->access.size && a->access.address == b->access.address;
}

/* "T2 'writer' writes 4 bytes (racy.c:12)"; `other` is the side that was said before, or NULL. */
static void add_access(struct buffer *out, const struct run_finding *f, const struct run_party *party,
                       const struct run_party *other)
{
    struct buffer size = {0};
    add_thread(out, party->thread);
    bool is_over = other && (finding_freed(f) == FREED_BEFORE || finding_freed(f) == FREED_TWICE);
    buffer_printf(out, " %s ", is_over ? "freed" : party_verb(f, party));
    party_add_size(&size, party);
    if (size.length == 0)
        buffer_string(out, strcmp(party->role, "frees") == 0 ? "its block" : "it");
    else
        buffer_string(out, other && touch_the_same(party, other) ? "the same" : size.data);
    buffer_free(&size);
    add_short_place(out, &party->stack);
}

static const char *sort_of_race(const struct run_finding *f)
{
    static const char *const of_freed[] = {[FREED_NOT] = "data race on ",
                                           [FREED_BEFORE] = "use after free of ",
                                           [FREED_AFTER] = "block freed while used, ",
                                           [FREED_TWICE] = "block freed twice, "};
    return f->memory->where == WHERE_DESCRIPTOR ? "descriptor closed while used, " : of_freed[finding_freed(f)];
}

static void add_race(struct buffer *out, const struct run_finding *f)
{
    bool is_hidden = finding_is_hidden(f);
    enum freed freed = finding_freed(f);
    buffer_printf(out, "%s%s`%s`: ",
                  is_hidden             ? "hidden "
                  : finding_is_guess(f) ? "possible "
                                        : "",
                  sort_of_race(f), f->memory->name);
    add_access(out, f, &f->parties[0], NULL);
    buffer_string(out, freed == FREED_BEFORE || freed == FREED_TWICE ? " after " : " while ");
    add_access(out, f, &f->parties[1], &f->parties[0]);
    if (is_hidden) {
        buffer_printf(out, ", and %s", f->detail);
        return;
    }
    buffer_string(out, ", and nothing orders the two");
    add_detail(out, f);
}

/* "a mutex freed while it is held": what the finding's detail says goes into the words of the kind.
 * Returns: false when it is no such detail. */
static bool add_end(struct buffer *out, const struct run_finding *f)
{
    static const struct {
        const char *detail, *verb;
    } ends[] = {
        {"destroyed", "destroyed"}, {"its memory was freed", "freed"}, {"initialised again", "initialised again"}};
    const struct run_object *object = f->parties[0].object;
    for (size_t i = 0; object && i < sizeof ends / sizeof ends[0]; i++) {
        if (strcmp(f->detail, ends[i].detail) == 0) {
            bool is_held = strcmp(f->kind, "destroy-locked") == 0;
            buffer_printf(out, "a %s %s while %s", object->kind, ends[i].verb,
                          is_held ? "it is held" : "threads wait on it");
            return true;
        }
    }
    return false;
}

/* Joins and detaches: a detail that says what was done to the thread before, and that alone. */
static bool add_second(struct buffer *out, const struct run_finding *f)
{
    static const struct {
        const char *kind, *detail, *title;
    } seconds[] = {{"double-join", "the thread was detached", "a join of a thread that was detached"},
                   {"double-join", "the thread is detached", "a join of a detached thread"},
                   {"double-detach", "it was joined before", "a detach of a thread that was joined"},
                   {"double-detach", "", "a second detach of the same thread"}};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        if (strcmp(f->kind, seconds[i].kind) == 0 && strcmp(f->detail, seconds[i].detail) == 0) {
            buffer_string(out, seconds[i].title);
            return true;
        }
    }
    return false;
}

static void add_misuse(struct buffer *out, const struct run_finding *f)
{
    const struct catalogue_entry *entry = catalogue_find(f->kind);
    const struct run_party *first = &f->parties[0];
    bool has_said_detail = add_end(out, f) || add_second(out, f);
    if (!has_said_detail)
        buffer_string(out, entry ? entry->title : f->kind);
    if (first->object && strcmp(first->object->kind, "thread") == 0) {
        const struct run_thread *meant = finding_thread(f, first->object->init_thread);
        buffer_string(out, ": ");
        if (meant)
            add_thread(out, meant);
        else
            buffer_string(out, first->object->name);
        if (meant == first->thread) /* a thread that joins itself, or that nobody joined */
            return;
    } else if (first->object) {
        buffer_printf(out, ": `%s`", first->object->name);
    }
    buffer_string(out, ", by ");
    add_thread(out, first->thread);
    if (!has_said_detail)
        add_detail(out, f);
}

const char *finding_message(struct run_finding *finding)
{
    struct buffer text = {0};
    if (strcmp(finding->kind, "lock-order-inversion") == 0)
        add_lock_order(&text, finding);
    else if (strcmp(finding->kind, "deadlock") == 0)
        add_deadlock(&text, finding);
    else if (finding->memory && finding->party_count == 2)
        add_race(&text, finding);
    else
        add_misuse(&text, finding);
    const char *message = pool_copy(&finding->pool, text.data, text.length);
    buffer_free(&text);
    return message;
}

/* ---- where the order between the sides of a race ends ------------------------------------------------------------- */

/* "released `m`" */
static void add_release(struct buffer *out, const struct run_object *object)
{
    static const struct {
        const char *kind, *verb;
    } verbs[] = {{"semaphore", "posted"},
                 {"condition variable", "signalled"},
                 {"barrier", "arrived at"},
                 {"once", "finished"},
                 {"futex", NULL}};
    const char *verb = "released";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].kind, object->kind) == 0)
            verb = verbs[i].verb;
    if (verb)
        buffer_printf(out, "%s `%s`", verb, object->name);
    else
        buffer_string(out, "handed something over"); /* by a futex, a descriptor, a signal or an annotation */
}

/* Returns: false when the way is not one of those. */
static bool add_way(struct buffer *out, const struct run_finding *f)
{
    const struct run_heard *heard = &f->heard;
    if (strcmp(heard->how, "object") == 0 && heard->object) {
        add_release(out, heard->object);
    } else if (strcmp(heard->how, "creation") == 0 && heard->created) {
        bool is_itself = heard->created == f->parties[0].thread;
        buffer_string(out, is_itself ? "created it" : "created ");
        if (!is_itself)
            add_thread(out, heard->created);
    } else if (strcmp(heard->how, "atomic") == 0) {
        buffer_string(out, "made an atomic operation");
    } else if (strcmp(heard->how, "gone") == 0) {
        buffer_string(out, "released an object that is gone by now");
    } else if (strcmp(heard->how, "lost") == 0) {
        buffer_string(out, "synchronised in a way that its history does not tell");
    } else {
        return false;
    }
    return true;
}

static const char *deed_of(const struct run_object *memory, const char *role)
{
    bool is_write = strcmp(role, "writes") == 0;
    if (memory->where == WHERE_DESCRIPTOR)
        return is_write ? "close" : "use";
    return memory->where == WHERE_LIBC ? "call" : is_write ? "write" : strcmp(role, "frees") == 0 ? "free" : "read";
}

const char *finding_heard_message(struct run_finding *finding)
{
    struct buffer text = {0};
    if (!finding->memory || finding->party_count != 2)
        return "";
    const struct run_party *later = &finding->parties[0], *earlier = &finding->parties[1];
    add_thread(&text, later->thread);
    if (strcmp(finding->heard.how, "never") == 0) {
        buffer_string(&text, " had heard nothing of ");
        add_thread(&text, earlier->thread);
        buffer_string(&text, ": no synchronisation had led from there to here since that thread began");
    } else {
        buffer_string(&text, " had last heard of ");
        add_thread(&text, earlier->thread);
        buffer_string(&text, " when that thread ");
        text.length = add_way(&text, finding) ? text.length : 0;
        if (text.length)
            buffer_printf(&text, ", before its %s", deed_of(finding->memory, earlier->role));
    }
    const char *message = text.length ? pool_copy(&finding->pool, text.data, text.length) : "";
    buffer_free(&text);
    return message;
}

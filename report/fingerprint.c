/* fingerprint.c: the identity of a finding from run to run; see resolve.h for what goes in. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/path.h"
#include "report/resolve.h"

#define FRAMES_HASHED 3

static const uint64_t fnv_offset_basis = 0xcbf29ce484222325u;
static const uint64_t fnv_prime = 0x100000001b3u;

static uint64_t fnv1a(const char *bytes, size_t length)
{
    uint64_t hash = fnv_offset_basis;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * fnv_prime;
    return hash;
}

static void add_frame(struct buffer *out, const struct symbol_frame *frame)
{
    const char *module = frame->module ? path_base(frame->module->path) : "?";
    if (frame->name)
        buffer_printf(out, "|%s!%s", module, frame->name);
    else
        buffer_printf(out, "|%s+%" PRIx64, module, frame->offset);
}

static void add_stack(struct buffer *out, const struct run_stack *stack)
{
    size_t added = 0;
    for (size_t i = stack->user_first; i < stack->user_end && added < FRAMES_HASHED; i++) {
        if (!stack->symbols[i].is_runtime) {
            add_frame(out, &stack->symbols[i]);
            added++;
        }
    }
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_sorted(struct buffer *out, char **parts, size_t count)
{
    if (count)
        qsort(parts, count, sizeof *parts, compare_strings);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "\n%s", parts[i]);
        free(parts[i]);
    }
    free(parts);
}

static bool is_wanted_by_another(const struct run_finding *f, const struct run_party *party, const struct run_object *o)
{
    for (size_t i = 0; i < f->party_count; i++)
        if (&f->parties[i] != party && f->parties[i].object == o)
            return true;
    return false;
}

/* Locks held that nobody in the finding wants are circumstance, which may differ from run to run. */
static void add_held(struct buffer *out, const struct run_finding *f, const struct run_party *party)
{
    char **parts = memory_grow(NULL, party->held_count, sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < party->held_count; i++) {
        const struct run_held *held = &party->held[i];
        if (held->object == NULL)
            continue;
        if (held->object == party->object || is_wanted_by_another(f, party, held->object)) {
            struct buffer part = {0};
            buffer_printf(&part, " holds %s", held->object->stable);
            add_stack(&part, &held->stack);
            parts[count++] = part.data;
        }
    }
    add_sorted(out, parts, count);
}

static char *party_text(const struct run_finding *f, const struct run_party *party)
{
    struct buffer out = {0};
    bool is_access = party->has_access && strcmp(party->role, "frees") != 0;
    buffer_printf(&out, "%s %s", is_access ? "accesses" : party->role, party->object ? party->object->stable : "");
    add_stack(&out, &party->stack);
    add_held(&out, f, party);
    return out.data;
}

/* What became of a thread before is known of some calls alone; likewise of one that ended with a lock that others sleep for. */
static bool is_circumstance(const struct run_finding *f, size_t party)
{
    if (strcmp(f->form, "all-asleep") == 0)
        return party_has_ended(f, &f->parties[party]);
    return party > 0 && (strcmp(f->kind, "double-join") == 0 || strcmp(f->kind, "double-detach") == 0);
}

static void set_hash(char hash[17], const struct buffer *text)
{
    snprintf(hash, sizeof "0123456789abcdef", "%016" PRIx64, fnv1a(text->data, text->length));
}

/* Every frame as it was recorded. */
static char *places_text(const struct run_finding *f, const struct run_party *party)
{
    (void)f;
    struct buffer out = {0};
    buffer_string(&out, "");
    for (size_t i = 0; i < party->stack.frame_count; i++) {
        const struct run_frame *frame = &party->stack.frames[i];
        const char *module = frame->module ? frame->module->path : frame->function ? frame->function : "";
        buffer_printf(&out, "|%s+%" PRIx64 ":%" PRIu32, module, frame->offset, frame->line);
    }
    return out.data;
}

static char *circle_text(const struct run_finding *f, const struct run_party *party)
{
    struct buffer out = {0};
    buffer_string(&out, party->object ? party->object->stable : "");
    add_stack(&out, &party->stack);
    add_held(&out, f, party);
    return out.data;
}

/* Sets `hash` to that of `what` and a text of each party. */
static void set_hash_of_parties(char hash[17], const struct run_finding *f, const char *what,
                                char *(*text_of)(const struct run_finding *f, const struct run_party *party))
{
    struct buffer text = {0};
    char **parts = memory_grow(NULL, f->party_count, sizeof *parts);
    for (size_t i = 0; i < f->party_count; i++)
        parts[i] = text_of(f, &f->parties[i]);
    buffer_string(&text, what);
    add_sorted(&text, parts, f->party_count);
    set_hash(hash, &text);
    buffer_free(&text);
}

static bool is_circle_of_locks(const struct run_finding *f)
{
    return strcmp(f->kind, "lock-order-inversion") == 0 ||
           (strcmp(f->kind, "deadlock") == 0 && strcmp(f->form, "cycle") == 0);
}

void finding_fingerprint(struct run_finding *finding)
{
    struct buffer text = {0};
    char **parts = memory_grow(NULL, finding->party_count, sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < finding->party_count; i++)
        if (!is_circumstance(finding, i))
            parts[count++] = party_text(finding, &finding->parties[i]);
    buffer_printf(&text, "%s/%s", finding->kind, finding->form);
    add_sorted(&text, parts, count);
    set_hash(finding->fingerprint, &text);
    buffer_free(&text);
    if (finding->memory && finding->memory->is_nameless)
        set_hash_of_parties(finding->places, finding, "places", places_text);
    if (is_circle_of_locks(finding))
        set_hash_of_parties(finding->circle, finding, "circle", circle_text);
}

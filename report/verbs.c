/* verbs.c: what each side of a finding does, in the words of its kind. */
#include <inttypes.h>
#include <string.h>

#include "report/plain_name.h"
#include "report/resolve.h"

static const char *verb_of_call(const char *kind)
{
    static const struct {
        const char *kind, *verb;
    } verbs[] = {{"unlock-not-owned", "unlocks"},
                 {"unlock-not-locked", "unlocks"},
                 {"rwlock-unlock-not-held", "unlocks"},
                 {"robust-inconsistent", "unlocks"},
                 {"lock-held-too-long", "lets go of"},
                 {"lock-held-at-thread-exit", "ends while holding"},
                 {"thread-leak", "leaves behind"},
                 {"double-init", "initialises"},
                 {"cond-wait-unlocked", "waits with"},
                 {"cond-two-mutexes", "waits on"},
                 {"cond-signal-unlocked", "signals"},
                 {"sem-overflow", "posts"},
                 {"double-join", "joins"},
                 {"join-self", "joins"},
                 {"double-detach", "detaches"},
                 {"signal-unsafe-lock", "takes"},
                 {"fork-with-locks-held", "wants"},
                 {"blocking-call-with-lock-held", "blocks while holding"}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].kind, kind) == 0)
            return verbs[i].verb;
    return "makes this call on";
}

const char *party_verb(const struct run_finding *finding, const struct run_party *party)
{
    static const struct {
        const char *role, *verb;
    } verbs[] = {{"requests", "wants"},      {"waits", "waits for"},
                 {"holds", "holds"},         {"initialised", "initialised"},
                 {"destroyed", "destroyed"}, {"interrupted", "is interrupted while it holds"}};
    if (party->object && party->object->where == WHERE_DESCRIPTOR)
        return strcmp(party->role, "writes") == 0 ? "closes" : "uses";
    if (party->access.is_atomic)
        return strcmp(party->role, "reads") == 0 ? "atomically reads" : "atomically writes";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].role, party->role) == 0)
            return verbs[i].verb;
    return strcmp(party->role, "acts") == 0 ? verb_of_call(finding->kind) : party->role;
}

void party_add_size(struct buffer *out, const struct run_party *party)
{
    bool has_bytes = !party->object || party->object->size;
    if (party->access.size && has_bytes && strcmp(party->role, "frees") != 0)
        buffer_printf(out, "%" PRIu64 " byte%s", party->access.size, party->access.size == 1 ? "" : "s");
}

const char *party_size_word(const struct run_party *party)
{
    return party->object && party->object->size && party->access.size > party->object->size ? " that include " : " of ";
}

bool party_add_library(struct buffer *out, const struct run_party *party)
{
    const struct run_stack *stack = &party->stack;
    const struct symbol_frame *called = stack->user_first > 0 ? &stack->symbols[stack->user_first - 1] : NULL;
    struct buffer name = {0};
    plain_name_add(&name, called && called->name ? called->name : "");
    const char *internal = name.length ? strstr(name.data, "::_") : NULL; /* `std::ostream::_M_insert`: what it is of */
    size_t length = internal ? (size_t)(internal - name.data) : name.length;
    bool is_of_library = length > strlen("std::") && strncmp(name.data, "std::", strlen("std::")) == 0;
    if (is_of_library)
        buffer_add(out, name.data, length);
    buffer_free(&name);
    return is_of_library;
}

bool held_is_read(const struct run_held *held)
{
    return held->is_shared && held->object && strcmp(held->object->kind, "rwlock") == 0;
}

bool party_is_by_libc(const struct run_party *party)
{
    bool is_said = party->object && (party->object->where == WHERE_DESCRIPTOR || party->object->where == WHERE_LIBC);
    return party->access.is_by_library && !is_said;
}

const char *object_account(const struct run_object *object)
{
    static const struct {
        const char *kind, *account;
    } kinds[] = {{"socket", "a socket"},       {"pipe", "a pipe"},     {"file", "an open file"},
                 {"directory", "a directory"}, {"device", "a device"}, {"eventfd", "an eventfd"},
                 {"eventpoll", "an epoll"},    {"", "a descriptor"}};
    if (object->where == WHERE_LIBC)
        return "what libc keeps in one place for all threads";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, object->what) == 0)
            return kinds[i].account;
    return object->what;
}

const char *object_origin_verb(const struct run_object *object)
{
    bool is_memory = object->id == RUN_MEMORY_ID;
    return !is_memory ? "initialised" : object->where == WHERE_DESCRIPTOR ? "opened" : "allocated";
}

enum freed finding_freed(const struct run_finding *finding)
{
    if (!finding->memory || finding->party_count != 2)
        return FREED_NOT;
    bool is_later = strcmp(finding->parties[0].role, "frees") == 0;
    bool is_earlier = strcmp(finding->parties[1].role, "frees") == 0;
    return is_later && is_earlier ? FREED_TWICE : is_later ? FREED_AFTER : is_earlier ? FREED_BEFORE : FREED_NOT;
}

bool finding_is_guess(const struct run_finding *finding)
{
    return finding->party_count == 2 && finding->parties[0].access.is_guess && finding->parties[1].access.is_guess;
}

bool finding_is_hidden(const struct run_finding *finding)
{
    static const char begins[] = "only the order";
    return finding->memory != NULL && strncmp(finding->detail, begins, sizeof begins - 1) == 0;
}

size_t finding_caveats(const struct run_finding *finding, const char *caveats[CAVEATS_MOST])
{
    static const char *const freed[] = {
        [FREED_BEFORE] = "The block had been freed already: what stands there may be another's by now.",
        [FREED_AFTER] = "Where the free comes first this is a use after free.",
        [FREED_TWICE] = "The block had been freed already: the second free may give another's block away."};
    size_t count = 0;
    if (finding_freed(finding) != FREED_NOT)
        caveats[count++] = freed[finding_freed(finding)];
    if (finding_is_guess(finding)) {
        caveats[count++] = "Both sides are plain moves that neither debug information nor the lines of the source tell "
                           "from atomic ones: where the source has them atomic, this is no race.";
    }
    if (finding_is_hidden(finding)) {
        caveats[count++] =
            "In this run locks came between the two; they hold none in common, and nothing was seen to be "
            "handed over under one: another schedule may let them meet.";
    }
    return count;
}

bool party_has_ended(const struct run_finding *finding, const struct run_party *party)
{
    return strcmp(finding->form, "all-asleep") == 0 && strcmp(party->role, "holds") == 0;
}

bool party_is_holder(const struct run_party *party)
{
    return strcmp(party->role, "holds") == 0 || strcmp(party->role, "interrupted") == 0;
}

/* A holder says of one lock what an earlier side's list of held locks may have said already; a leaked thread did nothing
 * but be created. */
bool party_is_repeat(const struct run_finding *finding, const struct run_party *party)
{
    if (strcmp(finding->kind, "thread-leak") == 0 && party->thread->created.symbol_count)
        return true;
    if (!party_is_holder(party))
        return false;
    for (const struct run_party *p = finding->parties; p < party; p++) {
        for (size_t i = 0; p->thread == party->thread && !p->signal_number && i < p->held_count; i++)
            if (p->held[i].object == party->object)
                return true;
    }
    return false;
}

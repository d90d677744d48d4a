/* remedy.c: what usually mends a finding: by its kind, a race's by what it is about, a deadlock's by who waits for what. */
#include <string.h>

#include "report/catalogue.h"
#include "report/path.h"
#include "report/resolve.h"

static bool is_kind(const struct run_object *object, const char *kind)
{
    return object != NULL && strcmp(object->kind, kind) == 0;
}

static bool reads_under(const struct run_party *party, const struct run_object *lock)
{
    for (size_t i = 0; i < party->held_count; i++)
        if (party->held[i].object == lock && party->held[i].is_shared)
            return true;
    return false;
}

/* Returns: true when both sides hold one read-write lock, for reading. */
static bool are_both_readers(const struct run_finding *finding)
{
    const struct run_party *first = &finding->parties[0];
    for (size_t i = 0; finding->party_count == 2 && i < first->held_count; i++) {
        const struct run_object *lock = first->held[i].object;
        if (is_kind(lock, "rwlock") && reads_under(first, lock) && reads_under(&finding->parties[1], lock))
            return true;
    }
    return false;
}

/* libc's lock keeps two changes of the environment apart, and a change from no look at it. */
static bool is_environment(const struct run_object *memory)
{
    return memory->where == WHERE_STATIC &&
           strncmp(path_base(memory->module->path), "libc.so.", strlen("libc.so.")) == 0 &&
           strstr(memory->name, "environ") != NULL;
}

static const char *remedy_of_race(const struct run_finding *finding)
{
    if (finding->memory->where == WHERE_DESCRIPTOR) {
        return "Close it when the last user has finished: join the threads that use it, or count its users under a "
               "lock.";
    }
    if (finding->memory->where == WHERE_LIBC)
        return "Call the form that is made for threads (its name often ends in _r), or make all calls under one lock.";
    if (finding_freed(finding) != FREED_NOT) {
        return "Free it when its last user has finished: join the threads that use it, or count its users atomically "
               "and let the last one free it.";
    }
    if (are_both_readers(finding)) {
        return "Both sides hold the lock for reading, which keeps out those who write under it, but not each other: "
               "take it for writing where the memory is changed.";
    }
    if (is_environment(finding->memory)) {
        return "Change the environment before the first thread begins, or make all calls that read or change it under "
               "one lock: libc's own is no help to those who read.";
    }
    return NULL;
}

/* ---- deadlocks -------------------------------------------------------------------------------------------------- */

/* A semaphore is a lock where it is held: in a circle. */
static bool is_lock(const struct run_finding *finding, const struct run_object *object)
{
    return is_kind(object, "mutex") || is_kind(object, "rwlock") || is_kind(object, "spinlock") ||
           (is_kind(object, "semaphore") && strcmp(finding->form, "cycle") == 0);
}

static bool is_waited_for(const struct run_finding *finding, const char *kind)
{
    for (size_t i = 0; i < finding->party_count; i++)
        if (is_kind(finding->parties[i].object, kind))
            return true;
    return false;
}

static bool is_wanted(const struct run_finding *finding, const struct run_object *object)
{
    for (size_t i = 0; i < finding->party_count; i++)
        if (finding->parties[i].object == object)
            return true;
    return false;
}

/* Returns: true when a thread that waits for something else than a lock holds a lock that another one wants. */
static bool sleeps_with_lock(const struct run_finding *finding)
{
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct run_party *party = &finding->parties[i];
        for (size_t k = 0; !is_lock(finding, party->object) && k < party->held_count; k++)
            if (is_wanted(finding, party->held[k].object))
                return true;
    }
    return false;
}

static bool holds_own(const struct run_finding *finding)
{
    const struct run_party *party = finding->party_count ? &finding->parties[0] : NULL;
    for (size_t i = 0; party && i < party->held_count; i++)
        if (party->held[i].object == party->object && party->held[i].is_shared)
            return true;
    return false;
}

static const char *remedy_of_self(const struct run_finding *finding)
{
    if (holds_own(finding) && finding->parties[0].is_shared) {
        return "Take the lock for reading once: what is called while it is held need not take it again. A lock that "
               "prefers readers, the default kind, lets a reader in again.";
    }
    return holds_own(finding)
               ? "Take the lock for writing from the start, or release it before it is wanted again and look again at "
                 "what was read."
               : "Take the lock once: split off what expects it to be held, or release it before the second call.";
}

/* Of what everybody sleeps in, the one that most likely is the cause comes first: others wait for whoever waits for it. */
static const char *remedy_of_sleep(const struct run_finding *finding)
{
    static const struct {
        const char *kind, *remedy;
    } remedies[] = {
        {"condition variable",
         "Change what is waited for under the mutex, signal after each change, and test it in a loop "
         "before each wait; wake all where several wait for different things."},
        {"semaphore", "Post once for each wait, on every way out, also those of errors."},
        {"barrier", "Give the barrier the number of threads that do arrive, and let none leave before."},
        {"futex",
         "See to it that whoever is waited for fulfils it on every way out: sets the promise, counts the latch down, "
         "changes the atomic and notifies."},
        {"once", "Let the routine that runs once neither call for itself nor wait for who waits for it."},
        {"mutex", "Unlock on every way out of a thread or function, also on errors, exceptions and cancellation."},
        {"rwlock", "Unlock on every way out of a thread or function, also on errors, exceptions and cancellation."}};
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
        if (is_waited_for(finding, remedies[i].kind))
            return remedies[i].remedy;
    return NULL;
}

static const char *remedy_of_deadlock(const struct run_finding *finding)
{
    if (strcmp(finding->form, "self") == 0)
        return remedy_of_self(finding);
    if (sleeps_with_lock(finding)) {
        return "Release the lock before waiting for what only the other thread can do, or let that thread do it "
               "without the lock.";
    }
    if (strcmp(finding->form, "all-asleep") == 0)
        return remedy_of_sleep(finding);
    return strcmp(finding->form, "join") == 0 ? "Let no two threads join each other: one owner joins the others."
                                              : NULL;
}

static const char *remedy_of_join(const struct run_finding *finding)
{
    bool is_detached = strcmp(finding->kind, "double-join") == 0 && strstr(finding->detail, "detached") != NULL;
    return is_detached ? "Either join a thread or detach it: who needs its end joins it and does not detach it." : NULL;
}

const char *finding_remedy(const struct run_finding *finding)
{
    const struct catalogue_entry *entry = catalogue_find(finding->kind);
    const char *remedy = finding->memory                          ? remedy_of_race(finding)
                         : strcmp(finding->kind, "deadlock") == 0 ? remedy_of_deadlock(finding)
                                                                  : remedy_of_join(finding);
    return remedy ? remedy : entry ? entry->remedy : NULL;
}

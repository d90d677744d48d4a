#include "detector/finding.h"

#include <string.h>

struct finding_fact {
    const char *slug;
    enum severity severity;
    bool on;
};

static const struct finding_fact facts[FINDING_COUNT] = {
#define FINDING(name, slug, severity, on, title, remedy) {slug, SEVERITY_##severity, on},
#include "detector/findings.def"
#undef FINDING
};

const char *finding_slug(enum finding_kind kind)
{
    return facts[kind].slug;
}

bool finding_from_slug(const char *slug, size_t len, enum finding_kind *kind)
{
    for (int i = 0; i < FINDING_COUNT; i++) {
        if (strlen(facts[i].slug) == len && memcmp(facts[i].slug, slug, len) == 0) {
            *kind = (enum finding_kind)i;
            return true;
        }
    }
    return false;
}

enum severity finding_severity(enum finding_kind kind)
{
    return facts[kind].severity;
}

enum severity finding_race_severity(const struct finding_party *a, const struct finding_party *b)
{
    return a->access_guess && b->access_guess ? SEVERITY_WARNING : finding_severity(FINDING_DATA_RACE);
}

bool finding_is_default(enum finding_kind kind)
{
    return facts[kind].on;
}

const char *finding_form_name(enum deadlock_form form)
{
    static const char *const names[] = {
        [DEADLOCK_NONE] = "",     [DEADLOCK_CYCLE] = "cycle",           [DEADLOCK_SELF] = "self",
        [DEADLOCK_JOIN] = "join", [DEADLOCK_ALL_ASLEEP] = "all-asleep",
    };
    return names[form];
}

const char *party_role_name(enum party_role role)
{
    static const char *const names[] = {
        [PARTY_REQUESTS] = "requests",
        [PARTY_WAITS] = "waits",
        [PARTY_ACTS] = "acts",
        [PARTY_HOLDS] = "holds",
        [PARTY_INITIALISED] = "initialised",
        [PARTY_DESTROYED] = "destroyed",
        [PARTY_JOINED] = "joined",
        [PARTY_DETACHED] = "detached",
        [PARTY_INTERRUPTED] = "interrupted",
        [PARTY_READS] = "reads",
        [PARTY_WRITES] = "writes",
        [PARTY_FREES] = "frees",
    };
    return names[role];
}

const char *object_kind_name(enum object_kind kind)
{
    static const char *const names[OBJECT_KIND_COUNT] = {
        [OBJECT_MUTEX] = "mutex",
        [OBJECT_RWLOCK] = "rwlock",
        [OBJECT_SPINLOCK] = "spinlock",
        [OBJECT_SEMAPHORE] = "semaphore",
        [OBJECT_COND] = "condition variable",
        [OBJECT_BARRIER] = "barrier",
        [OBJECT_ONCE] = "once",
        [OBJECT_FUTEX] = "futex",
        [OBJECT_THREAD] = "thread",
    };
    return names[kind];
}

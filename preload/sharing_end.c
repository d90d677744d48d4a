#include "preload/sharing_end.h"

#include <string.h>

#include "detector/detector.h"
#include "preload/alarm.h"
#include "preload/commons_file.h"
#include "preload/lockhound.h"
#include "preload/process_status.h"
#include "preload/raw.h"
#include "preload/self.h"

enum { PAUSE_MS = 20, LOOKS_MAX = 25, STILL_ENOUGH = 3 };

bool sharing_end_is_stuck(void)
{
    return self_live_count() == 1 && detector_handlers_installed(lockhound.detector) != HANDLERS_INSTALLED &&
           !alarm_is_set();
}

bool sharing_end_is_awaited(struct commons *c)
{
    struct commons_process own;
    return c != NULL && commons_get_process(c, commons_file_process(), &own) && own.parent != 0 &&
           sharing_end_is_stuck();
}

struct commons_lock sharing_end_of(pid_t pid)
{
    struct process_status status;
    if (!process_status_read(pid, &status) || status.is_zombie)
        return (struct commons_lock){.identity = 0};
    return commons_end_of(pid, status.start_time);
}

/* Returns: true for a lock that only its holder releases, and for an end. */
static bool is_owned(struct commons *c, uint32_t identity)
{
    struct commons_identity known;
    return commons_is_end(identity) ||
           (commons_get_identity(c, identity, &known) &&
            (known.key.kind == OBJECT_MUTEX || known.key.kind == OBJECT_RWLOCK || known.key.kind == OBJECT_SPINLOCK));
}

static void keep_owned(struct commons *c, struct commons_party *party)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < party->held_count; i++)
        if (is_owned(c, party->held[i].identity))
            party->held[kept++] = party->held[i];
    memset(&party->held[kept], 0, (party->held_count - kept) * sizeof party->held[0]); /* the rest is sealed too */
    party->held_count = kept;
}

void sharing_end_complete(struct commons *c, struct commons_party *party, bool is_awaited)
{
    bool wants_end = commons_is_end(party->wanted.identity);
    bool holds_end = is_awaited && is_owned(c, party->wanted.identity) && party->held_count < COMMONS_HELD_MAX;
    if (wants_end)
        keep_owned(c, party);
    if (holds_end) {
        struct commons_process own;
        if (commons_get_process(c, party->process, &own))
            party->held[party->held_count++] = commons_end_of(own.pid, own.start_time);
    }
    if ((wants_end || holds_end) && detector_handlers_installed(lockhound.detector) != HANDLERS_NONE)
        party->threads = 0;
}

static bool has_end(const struct commons_circle *circle)
{
    for (uint32_t i = 0; i < circle->count; i++)
        if (commons_is_end(circle->parties[i].wanted.identity))
            return true;
    return false;
}

/* Of this process, which is not asleep yet, it is asked only that nobody else is in it. */
static bool member_is_still(struct commons *c, uint32_t number)
{
    struct commons_process process;
    struct process_status status;
    if (!commons_get_process(c, number, &process))
        return false;
    if (number != commons_file_process())
        return process_is_asleep((pid_t)process.pid);
    return process_status_read((pid_t)process.pid, &status) && status.thread_count == 1;
}

static bool all_are_still(struct commons *c, const struct commons_circle *circle)
{
    for (uint32_t i = 0; i < circle->count; i++)
        if (!member_is_still(c, circle->parties[i].process))
            return false;
    return true;
}

static bool sleeps_on(struct commons *c, const struct commons_circle *circle)
{
    if (!commons_file_enter(c))
        return false;
    bool result = commons_sleeps_on(c, circle, commons_file_host());
    commons_file_leave(c);
    return result;
}

bool sharing_end_is_lasting(struct commons *c, const struct commons_circle *circle)
{
    if (!has_end(circle))
        return true;
    for (int look = 0, still = 0; look < LOOKS_MAX; look++) {
        raw_pause_ms(PAUSE_MS);
        if (!sleeps_on(c, circle))
            return false;
        still = all_are_still(c, circle) ? still + 1 : 0;
        if (still == STILL_ENOUGH)
            return true;
    }
    return false;
}

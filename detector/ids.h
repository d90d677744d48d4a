/* ids.h: typed identifiers shared by every engine, so that one is never taken for another.
 *
 * All are dense counters that start at 1; 0 means "none".  A thread or object number is never reused within a
 * run, which makes a stale one harmless: it names something that no longer exists.
 */
#ifndef LOCKHOUND_DETECTOR_IDS_H
#define LOCKHOUND_DETECTOR_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread_id {
    uint32_t v;
};
struct object_id {
    uint32_t v;
};

/* A call stack interned by the host; the detector copies and compares it and never looks inside. */
struct stack_id {
    uint32_t v;
};

/* The callers of an access as the host has them: likewise. */
struct callers_id {
    uint32_t v;
};

/* A thread that was joined or detached: by whom and where, 0 where that is not known. */
struct thread_past {
    struct thread_id id, by;
    struct stack_id at;
    bool was_joined; /* else it was detached */
};

#endif

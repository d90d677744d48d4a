/* sharing_held.h: what a thread holds of the locks that other processes may want, for the files of sharing.h.
 *
 *   acquired --push--> [hold | hold | ...] --released, or its file closed--> dropped
 *
 * Model:     a lock on a file belongs to the process: any thread may release it, and closing any descriptor of the file
 *            does.  The count of releases of that file, by which a hold is known to be one of before, is the process's.
 * Threads:   a struct sharing_thread belongs to its thread alone.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_HELD_H
#define LOCKHOUND_PRELOAD_SHARING_HELD_H

#include "detector/commons.h"
#include "preload/sharing.h"

enum { KNOWN_NESTINGS = 64 };

struct shared_hold {
    uint32_t identity, generation;
    uint32_t count; /* recursion */
    enum lock_mode mode;
    struct stack_id at;
    int fd; /* of a lock on a file; else negative */
    struct sharing_range range;
    uint32_t releases; /* of locks on that file when it was taken */
};

struct known_nesting {
    uint64_t key;
    uint32_t births; /* of processes, when it was last compared with theirs */
    uint32_t hand_overs;
    uint64_t epoch; /* of the thread's hand-over clock, then */
    uint64_t compared_ns;
};

struct sharing_thread {
    uint32_t held_count;
    uint32_t sleeper;
    struct shared_hold held[COMMONS_HELD_MAX];
    struct known_nesting known[KNOWN_NESTINGS];
};

/* Returns: the thread's part, made when there is none yet, or NULL without memory.  Context: signal, in-malloc. */
struct sharing_thread *sharing_held_of(struct self *self);
/* Returns: the innermost hold of that identity, or NULL.  Context: signal, in-malloc. */
struct shared_hold *sharing_held_find(struct sharing_thread *s, uint32_t identity);
/* Files that were closed since are locked no more.  Context: signal, in-malloc. */
void sharing_held_drop_closed(struct sharing_thread *s);

#endif

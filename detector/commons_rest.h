/* commons_rest.h: processes of a run that rest: each of their threads sleeps, and only another process could change that.
 *
 *   last thread of a process to fall asleep --commons_rests(), its threads--> [at rest] <-- woken: commons_stirs()
 *                                                    |
 *                     all that live rest? --> what they wait for is sure not to come? --> the host asks the system
 *
 * Model:     the processes that live are a closed set when each rests and no wait is about to end by what was done before:
 *            a condition has no signal under way, a barrier's round is not full, a semaphore was not posted since, a lock
 *            is held by one who rests, a process that is waited for rests, and neither of the two has an alarm.
 * Words:     waiters and signals of a condition, arrivals at a barrier and posts of a semaphore are counted for all
 *            processes together, before the call that acts and before the one that waits.  What dies in between leaves
 *            them too high, which hides a hang and makes none up.
 * Left out:  outsiders, who map the memory and have not told of themselves; the host asks the system for them.
 * Threads:   the caller holds the block's lock, except where it says otherwise.
 * Tests:     tests/unit/test_commons_rest.c
 */
#ifndef LOCKHOUND_DETECTOR_COMMONS_REST_H
#define LOCKHOUND_DETECTOR_COMMONS_REST_H

#include "detector/commons.h"

enum { COMMONS_REST_MEMBERS = 64 };

/* Bits of what else may end the rest of a process. */
enum {
    COMMONS_REST_ALARMED = 1u << 0,       /* an alarm, which ends the process */
    COMMONS_REST_INTERRUPTIBLE = 1u << 1, /* an interpreter's handler */
};

struct commons_rest_member {
    uint32_t process, rest; /* changes with each time it rests */
    uint32_t traits, threads;
    int64_t pid;
    uint64_t start_time;
};

/* Those that live, all at rest. */
struct commons_rest {
    uint32_t count;
    struct commons_rest_member members[COMMONS_REST_MEMBERS];
};

/* `process` begins to rest, as the one that says so falls asleep; each thread of it that waits or holds something follows.
 * Returns: a number for commons_rest_is_latest(). */
uint32_t commons_rests(struct commons *c, uint32_t process, uint32_t traits);
void commons_rests_party(struct commons *c, const struct commons_party *party);
/* Needs no lock. */
void commons_stirs(struct commons *c, uint32_t process);
/* Returns: true when a process that lives does not rest: the usual case, told without a lock and in no time. */
bool commons_someone_is_up(struct commons *c, const struct commons_host *host);
/* The hang that `process` is in was reported. */
void commons_rest_told(struct commons *c, const struct commons_rest *rest);
/* Returns: true when all rest for ever, as far as is known here, and nobody has been told; they are then in `rest`. */
bool commons_all_rest(struct commons *c, const struct commons_host *host, struct commons_rest *rest);
/* Calls `visit` for each thread of these processes until it returns false.  Returns: whether it never did. */
bool commons_rest_visit(struct commons *c, const struct commons_rest *rest,
                        bool (*visit)(void *ctx, const struct commons_party *party), void *ctx);

/* A fork is about to happen; its child has joined.  Nobody is taken to be alone in between.  Needs no lock. */
void commons_conceived(struct commons *c);
void commons_born(struct commons *c);
/* Returns: true while nobody has begun to rest since, who then is to look at all of them.  Needs no lock. */
bool commons_rest_is_latest(const struct commons *c, uint32_t number);

/* ---- words: none needs the lock ---- */

/* Returns: signals so far, for commons_cond_woken(): one that came before found somebody else. */
uint32_t commons_cond_waits(struct commons *c, uint32_t cond);
void commons_cond_woken(struct commons *c, uint32_t cond, bool by_signal, uint32_t signals);
void commons_cond_signalled(struct commons *c, uint32_t cond, bool is_broadcast);
void commons_barrier_arrived(struct commons *c, uint32_t barrier);
void commons_semaphore_posted(struct commons *c, uint32_t semaphore);
/* Returns: posts of it so far. */
uint32_t commons_semaphore_posts(const struct commons *c, uint32_t semaphore);

#endif

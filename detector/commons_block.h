/* commons_block.h: the layout of the block of commons.h, for the files that implement it.
 *
 *   header | processes | modules | stacks | identities | dependencies | sleepers | threads at rest | circles said
 *
 * A slot is a record with its seal; words that change later stand behind the seal.
 */
#ifndef LOCKHOUND_DETECTOR_COMMONS_BLOCK_H
#define LOCKHOUND_DETECTOR_COMMONS_BLOCK_H

#include "detector/commons.h"

#define COMMONS_MAGIC UINT64_C(0x6c6f636b686e6434) /* the last digit is the layout's version */

enum { COMMONS_HEARSAY = 64 };

/* Until when all that a process did comes before; by its number modulo COMMONS_HEARSAY. */
struct hearsay {
    _Atomic uint64_t until_ns[COMMONS_HEARSAY];
};

struct process_slot {
    struct commons_process record;
    uint64_t seal;
    _Atomic uint64_t gone_ns; /* when it was first seen to be gone */
    _Atomic uint32_t rest;    /* odd: it rests */
    _Atomic uint32_t traits;  /* COMMONS_REST_* */
    _Atomic uint32_t is_told; /* it sleeps in a circle that was reported */
    struct hearsay heard;
};

struct module_slot {
    struct commons_module record;
    uint64_t seal;
};

struct stack_slot {
    struct commons_stack record;
    uint64_t seal;
};

struct identity_slot {
    struct commons_identity record;
    uint64_t seal;
    _Atomic uint32_t generation;
    _Atomic uint32_t is_no_lock;
    _Atomic uint32_t hands_over; /* something was sent by it */
    _Atomic uint64_t waiters;    /* condition: COND_WORD(waiters, pending) */
    _Atomic uint32_t arrivals;   /* barrier */
    _Atomic uint32_t posts;      /* semaphore; condition: signals */
    struct hearsay sent;         /* what whoever hears of it by this object has heard */
};

struct party_slot {
    struct commons_party record;
    uint64_t seal;
    _Atomic uint64_t last_ns; /* dependency: of its latest occurrence */
    _Atomic uint32_t is_set;
};

struct commons {
    _Atomic uint64_t magic;
    _Atomic uint32_t lock;
    _Atomic uint32_t births, lost, damaged;
    _Atomic uint32_t unborn;      /* children that a fork is about to make, or that have not joined yet */
    _Atomic uint32_t rest_serial; /* counts commons_rests() */
    uint32_t unused;
    _Atomic uint32_t process_count, module_count, dependency_count, sleeper_count, rest_count, said_count;
    struct process_slot processes[COMMONS_PROCESSES];
    struct module_slot modules[COMMONS_MODULES];
    struct stack_slot stacks[COMMONS_STACKS];
    struct identity_slot identities[COMMONS_LOCKS]; /* the private ones last */
    struct party_slot dependencies[COMMONS_DEPENDENCIES];
    struct party_slot sleepers[COMMONS_SLEEPERS];
    struct party_slot at_rest[COMMONS_AT_REST];
    uint64_t said[COMMONS_SAID];
};

/* Returns: a hash of the bytes, never 0. */
uint64_t commons_seal(const void *bytes, size_t size);
/* Copies a record of `size` bytes.  Returns: false when `seal` is not its own; then it is counted unless it is 0. */
bool commons_copy(struct commons *c, void *to, const void *from, size_t size, uint64_t seal);
/* Returns: a count of the header, however damaged, as one that `limit` slots can have. */
uint32_t commons_count(const _Atomic uint32_t *count, uint32_t limit);
void commons_note_lost(struct commons *c);
/* As commons_copy(), for a party, whose numbers are checked as well. */
bool commons_copy_party(struct commons *c, struct commons_party *to, const struct party_slot *slot);
/* Makes the record count, sealed. */
void commons_set_party(struct party_slot *slot, const struct commons_party *party, uint64_t last_ns);
/* Returns: true when `holder` holds what keeps `wanted` from being granted. */
bool commons_party_holds(const struct commons *c, const struct commons_party *holder,
                         const struct commons_lock *wanted);
/* Returns: true when `lock` is still what it was. */
bool commons_is_current(const struct commons *c, const struct commons_lock *lock);
/* Looks which processes are gone. */
void commons_sweep(struct commons *c, const struct commons_host *host);
bool commons_process_lives(struct commons *c, uint32_t number, const struct commons_host *host);
/* A process knows what its parent, or the program before it, has heard; 0 for none. */
void commons_inherit(struct commons *c, uint32_t child, uint64_t parent);
/* Returns: until when `process` has heard what `of` did; both are numbers of processes. */
uint64_t commons_heard_until(const struct commons *c, uint32_t process, uint32_t of);

#endif

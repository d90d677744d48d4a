/* commons.h: what the processes of a run tell one another of the locks that they share.
 *
 *   process A --identity, stacks, dependencies, sleepers--> [one block of memory] <-- process B
 *                                                                  |
 *                                    circle over two processes <---+--- searched by whoever closes it
 *
 * Model:     tables of fixed size in memory that several processes map.  An identity is a lock wherever it is mapped:
 *            (device, inode, offset, kind) and a generation.  A dependency says that a thread of a process wanted one
 *            identity while it held others; a sleeper, that it sleeps in that state now.
 * Private:   a lock of one process alone has an identity too, once it was nested with one that is shared: (process,
 *            number there, address, kind).  They have a part of the table, and of the dependencies, to themselves, so that
 *            they never take the room of those that are shared.
 * Trust:     memory full of zeros is a valid, empty block.  A record counts only with its seal, a hash of its bytes that
 *            is written last; it is copied before it is checked, and each index in it is checked.  What fails is passed
 *            over and counted in `damaged`.  Nothing found here is followed as an address.
 * Orders:    what a process did before it forked comes before all that the child does; what one did that has been reaped
 *            comes before all that begins afterwards, and before what its parent does then.  What one did before a post, a
 *            signal or an arrival at a barrier comes before what another does that has waited for it since.  Other
 *            dependencies of two processes can meet.  Those of two threads of one process are compared by their hand-over
 *            clocks, folded to COMMONS_SEEN numbers: more is taken for ordered than is, never less.
 * Ends:      the end of a process stands as a lock that the process holds: who waits for the process wants it.
 * Left out:  orders between processes by pipes, sockets and memory; nestings of which both locks are private.
 * Threads:   the caller holds the block's lock, except for functions that say otherwise.
 * Tests:     tests/unit/test_commons.c: rules, random bytes.
 */
#ifndef LOCKHOUND_DETECTOR_COMMONS_H
#define LOCKHOUND_DETECTOR_COMMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMONS_PROCESSES = 4096,
    COMMONS_MODULES = 2048,
    COMMONS_STACKS = 8192,
    COMMONS_IDENTITIES = 8192, /* that are shared */
    COMMONS_PRIVATE = 2048,    /* and that are not; numbered after those */
    COMMONS_LOCKS = COMMONS_IDENTITIES + COMMONS_PRIVATE,
    COMMONS_DEPENDENCIES = 4096,
    COMMONS_SLEEPERS = 2048,
    COMMONS_AT_REST = 2048, /* threads of processes that rest: commons_rest.h */
    COMMONS_SAID = 1024,    /* circles that were reported */
    COMMONS_FRAMES = 24,
    COMMONS_HELD_MAX = 8,
    COMMONS_SEEN = 32,
    COMMONS_CIRCLE_MAX = 6,
    COMMONS_PATH_SIZE = 256,
    COMMONS_FUNCTION_SIZE = 64,
    COMMONS_BUILD_ID_SIZE = 32,
    COMMONS_NAME_SIZE = 16,
};

/* Set in a number that is no record's but stands for the end of a process, which needs no room. */
#define COMMONS_END_BIT (UINT32_C(1) << 31)

/* The end of any child. */
#define COMMONS_ANY_END UINT32_MAX
/* Something of the process's own that no other knows. */
#define COMMONS_WITHIN (UINT32_C(1) << 30)

/* Numbers of records count from 1; 0 is none. */

/* A file of machine code; or with a function, one of source text, in which a frame's offset is the line. */
struct commons_module {
    char path[COMMONS_PATH_SIZE];
    char function[COMMONS_FUNCTION_SIZE];
    uint8_t build_id[COMMONS_BUILD_ID_SIZE];
    uint64_t build_id_size;
};

struct commons_frame {
    uint64_t offset; /* relative to the module, or the address itself when that is 0 */
    uint32_t module;
    uint32_t exact;
};

struct commons_stack {
    uint32_t depth;
    uint32_t unused;
    struct commons_frame frames[COMMONS_FRAMES];
};

struct commons_key {
    uint64_t device, inode, offset;
    uint64_t kind; /* the caller's */
};

struct commons_identity {
    struct commons_key key; /* of a private one: process, number in it, address */
    char path[COMMONS_PATH_SIZE];
    struct commons_frame place; /* of a private one that is a variable of a module; else its module is 0 */
    uint64_t init_stack;        /* of a private one: where it was made or first met */
};

struct commons_process {
    int64_t pid;
    int64_t parent_pid;
    uint64_t start_time; /* as the kernel counts it: tells it from another of the same pid */
    uint64_t began_ns;   /* forked; of what was executed there since when its predecessor was, if that is known */
    uint64_t joined_ns;  /* this and the next are set by commons_add_process() */
    uint64_t parent;
    uint64_t space; /* the same for processes that see one another by these pids */
    char name[COMMONS_NAME_SIZE];
};

struct commons_lock {
    uint32_t identity, generation;
    uint32_t is_shared; /* held or wanted with others */
    uint32_t stack;
};

/* A thread that wants one lock while it holds others. */
struct commons_party {
    uint32_t process, thread;
    int64_t tid;
    char name[COMMONS_NAME_SIZE];
    uint64_t first_ns;
    struct commons_lock wanted;
    struct commons_lock held[COMMONS_HELD_MAX];
    uint32_t held_count;
    uint32_t threads; /* that its process has; 0: it may be woken otherwise */
    uint32_t measure; /* of one at rest: parties of the barrier, or posts of the semaphore so far, that it waits for */
    uint32_t slot;
    uint64_t epoch;              /* of its hand-over clock in `slot`; 0: not known */
    uint64_t seen[COMMONS_SEEN]; /* and what it has seen of the other slots, modulo COMMONS_SEEN */
};

struct commons_circle {
    struct commons_party parties[COMMONS_CIRCLE_MAX];
    uint32_t count;
};

enum commons_life { COMMONS_LIVES, COMMONS_ENDED /* and not yet waited for */, COMMONS_GONE };

struct commons_host {
    void *ctx;
    enum commons_life (*life)(void *ctx, int64_t pid, uint64_t start_time);
    bool (*is_gone)(void *ctx, int64_t pid); /* the same in haste: another process of that pid is not noticed */
    uint64_t (*now_ns)(void *ctx);
};

struct commons;

size_t commons_size(void); /* Units: bytes */
/* The first to come signs the block.  Returns: false when it is not one of ours.  Needs no lock. */
bool commons_begin(struct commons *c);
/* The word of the lock, for whoever provides it: 0, or the process that holds it. */
_Atomic uint32_t *commons_lock_word(struct commons *c);

/* Each returns the number of the record, found or new, or 0 when there is no room, which is counted. */
uint32_t commons_add_process(struct commons *c, const struct commons_process *process, const struct commons_host *host);
uint32_t commons_add_module(struct commons *c, const struct commons_module *module);
uint32_t commons_add_stack(struct commons *c, const struct commons_stack *stack);
uint32_t commons_add_identity(struct commons *c, const struct commons_identity *identity, bool *is_new);
uint32_t commons_add_private(struct commons *c, const struct commons_identity *identity);
/* Returns: the number of a private one that somebody has added, or 0, which is not counted. */
uint32_t commons_find_private(struct commons *c, const struct commons_key *key);

/* Each copies the record.  Returns: false when there is none or it is damaged. */
bool commons_get_process(struct commons *c, uint32_t number, struct commons_process *process);
bool commons_get_module(struct commons *c, uint32_t number, struct commons_module *module);
bool commons_get_stack(struct commons *c, uint32_t number, struct commons_stack *stack);
bool commons_get_identity(struct commons *c, uint32_t number, struct commons_identity *identity);

/* Returns: true when a process other than `number` lives. */
bool commons_others_live(struct commons *c, uint32_t number, const struct commons_host *host);

/* The following need no lock. */

/* Changes when a process has joined. */
uint32_t commons_births(const struct commons *c);
uint32_t commons_lost(const struct commons *c);
uint32_t commons_damaged(const struct commons *c);
/* The memory of the identity was made a new lock, or is one no more: what is known of the old one counts no longer. */
void commons_renew_identity(struct commons *c, uint32_t identity);
uint32_t commons_generation(const struct commons *c, uint32_t identity);
/* A semaphore was posted by somebody other than its holder: it is no lock, for all processes and for good. */
void commons_set_no_lock(struct commons *c, uint32_t identity);
bool commons_is_no_lock(const struct commons *c, uint32_t identity);
/* The end of a process; the caller sets the stack.  Two processes have the same by a chance of one in 2^63. */
struct commons_lock commons_end_of(int64_t pid, uint64_t start_time);
static inline bool commons_is_end(uint32_t identity)
{
    return (identity & COMMONS_END_BIT) != 0;
}
static inline bool commons_is_private(uint32_t identity)
{
    return identity > COMMONS_IDENTITIES && identity <= COMMONS_LOCKS;
}
/* A hand-over: `process` is about to post, to arrive, or to signal under that mutex. */
void commons_sent(struct commons *c, uint32_t process, uint32_t identity, uint64_t now_ns);
/* `process` has come back from a wait for it.  Returns: whether anything was ever sent by it. */
bool commons_heard(struct commons *c, uint32_t process, uint32_t identity);

/* Notes that `party` happened, and looks for circles that it closes over at least two processes.
 * Returns: true when there is a new one, in `circle`. */
bool commons_request(struct commons *c, const struct commons_party *party, const struct commons_host *host,
                     struct commons_circle *circle);
/* The thread of `party` is about to sleep.  *sleeper is set to a number for commons_awake(), or 0.
 * Returns: true when it closes a circle of sleepers over at least two processes. */
bool commons_asleep(struct commons *c, const struct commons_party *party, const struct commons_host *host,
                    uint32_t *sleeper, struct commons_circle *circle);
/* Returns: true when every member of that circle sleeps on, in a process that lives. */
bool commons_sleeps_on(struct commons *c, const struct commons_circle *circle, const struct commons_host *host);
/* Needs no lock. */
void commons_awake(struct commons *c, uint32_t sleeper);

#endif

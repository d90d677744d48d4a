/* race_engine.h: what the parts of the race engine share: the engine and what it keeps of each plane.
 *
 *   race.c, race_shared (its short way) --> race_chunk (who takes part) --> race_set (interned sets of planes)
 *     |    --> race_visit (whether to try to own a chunk)
 *     |    --> race_generation (tag -> epoch) --> race_renumber (when they are used up)
 *     |    --> race_record (tags of an access), race_touched (where a plane has some)
 *     |    --> race_frontier (what nobody need look at the others for)
 *     |    --> race_sync (atomics and plain accesses of addresses with a clock) --> race_granules (their table)
 *     |                                                              \--> race_become (an address becomes one)
 *     |    --> race_freed, race_updates (what is wrong beside atomic operations) --> race_last (what those leave)
 *     |    --> race_run (what a loop is about to touch)
 *     |    --> race_hand_over (what a guess may order)
 *     |    --> race_hybrid (races that locks have hidden)
 *     |    --> race_memory (pages of the windows), race_ahead (before they are touched)
 *     |    --> race_fresh (memory that is new) --> race_memory
 *     |    --> race_trust (order that could not be seen)
 *     \------> race_finding (evidence) --> race_said (once), race_heard (where the order between the two ends)
 *
 * Lives:   the engine and its planes are made and ended in race_engine.c.
 * Locks:   chunk's lock bit, then a sync bucket or the sets, then RANK_CLOCKS.  None is held across a call that reports.
 *          All are spun on, with a yield now and then: they are held for less than a microsecond and never across a call of
 *          the host, but for RANK_CLOCKS.  The engine is not re-entered: a call of a signal handler that interrupts one of
 *          its own thread does nothing; when it would have ordered something, all before counts as ordered (race_trust.h).
 * Planes:  their bytes are written by their thread, and cleared by others under the chunk's lock.
 * Code:    compiled without vector registers, and calls nothing of libc: see bytes.h.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_ENGINE_H
#define LOCKHOUND_DETECTOR_RACE_ENGINE_H

#include <sys/syscall.h>

#include "detector/bytes.h"
#include "detector/race.h"
#include "detector/state.h"

enum {
    RACE_CHUNK_SHIFT = 8,
    RACE_CHUNK_BYTES = 1 << RACE_CHUNK_SHIFT,
    RACE_CHUNKS_MOST = 1 << 24, /* by the window */
    RACE_LINE_SHIFT = 6,        /* a cache line of a window */
    RACE_LINE_BYTES = 1 << RACE_LINE_SHIFT,
    RACE_CHUNK_LINES = RACE_CHUNK_BYTES / RACE_LINE_BYTES,
    RACE_ALL_LINES = (1 << RACE_CHUNK_LINES) - 1, /* of a chunk: a bit for each */
    RACE_LINES_MOST = RACE_CHUNKS_MOST * RACE_CHUNK_LINES,
    RACE_GENERATIONS = 127,
    RACE_PAGE = 4096, /* of the program, and of a window */
    RACE_OWED = 8,
    RACE_RECEIVED = 64,
    RACE_KNOWN = 64,
    RACE_LOCKS_MAX = 8,  /* locks kept of a generation */
    RACE_SLOTS = 1 << 16 /* slots of clocks that a word of trust is kept for */
};

/* What one generation of a plane stands for.  Read by all, under the plane's version. */
struct race_generation {
    _Atomic uint64_t epoch;
    _Atomic uint32_t slot;
    _Atomic uint32_t thread; /* thread_id */
};

/* What a thread did up to that position in its history, and perhaps up to `end`, if it stored there again in the same epoch, which leaves
 * no entry, was handed over (race_hand_over.h). */
struct race_received {
    uint32_t number; /* of the plane; 0: nothing */
    uint32_t slot;   /* of the clock of its thread then */
    uint64_t epoch;
    uint64_t position, end;
};

/* All that a thread has seen of another plane: its generations up to this one, to their ends, while its version is that one. */
struct race_known {
    uint32_t number; /* of the plane; 0: nothing */
    uint32_t version, generation;
};

/* The pages of the program [next - pages, next), of which those of the windows were asked for last (race_ahead.h). */
struct race_asked {
    uint32_t next, pages;
};
enum { RACE_ASKED = 4 };

/* Sets that a plane was found to be in, by their name. */
enum { RACE_COVERED = 64 };

/* How generations are renumbered. */
struct race_renumbering {
    uint32_t kept; /* those up to this one stay as they are */
    /* What has become one up to this stays so the next time: where there is nothing else nobody looks again. */
    uint32_t old;
    bool is_full;                            /* what others have heard of is not kept apart any more */
    uint8_t tag[2 * (RACE_GENERATIONS + 1)]; /* what each becomes: the bit that says written stays */
};

/* The locks that a generation's accesses were made under, with --races=hybrid. */
struct race_locks {
    _Atomic(struct object *) object[RACE_LOCKS_MAX];
    _Atomic uint32_t name[RACE_LOCKS_MAX]; /* generation of the object << 1 | shared */
    _Atomic uint32_t count;                /* above RACE_LOCKS_MAX: more than are known */
};

/* An own thread's counters; summed when somebody asks. */
struct race_tally {
    _Atomic uint64_t accesses, renumberings;
};

/* Of so many planes each thread says what it has heard of them. */
enum { RACE_HEARD = 16 };

/* Shared accesses of a thread to one chunk, by the chunk's number modulo RACE_VISITS. */
enum { RACE_VISITS = 256 };
struct race_visit {
    uint32_t chunk, count;
};

/* Epochs, by their number modulo that, of which a thread has released a part before their end. */
enum { RACE_OPEN = 256 };

/* What the engine keeps of a plane.  Others look at this, never at the plane itself, which the host sets up anew for each
 * thread.  By cache lines: what others read at each look and nobody writes, what they read and its thread writes, and what is
 * its thread's alone. */
struct race_part {
    struct race_plane *plane;
    uint8_t *tags, *writes; /* the plane's, which never move */
    uint32_t number;
    uint32_t window; /* the engine's */
    bool has_thread;
    _Atomic uint32_t thread;              /* thread_id of the latest thread */
    _Atomic uint32_t slot;                /* of its clock */
    _Atomic uint64_t born_in;             /* its first epoch */
    _Atomic(struct thread_clock *) clock; /* of the latest thread, or `ended`; NULL: it was forgotten */
    _Atomic uint32_t version;             /* odd while its tags are renumbered */

    _Alignas(RACE_LINE_BYTES) _Atomic uint32_t present; /* generation */
    _Atomic uint32_t renumbering_at; /* while that is so: the first chunk whose tags are those of before */
    struct race_generation generation[RACE_GENERATIONS + 1];
    struct race_generation before[RACE_GENERATIONS + 1]; /* the same when it was last renumbered */
    struct race_locks locks[RACE_GENERATIONS + 1];       /* with --races=hybrid */
    _Atomic uint64_t heard[RACE_HEARD + 1]; /* by a plane's number: up to which of its epochs this thread has seen */

    /* Its thread is in the engine; a signal handler that interrupts it there finds the door shut. */
    _Alignas(RACE_LINE_BYTES) volatile bool inside;
    volatile bool turned_away;      /* a handler that did so synchronised, or made memory new */
    uint32_t changing_size;         /* of how many bytes: a wider load behind a store is not its end */
    uint64_t changing;              /* where the latest call began an atomic operation; 0: it did not */
    uint32_t alone;                 /* the set of this plane alone */
    uint32_t covered[RACE_COVERED]; /* name << 1 | whether as one that writes; by name, modulo; of no plane's 0 */
    uint32_t waited;                /* shared accesses since it tried to have a chunk for itself, ... */
    uint32_t patience;              /* ... until it tries again, ... */
    struct race_tally tally;
    uint32_t heard_joins;     /* what `heard` is of: its clock's joins, ... */
    uint64_t heard_begun;     /* ... and the engine's planes */
    uint64_t owed[RACE_OWED]; /* sync addresses loaded and not acquired yet, with their bytes: plane->owed of them */
    uint64_t owed_low, owed_high;                 /* those past RACE_OWED lie in here; low is 0 when there are none */
    struct race_visit visits[RACE_VISITS];        /* ... and those to each of the chunks it came to lately */
    _Atomic uint64_t open[RACE_OPEN];             /* read by others, for what a finding says */
    struct race_received received[RACE_RECEIVED]; /* by number, modulo */
    struct race_known known[RACE_KNOWN];          /* likewise */
    struct clock_stamp fence;                     /* of the last release fence */
    struct thread_clock loaded;                   /* what relaxed loads saw, for the next acquire fence */
    struct clock_stamp loose_fence;               /* the same two of the loose clock */
    struct thread_clock loose_loaded;
    struct thread_clock ended;           /* the clock of the latest thread that has ended */
    struct race_chunk *locked_chunk;     /* by its thread, so that a forked child can free it */
    struct race_renumbering renumbering; /* the last */
    _Atomic uint32_t renumbered;         /* generations up to this one come from it */
    _Atomic uint32_t pages;              /* of 4096 bytes of the program, where it has marks: as many of each window */
    struct race_asked asked[RACE_ASKED];
    uint32_t asked_last; /* counts */
    uint64_t *marked;    /* a bit for each chunk where the plane's windows may not be zero */
    uint64_t overview[RACE_LINES_MOST / 64 / 64 / 64]; /* a bit for each word of `summary` that may not be 0 */
    uint64_t summary[RACE_LINES_MOST / 64 / 64];       /* a bit for each word of `touched` that may not be 0 */
    uint64_t *written;  /* a bit for each of these where the second window may have some as well */
    uint64_t touched[]; /* a bit for each line with tags of the plane that are not all old */
};

struct race_frontier;
struct race_sets;
struct race_granules;
struct race_said;

struct race_engine {
    struct detector *d;
    struct race_host host;
    uint32_t window; /* the bits of an address by which its tags are found */
    uint32_t high;   /* those of a chunk's word that hold higher ones */
    struct race_chunk *chunks;
    uint64_t *used; /* a bit for each page of `chunks` that was written to */
    /* For each 8 bytes of the window a mask of those where an address was a sync one; NULL when it has 32 bits: then two
     * addresses of one place are too rare to keep it for. */
    _Atomic uint8_t *sync_places;
    struct race_frontier *frontiers; /* for each 16 bytes of the window: race_frontier.h */
    struct race_sets *sets;
    const uint8_t *set_arena; /* where the sets lie */
    struct race_granules *granules;
    const _Atomic uint64_t *granule_buckets; /* 0 where nothing is */
    struct race_said *said;
    _Atomic uint64_t *trusted;        /* by slot: epochs up to this one race with nothing any more */
    _Atomic uint64_t *hidden_trusted; /* the same for hidden races; NULL without --races=hybrid */
    _Atomic(struct race_part *) parts[RACE_PLANES_MAX + 1]; /* by number; written once, before any set names it */
    _Atomic uint32_t last_number;                           /* no part has a higher one */
    _Atomic uint64_t pages;                                 /* of all parts */
    _Atomic uint32_t unseen;                                /* threads whose order is not seen at present */
    _Atomic uint32_t becomings;                             /* times that an address became a sync one */
    _Atomic uint64_t chunks_shared, aliases, forgotten, begun, sync_addresses, races, repeats, trusts, spilled,
        withheld;
};

/* A piece of one chunk that is accessed. */
struct race_piece {
    uint64_t address;
    size_t size;
    uint32_t flags;
};

/* What one thread found in another's plane. */
struct race_met {
    uint32_t number; /* of the plane; 0: nothing */
    bool wrote;
    uint64_t address; /* of the byte */
};

/* Returns: how many chunks there are. */
static inline uint32_t race_chunk_count(const struct race_engine *engine)
{
    return (engine->window >> RACE_CHUNK_SHIFT) + 1;
}

static inline uint32_t race_chunk_index(const struct race_part *part, uint64_t address)
{
    return ((uint32_t)address & part->window) >> RACE_CHUNK_SHIFT;
}

static inline void race_count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); /* a statistic */
}

/* Returns: the part of a plane's number, or NULL when there was never one. */
static inline struct race_part *race_part_at(const struct race_engine *engine, uint32_t number)
{
    return relaxed_load(&engine->parts[number]); /* found by a set, published under its lock, or by last_number */
}

static inline struct race_part *race_part(const struct race_plane *plane)
{
    return plane->engine_part;
}

static inline struct thread_clock *race_clock(const struct race_plane *plane)
{
    return &plane->thread->hb;
}

/* Returns: the clock that says what comes before the thread's accesses. */
static inline struct thread_clock *race_order(const struct race_engine *engine, const struct race_plane *plane)
{
    return engine->hidden_trusted != NULL ? &plane->thread->loose : &plane->thread->hb;
}

/* Returns: false inside a call of the same thread.  Then the caller returns at once. */
static inline bool race_enter(struct race_part *part)
{
    if (part->inside)
        return false;
    part->inside = true;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

/* Out of line part of race_leave(). */
void race_mend(struct race_engine *engine, struct race_part *part);

static inline void race_leave(struct race_engine *engine, struct race_part *part)
{
    atomic_signal_fence(memory_order_seq_cst);
    part->inside = false;
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(part->turned_away, 0))
        race_mend(engine, part);
}

enum { RACE_SPINS_BEFORE_YIELDING = 64 };

/* One turn of a wait for a lock of the engine.  Its holder may have lost its processor, perhaps to this thread. */
static inline void race_pause(uint32_t *spins)
{
    if (++*spins % RACE_SPINS_BEFORE_YIELDING == 0) {
        long result = SYS_sched_yield;
        __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
    }
    __builtin_ia32_pause();
}

/* ---- race.c ---- */

/* Holds the piece against the tags of the others.  Returns: true when a race was found and reported. */
bool race_check(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk, uint32_t state,
                const struct race_piece *piece);

/* ---- race_finding.c ---- */

/* The access `piece` of `plane` meets `met`, as it seems: looks again and reports it.  Returns: true when it is a race. */
bool race_found(struct race_engine *engine, struct race_plane *plane, struct race_chunk *chunk,
                const struct race_piece *piece, const struct race_met *met);
/* The same where no tag, but a sync address says what was met: its latest release, by `other`.
 * Reported only where the history has that operation. */
struct race_last;
bool race_found_by_clock(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                         const struct race_piece *piece, const struct race_met *met, const struct race_last *last);

#endif

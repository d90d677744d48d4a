/* race.h: data races by happens-before, exact to the byte, from tags that each thread keeps by itself.
 *
 *   woven code --miss--\
 *   mem*, read(), ...  --+--> race_access() --> [chunk: who takes part] --> tags of the others: all seen? --no--> finding
 *   __tsan_*           --/            \--> own tags (plane)
 *
 * Model:     each thread has a plane: for each byte of the program the generation of its last access, and that of its last
 *            write.  A generation stands for an epoch of the thread's clock.  An access races with another thread's last
 *            access (last write, for a read) when the epoch behind that tag has not been seen.  No shadow cells: the planes
 *            are the history.
 * Chunk:     256 bytes of the program.  It has participants: the threads whose tags in it are true, until its history is
 *            dropped; a thread clears its tags when it joins.  A participant that has seen all of the others' tags in the
 *            chunk owns it: as long as nobody else comes, its misses only set tags.  The others' tags stay, for a third
 *            thread may race with them.  Without an owner each miss looks at the tags of the others.
 * Aliases:   tags are found by the low bits of the address, 32 or fewer (struct race_host, window_bits).  A chunk remembers
 *            the high bits; when another address with the same low bits comes, the chunk is given to it and its history
 *            dropped (counted).
 * Generations: 1..127, monotone in the epoch, with a table generation -> epoch a plane.  When they run out the thread
 *            renumbers: groups of old generations become one, standing for the earliest epoch of the group (never a
 *            false race), in both windows of every chunk that it has touched.
 * Sync:      an address used atomically has a clock of its own and no tags at all, so that every access to its bytes misses:
 *            a plain load of it acquires, a plain store releases (x86: a plain move is an acquire load or a release store).
 *            When an address becomes one, what others wrote there before counts as released.
 * Threads:   a plane is written by its thread, and read by others (a torn or stale tag can only be an older truth or zero);
 *            chunks change by compare-and-swap under a lock bit.  In the steady state a miss takes no lock.
 * Lost:      order that was not seen, for want of room or because nobody could, counts as order: no race is claimed with
 *            what it may concern (race_trust.h).  What has no room loses history, never order.
 * Signals:   a call from a handler that interrupts a call of its own thread does nothing; what it may have ordered counts
 *            as lost.
 * Source:    Flanagan & Freund 2009 (epochs, last read and last write); Serebryany & Iskhodzhanov 2009 and LLVM's tsan v3
 *            (history for the other side's stack).
 */
#ifndef LOCKHOUND_DETECTOR_RACE_H
#define LOCKHOUND_DETECTOR_RACE_H

#include "detector/detector.h"

struct race_engine;
struct race_plane;

enum race_access_flag {
    RACE_WRITE = 1 << 0,
    RACE_ATOMIC = 1 << 1, /* atomic, exactly known (abi/): does not race with other atomic accesses */
    RACE_FREE = 1 << 2, /* of a whole block by free(): a write; with RACE_READ_MODIFY by realloc(), where it may stay */
    RACE_GUESS = 1 << 3, /* a plain move that may have been an atomic one in the source */
    RACE_READ_MODIFY = 1 << 4,
    RACE_LIBRARY = 1 << 5, /* made by libc on the program's behalf (memcpy, read, ...): `at` is its caller */
    RACE_UNTOLD = 1 << 6,  /* with RACE_READ_MODIFY: nothing depends on what was there, as in a counter's increment */
    /* A load whose value decides where the code goes or what it reads; without RACE_GUESS a plain one that a loop waits for. */
    RACE_DECIDES = 1 << 7,
    /* A load, known for a plain one, whose value decides: what may be an atomic store hands over to it. */
    RACE_LOOKS = 1 << 8,
    RACE_QUIET = 1 << 9 /* say whether it seems to race, and report nothing */
};

/* What the host can say about an earlier access of another thread (detector/history.h keeps it). */
struct race_recalled {
    bool found; /* false: the history has aged out */
    struct stack_id stack;
    uint32_t flags;    /* enum race_access_flag */
    uint64_t position; /* in what the thread did: grows with each access that is kept */
    uint64_t until;    /* the same of when it may have been done last; 0: at `position` */
    uint64_t address, size;
    const struct held_lock *held; /* valid until the next recall on this thread */
    size_t held_count;
};

struct race_host {
    void *ctx;
    /* Returns: `size` bytes of zeroed, lazily committed address space, or NULL. */
    void *(*reserve)(void *ctx, size_t size);
    void (*release)(void *ctx, void *memory, size_t size);
    /* Makes [low, low + size) zero again and gives its pages back; whole pages. */
    void (*discard)(void *ctx, void *memory, size_t size);
    /* May be NULL.  Has pages ready for [memory, memory + size), to be written to; whole pages.  A hint. */
    void (*populate)(void *ctx, void *memory, size_t size);
    /* Makes both windows of the plane zero and gives their pages back.  Its thread calls. */
    void (*empty)(void *ctx, struct race_plane *plane);
    size_t budget;        /* of the pages of all windows; past it threads drop their history; 0: none.  Units: bytes */
    unsigned window_bits; /* of an address, by which its tags are found: RACE_WINDOW_LEAST to 32; 0: 32 */
    /* How many threads there are or are being made, or NULL: raised before a thread's creator sends it its clock, lowered behind
     * race_plane_end(). */
    const _Atomic uint32_t *threads;
    /* Looks for the last access of the thread of `plane` to any byte of [address, address+size) in the epochs
     * [epoch_low, epoch_high] (a write, when `write`). */
    void (*recall)(void *ctx, const struct race_plane *plane, uint64_t epoch_low, uint64_t epoch_high, uint64_t address,
                   uint64_t size, bool write, struct race_recalled *recalled);
    /* May be NULL.  Says what the thread of `plane` that is `thread` did to release its epoch `epoch`: sets heard->how,
     * HEARD_LOST when its history has aged out, and what belongs to it. */
    void (*sent)(void *ctx, const struct race_plane *plane, struct thread_id thread, uint64_t epoch,
                 struct finding_heard *heard);
    /* May be NULL.  Says which atomic operation of woven code released that epoch of `thread`, whose plane it is: sets found,
     * stack and position, and nothing when the history does not say it. */
    void (*released)(void *ctx, const struct race_plane *plane, struct thread_id thread, uint64_t epoch,
                     struct race_recalled *recalled);
    /* The present access's stack, asked for only when a finding is made. */
    struct stack_id (*stack_here)(void *ctx);
    /* May be NULL.  Returns: the innermost place of a stack, as a number that other stacks of that place share. */
    uint64_t (*place)(void *ctx, struct stack_id stack);
    /* May be NULL.  Calls work(arg) with the program's vector registers saved: a report is made there, with recall(),
     * stack_here(), block() and the detector's host->report().  Everything else that the engine calls (reserve..., and of
     * detector_host alloc, enter and leave) runs while they are live, so the host compiles it without vector registers. */
    void (*apart)(void *ctx, void (*work)(void *arg), void *arg);
    /* May be NULL.  Fills in block, block_size, alloc_stack and alloc_thread when memory->address is in a heap block. */
    void (*block)(void *ctx, struct finding_memory *memory);
    /* May be NULL.  Fills in alloc_stack and alloc_thread of the block that began at memory->block before it was freed. */
    void (*freed_block)(void *ctx, struct finding_memory *memory);
    /* May be NULL.  Sets *value to the `size` bytes (1 to 8) that stand at the address.  Returns: false when they cannot be
     * read. */
    bool (*value)(void *ctx, uint64_t address, uint64_t size, uint64_t *value);
    /* May be NULL.  Returns: true when the program asked that no race be told there. */
    bool (*is_ignored)(void *ctx, const struct finding_memory *memory);
    /* May be NULL.  Returns: true when a plain move by the code of that stack is no more certain than one with RACE_GUESS. */
    bool (*is_unsure)(void *ctx, struct stack_id stack);
    /* May be NULL.  Returns: why order may go unseen in this process, as a detail of a finding; NULL: it does not. */
    const char *(*doubt)(void *ctx);
    /* May be NULL.  Returns: false when the memory may have been given back and out again unseen, or a side of the finding is
     * none of the program: no race is told then. */
    bool (*is_followed)(void *ctx, const struct finding *finding);
};

/* What a thread has acquired of a synchronising address: all that was released to its clock up to this version of it.  While
 * the clock still has that, a load of the address has nothing to acquire.  By (address >> 2) modulo RACE_TAKEN; a signal
 * handler may replace it between any two looks, so that the address is looked at last.  Its size is known to assembly. */
struct race_taken {
    uint64_t address;                /* 0: nothing */
    const _Atomic uint32_t *version; /* of the clock, which stays in place; NULL: nothing */
    uint32_t taken;
    uint32_t unused[3];
};
enum { RACE_TAKEN = 16, RACE_TAKEN_BYTES = 4 /* neighbours in one granule have places of their own */ };
_Static_assert(sizeof(struct race_taken) == 32, "the quick path shifts by it");

/* One thread's plane as the engine sees it; inside memory of the host, near the GS base. */
struct race_plane {
    uint8_t *tags;         /* window of last accesses: tags[address & window] */
    uint8_t *writes;       /* window of last writes */
    uint32_t number;       /* 1..RACE_PLANES_MAX, the participant's name in chunks */
    uint8_t write_tag;     /* present one; the host copies it to where woven code reads it */
    bool accessed;         /* something was recorded since the generation was raised; woven misses set it too */
    struct thread *thread; /* whose clock its epochs are of; NULL when it has ended; its memory stays until then */
    void *engine_part;     /* generation table, touched chunks, ...: the engine's */
    uint32_t window;       /* the engine's; and the bits of a chunk's word that hold high bits of the address */
    uint32_t high;
    uint32_t owed;                       /* sync addresses loaded and not acquired yet */
    struct race_taken taken[RACE_TAKEN]; /* for the quick path of atomic loads */
};
enum { RACE_PLANES_MAX = 4000, RACE_WINDOW_LEAST = 21, RACE_HIGH_SHIFT = 15 /* addresses of programs have 47 bits */ };

/* Returns: how many planes there may be when tags are found by `bits` of the address. */
static inline uint32_t race_planes_max(unsigned bits)
{
    uint32_t names = (UINT32_C(1) << (bits - RACE_HIGH_SHIFT)) - 2;
    return names < RACE_PLANES_MAX ? names : RACE_PLANES_MAX;
}

/* Returns: an engine for detector `d` on memory of the hosts, or NULL. */
struct race_engine *race_engine_new(struct detector *d, const struct race_host *host);
void race_engine_delete(struct race_engine *engine);
/* Returns: true when `t` may go on in the plane of a thread that ended, and keep its history: it has seen that end. */
bool race_plane_follows(const struct race_plane *plane, const struct thread *t);
/* The plane (tags, writes, number set; all zero, or kept from an earlier thread that `t` follows) belongs to `t` from now
 * on.  Its memory stays in place until it is forgotten.  Returns: false without memory. */
bool race_plane_begin(struct race_engine *engine, struct race_plane *plane, struct thread *t);
/* The thread ends; its history stays.  [stack_low, stack_high) is its stack, whose next user owes it nothing. */
void race_plane_end(struct race_engine *engine, struct race_plane *plane, uint64_t stack_low, uint64_t stack_high);
/* The host will zero and reuse the plane under the same number: forget it. */
void race_plane_forget(struct race_engine *engine, struct race_plane *plane);
/* Raises plane->write_tag when the thread's epoch has moved on; atomics and fences do it by themselves.  Cheap when nothing
 * happened.  Call it after verbs of detector.h, before the program runs on. */
void race_plane_advance(struct race_engine *engine, struct race_plane *plane);

/* The present access of `plane`'s thread.  Checks it against the others and records it (sets tags).
 * Returns: true when a race was found and reported; with RACE_QUIET, when there may be one. */
bool race_access(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint64_t size, uint32_t flags);
/* Returns: whether the thread has done as much to all of these bytes since its last release, so that nothing is to be told: what a check
 * in line asks.  `flags`: 0 or RACE_WRITE. */
bool race_is_known(const struct race_plane *plane, uint64_t address, uint64_t size, uint32_t flags);
/* An access there is about to be told of: what race_access() waits for longest is fetched meanwhile.  Returns: true when the same may be
 * told again and again in one epoch, for there are synchronising addresses near by, which have no tags. */
bool race_fetch(const struct race_engine *engine, const struct race_plane *plane, uint64_t address, bool writes);
/* A read of one byte of what the thread has read before, recorded but not held against what others did: cheap.
 * Returns: false when that cannot be done; then race_access() is to be called. */
bool race_note(struct race_engine *engine, struct race_plane *plane, uint64_t address);
/* [low, high) is memory given out anew (a block, a stack that was left): no history.  What the plane's tags there take stays with it, for
 * the next to use them is most often its thread. */
void race_range_fresh(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high);
/* [low, high) was mapped, or unmapped: no history, and whole pages of tags go back to the system. */
void race_range_mapped(struct race_engine *engine, struct race_plane *plane, uint64_t low, uint64_t high);

/* Atomics.  A read-modify-write is `before` (release) then the instruction then `after` (acquire).  `order` as recorded by
 * abi/ or debug information, ORDER_ACQ_REL for LOCK-prefixed ones; a relaxed one orders nothing but fences beside it do.
 * A load is race_atomic_after() alone, a store race_atomic_before() alone. */
void race_atomic_before(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                        int order);
/* For race_atomic_before() of ORDER_ACQ_REL or ORDER_RELAXED, of an instruction that adds something to what is there, whatever that is. */
void race_atomic_add(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size, int order);
/* Instead of both, of a change of which its thread sees nothing: it acquires nothing, for what is rightly ordered behind it has seen that
 * it came later; in another run it does not.  `adds`: as in race_atomic_add().  `order`: ORDER_RELEASE or ORDER_RELAXED. */
void race_atomic_unobserved(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                            int order, bool adds);
void race_atomic_after(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint32_t size,
                       int order);
void race_fence(struct race_engine *engine, struct race_plane *plane, int order);
/* A plain load of a sync address, noticed by race_access() before the instruction ran, acquires when the thread enters the
 * library next: true when something is owed.  Call race_settle() before any other verb of the thread then. */
static inline bool race_owes(const struct race_plane *plane)
{
    return plane->owed > 0;
}
/* Returns: true when the thread is inside the engine: in a signal handler that interrupted it. */
bool race_is_busy(const struct race_plane *plane);
void race_settle(struct race_engine *engine, struct race_plane *plane);

/* Order goes unseen from begin to end, in which calls nest: a thread runs whose atomics and plain stores the engine is not
 * told of.  No race is claimed meanwhile, nor later with what was done before the end.  Any thread; async-signal-safe. */
void race_unseen_begin(struct race_engine *engine);
void race_unseen_end(struct race_engine *engine);
/* The same for something that has just happened. */
void race_order_unseen(struct race_engine *engine);

struct race_counts {
    uint64_t accesses; /* misses that entered the engine */
    uint64_t chunks_shared, renumberings, sync_addresses, races, repeats;
    /* What was given up: */
    /* Times that the history of 256 bytes, or of a thread that ended, was dropped for want of room. */
    uint64_t history_dropped;
    uint64_t orders_trusted; /* times that order could not be seen: what came before counts as ordered */
    uint64_t syncs_spilled;  /* chunks whose atomics share one clock with those of others, for the table is full */
    uint64_t withheld;       /* seeming races not claimed: order was lost, or the memory is not followed */
};
void race_counts(const struct race_engine *engine, struct race_counts *counts);

/* In a forked child, where `plane` (may be NULL) belongs to the only thread: frees what other threads had locked.  What
 * they did before the fork races with nothing any more. */
void race_forked(struct race_engine *engine, const struct race_plane *plane);

/* For the quick path of a miss, written in assembly or inline: the chunk's word; equal to race_owner_word() while the plane's
 * thread owns it (then no byte in it is a sync address): setting tags (and writes) and plane->accessed is all there is to do. */
struct race_chunk {
    _Atomic uint32_t who;   /* (address >> RACE_HIGH_SHIFT & high) | plane number, or | ~high: shared; 0: nobody yet */
    _Atomic uint32_t state; /* the engine's: set of participants, lock bit, sync bit */
};
struct race_chunk *race_chunks(struct race_engine *engine); /* the one of an address: [(address & window) >> 8] */
static inline uint32_t race_owner_word(const struct race_plane *plane, uint64_t address)
{
    return ((uint32_t)(address >> RACE_HIGH_SHIFT) & plane->high) | plane->number;
}
/* Returns: the place of the address in a window, or in both. */
static inline size_t race_place(const struct race_plane *plane, uint64_t address)
{
    return (size_t)(address & plane->window);
}
/* Returns: true when the thread has read, written or noted this very byte in its present epoch. */
static inline bool race_is_noted(const struct race_plane *plane, uint64_t address)
{
    return plane->tags[race_place(plane, address)] >> 1 == plane->write_tag >> 1;
}

#endif

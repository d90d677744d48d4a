/* clocks.h: vector clocks whose release is O(1): a thread publishes a snapshot that it shares instead of copying.
 *
 *   thread_clock = own slot + own epoch + a snapshot of what it has seen of all other slots
 *                                             ^ immutable once published, reference counted, pooled
 *   release: object.stamp = {slot, epoch, snapshot}; own epoch + 1
 *   acquire: the same slot released last, or stamp.epoch <= seen[stamp.slot]  -> nothing to do   (O(1))
 *            else join into a snapshot of one's own                            (O(slots))
 *
 * Model:     a clock is a map slot -> epoch; a happens before b iff a.epoch <= b.seen[a.slot].
 * Invariant: whoever has seen (slot, epoch) has seen all that this thread had seen at that epoch.
 * Joined:    a sync_clock that several threads released without having seen each other is a plain map; a thread that
 *            takes it in remembers its version, so that taking the same in again is O(1) too.
 * Threads:   a thread_clock is written by its thread alone; a sync_clock by whoever holds its object.  Snapshots are
 *            shared, with atomic counts; the pool is under RANK_CLOCKS and each thread keeps a few spare ones.
 * Slots:     recycled oldest first after a thread has ended; epochs go on in the slot, so a stale stamp can only look
 *            older than it is (a miss, never a false report).
 * Memory:    when the host has none left, a join is left out and counted in the pool's `lost`.
 * Source:    Flanagan & Freund 2009 (epochs); Mathur et al. 2022 and LLVM's tsan v3 on sharing clocks.
 */
#ifndef LOCKHOUND_DETECTOR_CLOCKS_H
#define LOCKHOUND_DETECTOR_CLOCKS_H

#include "detector/host.h"
#include "detector/relaxed.h"

struct clock_pool;
struct clock_chunk;

struct clock_snapshot {
    _Atomic uint32_t users;
    uint32_t size; /* entries of epoch[] */
    struct clock_pool *pool;
    struct clock_snapshot *next; /* while spare */
    uint64_t epoch[];
};

/* One point in the life of one thread: comparable with every other stamp for ever. */
struct clock_stamp {
    uint32_t slot;
    uint64_t epoch; /* 0: never */
    struct clock_snapshot *seen;
};

/* Returns: true when `a` happened before (or is) `b`. */
bool clock_stamp_before(const struct clock_stamp *a, const struct clock_stamp *b);
/* Replaces *to by a counted copy of *from; drops what *to held. */
void clock_stamp_assign(struct clock_stamp *to, const struct clock_stamp *from);
void clock_stamp_drop(struct clock_stamp *stamp);

/* ---- memory ---------------------------------------------------------------------------------------------------- */

#define CLOCK_CLASSES 28 /* class c has 8 << c entries */
#define CLOCK_SPARES  8

struct clock_pool {
    const struct detector_host *host;
    struct clock_snapshot *free[CLOCK_CLASSES];
    struct clock_chunk *chunks; /* all memory taken from the host */
    _Atomic uint64_t lost;
};

/* Snapshots a thread keeps at hand, of the class that it needed last. */
struct clock_spares {
    struct clock_pool *pool;
    uint32_t class;
    uint32_t count;
    struct clock_snapshot *spare[CLOCK_SPARES];
};

void clock_pool_init(struct clock_pool *pool, const struct detector_host *host);
void clock_pool_delete(struct clock_pool *pool);
/* Gives a thread's spare snapshots back. */
void clock_spares_return(struct clock_spares *spares);

/* ---- what an object remembers ---------------------------------------------------------------------------------- */

struct sync_clock {
    uint64_t epoch; /* of `slot`; 0: never released, or a join of several releases, all of it in `seen` */
    struct clock_snapshot *seen;
    uint32_t slot;
    _Atomic uint32_t version; /* changes when what was taken in of it is not all any more; never reset */
};

void sync_clock_drop(struct sync_clock *sync);
/* The clock, or something beside it, changed that whoever takes it in is to know: nobody has taken this version in yet. */
static inline void sync_clock_renew(struct sync_clock *sync)
{
    /* relaxed: a reader that sees the old number comes before this and misses nothing it could rely on */
    relaxed_store(&sync->version, relaxed_load(&sync->version) + 1);
}

/* ---- what a thread has seen ------------------------------------------------------------------------------------ */

#define CLOCK_ABSORBED 8
#define CLOCK_LATER    8

struct thread_clock {
    uint32_t slot;
    bool published; /* `seen` is shared: copy before the next change */
    uint32_t joins; /* changes whenever `seen` may have; odd while it does */
    uint64_t epoch;
    struct clock_snapshot *seen;
    struct clock_spares *spares;
    struct {
        const struct sync_clock *clock;
        uint32_t version;
    } absorbed[CLOCK_ABSORBED]; /* joined sync_clocks taken in lately */
    _Atomic uint64_t claimed;   /* the latest epoch that somebody says he has seen, perhaps before its end; 0: none */
    uint32_t later_count;       /* not 0: `seen` is no other clock's, and has room for them */
    struct {
        uint32_t slot;
        uint64_t epoch;
    } later[CLOCK_LATER]; /* taken in with the next release */
};

/* `epoch` is the first one of this life of the slot: 1 more than the last one of its previous life. */
void thread_clock_init(struct thread_clock *clock, struct clock_spares *spares, uint32_t slot, uint64_t epoch);
void thread_clock_drop(struct thread_clock *clock);
/* Returns: this very point, borrowed: valid until the clock changes. */
struct clock_stamp thread_clock_stamp(struct thread_clock *clock);
/* Everything before `stamp` happens before what the thread does next. */
void thread_clock_receive(struct thread_clock *clock, const struct clock_stamp *stamp);
/* That epoch comes before what those do next who hear of the thread; whether before what it does itself, the caller knows better. */
void thread_clock_receive_later(struct thread_clock *clock, uint32_t slot, uint64_t epoch);
/* From now on it does so before what the thread does, too. */
void thread_clock_take_later(struct thread_clock *clock);
/* The same as thread_clock_receive() for a child or joiner of a thread whose clock stands still: then its own epoch moves on. */
struct clock_stamp thread_clock_send(struct thread_clock *clock);

/* `kept` becomes what `clock`, whose thread ends, is now. */
void thread_clock_keep(struct thread_clock *kept, struct thread_clock *clock);
/* Somebody is going to say that he has seen that epoch of another thread's, which may not have ended: what it takes in from now on belongs
 * to the next.  Whoever calls this overhears the thread afterwards: then he has seen what it had by then. */
void thread_clock_claim(struct thread_clock *other, uint64_t epoch);
/* What another thread, which goes on meanwhile, has seen by now; of its own epochs none.  The memory of `other` may be another thread's by
 * now, but must be memory of a clock.
 * Owns: the caller drops the stamp.  Returns: false when it changed too often meanwhile, or there is no memory. */
bool thread_clock_overhear(struct thread_clock *clock, const struct thread_clock *other, struct clock_stamp *stamp);

#define CLOCK_FOLDED 32

/* Fills `seen` with the latest epoch seen of the slots that are equal modulo CLOCK_FOLDED, the thread's own among them. */
void thread_clock_fold(const struct thread_clock *clock, uint64_t seen[CLOCK_FOLDED]);

void thread_clock_acquire_slow(struct thread_clock *clock, const struct sync_clock *sync);
/* For an object that others may have released meanwhile: keeps what they said. */
void thread_clock_release_join(struct thread_clock *clock, struct sync_clock *sync);
/* The same with what the thread was at `stamp`, earlier; its clock stays as it is. */
void thread_clock_pass_on(struct thread_clock *clock, struct sync_clock *sync, const struct clock_stamp *stamp);
/* Out of line part of thread_clock_release(): another snapshot stands there. */
void thread_clock_release_slow(struct thread_clock *clock, struct sync_clock *sync);

static inline uint64_t clock_snapshot_epoch(const struct clock_snapshot *seen, uint32_t slot)
{
    return seen != NULL && slot < seen->size ? seen->epoch[slot] : 0;
}

static inline bool thread_clock_has_seen(const struct thread_clock *clock, uint32_t slot, uint64_t epoch)
{
    return slot == clock->slot ? epoch <= clock->epoch : epoch <= clock_snapshot_epoch(clock->seen, slot);
}

/* Returns: true when the thread took in this very version; race-free also while others change *sync. */
static inline bool thread_clock_has_taken(const struct thread_clock *clock, const struct sync_clock *sync)
{
    size_t i = ((uintptr_t)sync >> 6) % CLOCK_ABSORBED;
    return clock->absorbed[i].clock == sync && clock->absorbed[i].version == relaxed_load(&sync->version);
}

/* The thread has taken in this very version, or what of it is to come before what it does. */
void thread_clock_note_taken(struct thread_clock *clock, const struct sync_clock *sync);

/* Returns: true when acquiring `sync` would change nothing, as far as can be said in O(1). */
static inline bool thread_clock_has_absorbed(const struct thread_clock *clock, const struct sync_clock *sync)
{
    if (sync->epoch != 0)
        return thread_clock_has_seen(clock, sync->slot, sync->epoch);
    return sync->seen == NULL || thread_clock_has_taken(clock, sync);
}

static inline void thread_clock_acquire(struct thread_clock *clock, const struct sync_clock *sync)
{
    if (!thread_clock_has_absorbed(clock, sync))
        thread_clock_acquire_slow(clock, sync);
}

/* For an object whose previous release this thread has seen, because it held the object alone. */
static inline void thread_clock_release(struct thread_clock *clock, struct sync_clock *sync)
{
    if (sync->seen != clock->seen) {
        thread_clock_release_slow(clock, sync);
        return;
    }
    sync->slot = clock->slot;
    sync->epoch = clock->epoch++;
}

#endif

/* plane.h: the tag planes of the threads, and what the library keeps of each beside what woven code sees of it.
 *
 *   thread begins --plane_start--> [plane of its own] --ends: plane_stop--> [ended: its history stays] --oldest first--+
 *                         ^   \--no address space--> [blind plane: records nothing]                                    |
 *                         +--------------------------- forgotten and emptied <-----------------------------------------+
 *
 * Model:     a plane is one mapping: struct plane, then the two windows of weaver/plane.h.  It belongs to one thread from
 *            plane_start() to plane_stop(), and is not used anew before the kernel says that this thread is gone: woven
 *            code of its last destructors still spills there.
 * Blind:     a thread that gets no plane has a header of its own in front of one window of zeros that all such threads
 *            share; tag 0 makes every check hit.  (Headers lie one page group apart, so that each window holds the headers
 *            of later ones: a check that reads those misses, which is harmless.)
 *            What such a thread orders is not seen either: the engine claims no race while there is one.
 * Inert:     until plane_start() was called for the first thread, self->plane is NULL everywhere.
 * Threads:   which plane a thread gets: plane_pool.h; a plane is written by its own thread.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_PLANE_H
#define LOCKHOUND_PRELOAD_WEAVE_PLANE_H

#include "detector/history.h"
#include "detector/race.h"
#include "detector/race_popped.h"
#include "detector/thread.h"
#include "preload/self.h"
#include "preload/weave/gate.h"
#include "preload/weave/vectors.h"
#include "weaver/image.h"
#include "weaver/plane.h"

struct routine_frame;

/* A barrier, told of by client requests, that the thread has arrived at and may not have left: request.h. */
struct plane_awaited {
    struct object *barrier; /* NULL: none */
    uint32_t id;
    uint64_t ticket; /* arrivals until it opens; UINT64_MAX: not known */
};

/* Begins the mapping: the header is what woven code sees. */
struct plane {
    struct plane_header header;
    struct self *self;
    struct race_chunk *chunks; /* for the quick path, as the next */
    uint32_t number;           /* race.number */
    uint32_t high;             /* race.high */
    struct race_engine *engine;
    struct race_plane race;
    struct history history;
    struct race_popped popped;
    uint32_t shown_joins;                             /* of the clock when it was last looked at, as history.epoch */
    bool looks_always;                                /* a budget or locks, too, may ask for a look */
    struct held_lock recalled_held[HISTORY_HELD_MAX]; /* of the latest recall by this thread */
    uintptr_t site;              /* of the access that is being looked at; 0: made by libc for the program */
    struct callers_id here;      /* the stack of that access, when site is 0 */
    struct routine_frame *frame; /* the program's registers while the slow path runs; NULL otherwise */
    struct gate_call gate;       /* the allocator's call that the thread is in */
    struct plane_awaited awaited;
    struct vectors vectors;
};
_Static_assert(sizeof(struct plane) <= PLANE_SKEW, "struct plane lies below the first window");

/* Gives the calling thread (which is `self`) a plane and points the GS base at it: the first call starts the race engine.
 * Returns: false when the thread could be given none, not even a blind one: woven code must not run on it.
 * Context: takes(OWN_RANK_PLANES). */
bool plane_start(struct self *self);
/* Gives a thread that begins a plane when the program is woven; nothing otherwise.  Context: takes(OWN_RANK_PLANES). */
void plane_start_if_woven(struct self *self);
/* A signal handler is about to run on a thread that is not known yet, whose GS base is still its creator's: gives it a blind
 * header until it is.  Context: signal, takes(OWN_RANK_PLANES). */
void plane_start_unknown(void);
/* A thread of clone() is about to be made.  Returns: the blind header for it; NULL when there is none.
 * Context: takes(OWN_RANK_PLANES). */
struct plane_header *plane_prepare_raw(void);
/* It was made as `tid`, perhaps as a process of its own; or it was not.  Context: takes(OWN_RANK_PLANES). */
void plane_made_raw(struct plane_header *header, pid_t tid, bool is_process);
/* Its first act; needs no thread-local storage.  Context: signal. */
void plane_enter_raw(const struct plane_header *header);
/* The thread ends: nothing it does from now on is recorded.  Context: takes(OWN_RANK_PLANES). */
void plane_stop(struct self *self);

/* What a signal handler's woven code would overwrite. */
struct plane_spills {
    uint64_t spill[6];
    struct plane_lanes lanes;
    uint64_t saved_rdi, saved_rsi;
};
/* Around a signal handler, on the thread's present plane; nothing when it has none.  Context: signal. */
void plane_spills_save(const struct self *self, struct plane_spills *spills);
void plane_spills_restore(struct self *self, const struct plane_spills *spills);

/* After anything that may have moved the thread's clock on, before the program runs on.  self->plane is not NULL.
 * Context: signal. */
void plane_sync(struct self *self);
/* Out of line part of plane_sync_at().  Context: signal. */
void plane_sync_now(struct self *self, uintptr_t site);
/* Returns: whether the clock stands where the plane last saw it.  Context: signal. */
static inline bool plane_is_in_step(const struct plane *plane)
{
    const struct thread_clock *clock = &plane->self->thread->hb;
    return plane->history.epoch == clock->epoch && plane->shown_joins == clock->joins && !plane->looks_always;
}
/* The same at a miss of the woven code at `site`.  Context: signal. */
static inline void plane_sync_at(struct self *self, uintptr_t site)
{
    if (!plane_is_in_step(self->plane))
        plane_sync_now(self, site);
}
/* Returns: true when the thread's clock has moved on since the last entry of its history; that says so now, of `site` as above.
 * Context: signal. */
bool plane_has_moved_on(struct self *self, uintptr_t site);
/* An access of several granules may have gone over a synchronising one: what lies behind that belongs to the epoch that it began,
 * and is to be found there too.  Returns: true when the access is to be noted once more.  Context: signal. */
static inline bool plane_began_epoch(struct self *self, uintptr_t address, size_t size, uintptr_t site)
{
    enum { GRANULE = 8 };
    return __builtin_expect(address % GRANULE + size > GRANULE, 0) && plane_has_moved_on(self, site);
}
/* Something that may order threads was done where nothing was seen of it.  Context: signal. */
void plane_order_unseen(void);
/* Before any verb of the detector: what a plain load of a synchronising address owes.  self->plane is not NULL.
 * Context: signal. */
void plane_settle(struct self *self);
/* Returns: whether nothing of that kind is to be done.  Context: signal. */
static inline bool plane_is_settled(const struct plane *plane)
{
    return plane->gate.frame == 0 && !race_owes(&plane->race) && plane->awaited.barrier == NULL;
}

/* For the history: `object` is held from now on, or no more, or was posted, signalled, ...; a thread was created.
 * self->plane is not NULL, here and below.  Context: signal. */
void plane_note_lock(struct self *self, const struct object *object, enum lock_mode mode, struct stack_id at);
void plane_note_unlock(struct self *self, const struct object *object, struct stack_id at);
void plane_note_sent(struct self *self, const struct object *object, struct stack_id at);
void plane_note_created(struct self *self, const struct self *created, struct stack_id at);
/* Where the latest unlock was made, when it was not said.  Context: signal. */
void plane_note_unlocked_at(struct self *self, struct stack_id at);

/* The one thread of this process starts its history afresh.  Context: fork-child. */
void plane_fork_child(struct self *self);

/* Returns: the engine, or NULL while nothing is woven.  Context: signal, in-malloc, loader-lock. */
struct race_engine *plane_engine(void);

/* Returns: the plane that `race` is part of.  Context: signal. */
static inline struct plane *plane_of(const struct race_plane *race)
{
    return (struct plane *)((uintptr_t)race - offsetof(struct plane, race));
}

#endif

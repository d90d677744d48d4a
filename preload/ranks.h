/* ranks.h: the library's own locks, ranked so that they cannot deadlock among themselves.
 *
 * A lock is one word: 0 free, 1 held, 2 held with sleepers; it sleeps in a futex.  The detector's ranks come first, the
 * library's own after them; a holder takes only higher ones, which debug builds check.
 *
 * Invariant: nothing of the program, of libc's allocator or of the loader runs while one is held.
 * Source:    Drepper, "Futexes Are Tricky", 2011 (mutex, third form); jemalloc's witness.h for the ranking.
 */
#ifndef LOCKHOUND_PRELOAD_RANKS_H
#define LOCKHOUND_PRELOAD_RANKS_H

#include "detector/host.h"

enum own_rank {
    OWN_RANK_COMMONS = RANK_COUNT, /* the first use of what processes share (commons_file.c) */
    OWN_RANK_SINK,                 /* one record at a time: describes threads, modules and stacks */
    OWN_RANK_SELVES,               /* registry of threads (self.c) */
    OWN_RANK_UNWIND,               /* libunwind's state: held while it runs */
    OWN_RANK_STACKS,               /* insertion into the depot of stacks */
    OWN_RANK_MODULES,              /* insertion into the table of modules */
    OWN_RANK_TRACE,
    OWN_RANK_CONTENTION, /* insertion into the table of contention.c */
    OWN_RANK_PLANES,     /* which planes are taken */
    OWN_RANK_ARENA,      /* memory; innermost, for any of the above may allocate */
    OWN_RANK_COUNT
};

/* Context: signal, may-block (briefly), takes(rank). */
void rank_enter(unsigned rank);
void rank_leave(unsigned rank);

/* Around fork: every rank is taken in order, so that the child finds each structure whole.  Context: may-block. */
void ranks_take_all(void);
void ranks_release_all(void);
/* In a child that was made behind ranks_take_all()'s back.  Context: fork-child. */
void ranks_reset_in_child(void);

#endif

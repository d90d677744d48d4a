/* race_frontier.h: of memory that several threads share, whose latest access, and whose latest write, all others came before.
 *
 *   access --own tags--> [frontier of 16 bytes] --seen by the thread--> it becomes the frontier: nobody else's tags are looked at
 *                               |               \--not seen, none--> a look at all tags there: all seen? --> it becomes the frontier
 *                               |                                                                    \--> none; race_check()
 *                               \--a read, behind all writes--> the same, and it leaves none: readers need not be ordered
 *
 * Model:     two words for each 16 bytes: the clock slot and epoch of an access that all others came before, and of one that all
 *            writes came before.  Whoever has seen the first has seen all that was done there; who has seen the second, and
 *            reads, races with nothing.  A single clock's entry is compared, however many threads there are.  The first is there of
 *            memory that a lock guards, or that is handed round; the second also where many read what was written before.
 * Claim:     a thread puts itself there first, and looks then.  That does no harm: it is in its present epoch, which nobody has seen
 *            before its next release.
 * Seen:      by the clock, and to the end of what a tag stands for.  What counts as seen for other reasons (race_trust.h), or what
 *            renumbering has put together with something older, makes no frontier: it may have to be handed over (race_hand_over.h).
 * Invariant: who records an access of a shared chunk comes here behind it.  Of two at once the later meets the other's word, and
 *            behind that its tags.
 * Owned:     chunks of one thread have none; what is left there of earlier is dropped when another comes (race_chunk.h).  An owner's
 *            access of that very instant is behind its back (a miss at worst).
 * Reads:     that leave none write nothing there: a table of constants stays in the caches of all.  Their tags come before
 *            their look, and a writer's word before its look at all tags: of two at once, one sees the other.
 * Source:    the last write as one epoch instead of many: Flanagan & Freund 2009; here the last access of all kinds as well.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_FRONTIER_H
#define LOCKHOUND_DETECTOR_RACE_FRONTIER_H

#include "detector/race_engine.h"

enum { RACE_FRONTIER_BYTES = 16 };

/* Both words change at once. */
struct race_frontier {
    _Alignas(16) _Atomic uint64_t latest;
    _Atomic uint64_t written;
};

/* Returns: the frontier of a place in the windows. */
static inline struct race_frontier *race_frontier_at(const struct race_engine *engine, size_t place)
{
    return &engine->frontiers[place / RACE_FRONTIER_BYTES];
}

bool race_frontiers_init(struct race_engine *engine);
void race_frontiers_delete(struct race_engine *engine);

enum race_passing {
    RACE_NOT_PASSED,
    RACE_PASSED, /* all that was done there was seen, or for a read all that was written: the piece races with nothing */
    RACE_PASSED_OWN /* the same, and the latest was the thread itself */
};
/* The piece, of a shared chunk, was recorded. */
enum race_passing race_frontier_pass(struct race_engine *engine, const struct race_plane *plane,
                                     const struct race_chunk *chunk, const struct race_piece *piece);
/* Returns: whether something was done in the shared chunk that the thread has not seen, as far as frontiers say it. */
bool race_frontier_unseen(const struct race_engine *engine, const struct race_plane *plane,
                          const struct race_chunk *chunk);
/* The locked chunk, which several share, is the thread's own from now on. */
void race_frontier_own(const struct race_engine *engine, const struct race_plane *plane,
                       const struct race_chunk *chunk);
/* Returns: true when its owner has not come to the locked chunk again after a release: it has had little of owning it. */
bool race_frontier_owned_in_vain(const struct race_engine *engine, const struct race_chunk *chunk,
                                 const struct race_part *owner);
/* Returns: true when the thread has seen all that the owner of the locked chunk has done there so far. */
bool race_frontier_owner_is_seen(const struct race_engine *engine, const struct race_plane *plane,
                                 const struct race_chunk *chunk, const struct race_part *owner);
/* The locked chunk had none, for its owner did not say what it did; NULL: nobody was there.  `state`: as it was with that owner.
 * Before others find it shared; and behind that the rest. */
struct race_frontier_start {
    const struct race_part *owner;
    uint8_t since; /* its generation */
};
struct race_frontier_start race_frontier_begin(const struct race_engine *engine, const struct race_chunk *chunk,
                                               uint32_t state, const struct race_part *owner);
void race_frontier_set_behind(const struct race_engine *engine, const struct race_chunk *chunk,
                              struct race_frontier_start start);
/* The thread leaves the locked chunk, which was its own, to all. */
void race_frontier_leave(struct race_engine *engine, const struct race_plane *plane, const struct race_chunk *chunk);
/* Whole pages of those of [low, high), which is gone, go back. */
void race_frontier_return(struct race_engine *engine, uint64_t low, uint64_t high);

#endif

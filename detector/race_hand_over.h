/* race_hand_over.h: what a race on a flag or a published pointer orders all the same: when it rests on a guess, and its place
 * may be an atomic one; or when a loop waits for the flag, known as a plain variable (ad-hoc synchronisation).
 *
 *   T1: data = 1;  flag = 1;           T2: if (flag)  use(data);
 *       history of T1: ... data ... flag     race on `flag`, possibly --> T2 has from T1 all that is before `flag`, and what T1 had heard
 *
 * When the store has aged out of its thread's history, all that the thread has done counts as handed over.  Done again in the same epoch
 * it leaves nothing in the history: what came behind it in that epoch was handed over perhaps, and races as a warning.
 *
 * A library that makes locks of its own (libgomp) also counts under them in place, and looks at the counter without: such
 * a counter hands over what all did that counted.
 *
 * Model:     the race on the flag is told, a guess as a warning.  T2's clock takes in the epochs before that of the flag.  A later race
 *            with what T1 did before it in that epoch, in the order of T1's history, would be told only because of this one, and is not.
 *            T2 may hand on what it got by any means: its next release says that it has seen the whole epoch.  From then on the
 *            place is a sync address, so that what is handed over through it later is ordered exactly; what was stored there before is
 *            handed to whoever loads of it later.
 * Others:    a store is held against others until one race is met.  When that is with one to whom nothing is handed over, or who is not
 *            known any more, another may have a tag of its present epoch there and not look again: the place becomes a sync address for
 *            it, or what T1 has done counts as handed over.
 * Again:     T1 may store there again, in the same epoch and so unseen, until its tags are gone: only then is it known what of that epoch was
 *            handed over perhaps.
 * Present:   T1 may take in more in the epoch of the flag, which whoever has seen that epoch is to have as well: so T1 begins another
 *            when it does (thread_clock_claim()).
 * Aged:      an access of that epoch, or an earlier one, that is not in T1's history any more counts as handed over.
 * Unseen:    no race is met where the store's epoch was merged with earlier ones, of which T2 has heard, or while T1's epochs are
 *            being merged.  What is merged into one then counts as handed over, or all that T1 has done.
 * Blind:     a race that is not looked into (race_finding.c) may be one on a flag, and hands over as well.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_HAND_OVER_H
#define LOCKHOUND_DETECTOR_RACE_HAND_OVER_H

#include "detector/race_engine.h"

/* An access of another thread that the present one possibly races with. */
struct race_giver {
    const struct race_part *part;
    uint32_t slot;         /* of the clock that has these epochs, in one of which it was made */
    uint64_t first, epoch; /* ... and the last */
    bool is_open;          /* it may not have ended yet */
};

/* The present access `piece` of `plane` possibly races with `theirs`, of `giver`.  Does nothing unless one of them is a load
 * that decides, or that a loop waits for, and the other a store.
 * Returns: true when it did, so that the next race there tells of something else. */
bool race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         const struct race_giver *giver, const struct race_recalled *theirs);
/* What `other` did there is not known, and may be the store of a flag or the load of one: the same, as far as that goes. */
void race_hand_over_blind(struct race_engine *engine, const struct race_plane *plane, const struct race_piece *piece,
                          const struct race_part *other);
/* Out of line parts of race_hand_over_look(). */
void race_hand_over_stored(struct race_engine *engine, const struct race_plane *plane, const struct race_part *other,
                           const struct race_piece *piece);
void race_hand_over_awaited(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                            const struct race_piece *piece);
/* Before the piece is held against what `other` did there.  It may be the load of a flag whose store makes no race.  Or it may be
 * stored to one that the other thread has just looked at in vain: where that look counts as ordered, no race tells of the two, and the
 * other will not look again in its present epoch, unless the place becomes a sync address. */
static inline void race_hand_over_look(struct race_engine *engine, struct race_plane *plane,
                                       const struct race_part *other, const struct race_piece *piece)
{
    uint32_t flags = piece->flags & (RACE_WRITE | RACE_GUESS | RACE_DECIDES);
    if (flags == (RACE_GUESS | RACE_DECIDES))
        race_hand_over_stored(engine, plane, other, piece);
    else if (flags == (RACE_WRITE | RACE_GUESS))
        race_hand_over_awaited(engine, plane, other, piece);
}

/* What was handed over to the thread of `part` is forgotten. */
void race_hand_over_forget(struct race_part *part);
/* Returns: whether `theirs` was handed over to `plane`, as far as its clock does not say so. */
enum race_handed_over { RACE_NOT_HANDED, RACE_PERHAPS_HANDED, RACE_HANDED_OVER };
enum race_handed_over race_hand_over_covers(const struct race_plane *plane, const struct race_giver *giver,
                                            const struct race_recalled *theirs);

#endif

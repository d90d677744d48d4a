/* race_hand_over.h: what a race on a flag or a published pointer orders all the same: when it rests on a guess, and its place
 * may be an atomic one; or when a loop waits for the flag, known as a plain variable (ad-hoc synchronisation).
 *
 *   T1: data = 1;  flag = 1;           T2: if (flag)  use(data);
 *       history of T1: ... data ... flag     race on `flag`, possibly --> T2 has from T1 all that is before `flag`
 *
 * When the store has aged out of its thread's history, all that the thread has done counts as handed over.  Done again in the same epoch
 * it leaves nothing in the history: what came behind it in that epoch was handed over perhaps, and races as a warning.
 *
 * A library that makes locks of its own (libgomp) also counts under them in place, and looks at the counter without: such
 * a counter hands over what all did that counted.
 *
 * Further:   what was handed over goes further by any order, and by guesses in turn.  A thread takes in what the other has seen and
 *            its epochs that have ended, which its own releases then pass on.  What the other did in its present epoch has no
 *            clock yet: it is noted, with the receiver's epoch, and whoever has seen that epoch has received it as well.
 *            Where what the other did is trusted, no race on the flag is found; it is a sync address all the same from then on.
 *
 * Model:     the race on the flag is told, a guess as a warning.  A later race with what its writer did before it, in the
 *            order of that thread's history, would be told only because of this one, and is not.  From then on the place is a
 *            sync address, so that what is handed over through it later is ordered exactly; what was stored there before is
 *            handed to whoever loads of it later.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_HAND_OVER_H
#define LOCKHOUND_DETECTOR_RACE_HAND_OVER_H

#include "detector/race_engine.h"

/* The present access `piece` of `plane` possibly races with `theirs`, of the plane `number` in an epoch up to `latest`.  Does nothing
 * unless one of them is a load that decides, or that a loop waits for, and the other a store.
 * Returns: true when it did, so that the next race there tells of something else. */
bool race_hand_over_note(struct race_engine *engine, struct race_plane *plane, const struct race_piece *piece,
                         uint32_t number, uint64_t latest, const struct race_recalled *theirs);
/* Out of line part of race_hand_over_meet(). */
void race_hand_over_trusted(struct race_engine *engine, struct race_plane *plane, const struct race_part *other,
                            const struct race_piece *piece);
/* The piece may be stored to a flag that the thread of `other` has looked at, or loaded from one that it has stored to, and what it did
 * counts as ordered: no race will be noted, and what the one has heard of third threads would not be handed to the other. */
static inline void race_hand_over_meet(struct race_engine *engine, struct race_plane *plane,
                                       const struct race_part *other, const struct race_piece *piece)
{
    if ((piece->flags & RACE_GUESS) != 0 && (piece->flags & (RACE_WRITE | RACE_DECIDES)) != 0 &&
        relaxed_load(&engine->trusting)) {
        race_hand_over_trusted(engine, plane, other, piece);
    }
}
/* The thread of `plane` may have been handed that; nothing when it has no number. */
void race_hand_over_receive(const struct race_plane *plane, const struct race_handed *handed);
/* What was handed over to the threads of the plane is forgotten. */
void race_hand_over_forget(struct race_part *part);
/* Returns: whether `theirs` was handed over to `plane`, as far as it is a guess that anything was. */
enum race_handed_over { RACE_NOT_HANDED, RACE_PERHAPS_HANDED, RACE_HANDED_OVER };
enum race_handed_over race_hand_over_covers(const struct race_engine *engine, const struct race_plane *plane,
                                            uint32_t number, const struct race_recalled *theirs);

#endif

/* race_popped.h: frames that a thread has left since something in them was a synchronising address: what lies there now is something else.
 *
 *   each miss --stack pointer, becomings so far--> [peaks] --access to a synchronising address of the own stack--> left since? --> it is none
 *
 * Model:     the highest stack pointer since any becoming that is of interest: peaks, each later and lower than the one before.  An
 *            object below a later peak, and its red zone, is gone, though nobody said so.
 * Why:       a place that stays a synchronising one has no tags, so that each access to it is a miss, and each store there ends
 *            an epoch, behind which everything is a miss.
 * Bounds:    with more peaks than there is room for the lowest is forgotten: an address then stays what it was.
 * Threads:   of its thread alone.
 * Test:      tests/unit/test_race_popped.c, tests/programs/races/left.c.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_POPPED_H
#define LOCKHOUND_DETECTOR_RACE_POPPED_H

#include "detector/race_engine.h"

enum { RACE_PEAKS = 15, RACE_RED_ZONE = 128 /* bytes below the stack pointer that are in use (System V ABI, AMD64) */ };

/* Zeroed for a thread that begins. */
struct race_popped {
    uint32_t count;
    struct {
        uint32_t becomings;
        uint64_t sp;
    } peak[1 + RACE_PEAKS]; /* the first is none */
};

/* Out of line part of race_popped_note(). */
void race_popped_rise(struct race_popped *popped, uint32_t becomings, uint64_t sp);

/* The thread's code has this stack pointer, on its own stack. */
static inline void race_popped_note(const struct race_engine *engine, struct race_popped *popped, uint64_t sp)
{
    uint32_t becomings = relaxed_load(&engine->becomings);
    if (__builtin_expect(sp > popped->peak[popped->count].sp || becomings != popped->peak[popped->count].becomings, 0))
        race_popped_rise(popped, becomings, sp);
}

/* Returns: whether the frame with this address was left since there were so many becomings. */
bool race_popped_since(const struct race_popped *popped, uint32_t becomings, uint64_t address);

/* The thread of `plane`, whose own stack has these bytes, accesses them by a plain move: those that were synchronising in a frame that it
 * has left since are so no more. */
void race_popped_forget(struct race_engine *engine, struct race_plane *plane, const struct race_popped *popped,
                        uint64_t address, uint64_t size);

#endif

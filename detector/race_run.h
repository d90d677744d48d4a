/* race_run.h: what a loop is about to touch, of which is known beforehand where it goes: a run of elements of one size.
 *
 *   race_run_may() --> race_run_next(): stretches not known yet --> race_run(): element by element where one races
 *
 * Model:     no time passes for the thread between the first element and the last (weaver/counted_loops.c): it is as if they
 *            were touched at once.
 * Atomics:   a plain access of an address with a clock orders when it is made, and so is no part of a run.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_RUN_H
#define LOCKHOUND_DETECTOR_RACE_RUN_H

#include "detector/race.h"

struct race_run {
    uint64_t address;
    uint64_t count, element; /* so many, of so many bytes: a power of 2 up to 64 */
    uint32_t flags;          /* enum race_access_flag */
};

/* Returns: whether [address, address + size) may be recorded before it is touched. */
bool race_run_may(struct race_engine *engine, uint64_t address, uint64_t size);
/* Takes the next stretch off the run, of `most` bytes at most: what the thread has touched in the same way since its last release is
 * left out, by 64 bytes or what is left.  Returns: false when there is none. */
bool race_run_next(const struct race_plane *plane, struct race_run *run, uint64_t most, struct race_run *stretch);
/* As race_access() of each. */
void race_run(struct race_engine *engine, struct race_plane *plane, const struct race_run *run);

#endif

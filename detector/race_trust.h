/* race_trust.h: what order nobody could see counts as order.
 *
 *   order unseen at one moment (a release before its address was known, in a handler) --race_trust_all()--\
 *   order unseen for a while (a thread without a plane)           --race_unseen_begin/end()----------------+--> no claim
 *   order unseen from now on (no memory for a clock, a lock, a seat)  --detector's counters--------------/
 *
 * Model:     for each slot of clocks an epoch up to which no race is claimed with what its threads did.  Only confirmed
 *            tags become findings, and a tag counts as seen when its epoch is trusted.
 * Invariant: a finding is never made of an order that was lost: whoever loses one comes here before its thread runs on.
 * Cost:      races with what came before are lost; each occasion is counted.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_TRUST_H
#define LOCKHOUND_DETECTOR_RACE_TRUST_H

#include "detector/race_engine.h"

/* No race is claimed any more with what any thread but that of `but` (may be NULL) has done so far. */
void race_trust_all(struct race_engine *engine, const struct race_part *but);
/* The same for one plane. */
void race_trust_part(struct race_engine *engine, const struct race_part *part);
/* The same in a table of epochs of its own. */
void race_trust_up(struct race_engine *engine, _Atomic uint64_t *table, const struct race_part *but);
/* Returns: false while order goes unseen: then nothing may be claimed. */
bool race_trust_is_sure(const struct race_engine *engine);

/* Returns: true when an epoch of a slot is trusted; those beyond the table always are. */
static inline bool race_trusts(const struct race_engine *engine, uint32_t slot, uint64_t epoch)
{
    return slot >= RACE_SLOTS || epoch <= relaxed_load(&engine->trusted[slot]);
}

#endif

/* race_said.h: which races have been told, and which of those that are met are worth a look.
 *
 *   race met --race_said_is_worth_a_look()--> its address, often? --race_said_may_be_news()--> its place, long no news?
 *      --both sides, the block--> race_said_is_news(): two stacks once, two places a few times --> finding
 *
 * Model:     a set of hashes says what was told; when it is full around a hash nothing more is told there.
 * Cost:      to look is a search through the other thread's history.  Addresses and places at which nothing new comes of it are
 *            looked into ever more rarely, but again and again: n meetings cost some log(n) looks.
 * Threads:   any; counts are approximate, so that a look may be taken too often or too seldom, and nothing is told twice.
 * Test:      tests/unit/test_race.c: a pair of places is said once, and each pair however many there are.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_SAID_H
#define LOCKHOUND_DETECTOR_RACE_SAID_H

#include "detector/race_engine.h"

bool race_said_init(struct race_engine *engine);
void race_said_delete(struct race_engine *engine);

/* An address that was asked about often is asked about ever more rarely: another stack is seldom worth its cost, and may still be
 * of another pair of places.  Returns: false when it is not this time. */
bool race_said_is_worth_a_look(struct race_engine *engine, const struct race_met *met);
/* A loop over an array races at each element.  `flags`: of the access at `here`.
 * Returns: false when nothing new has come of this place for so long that it is not looked into this time. */
bool race_said_may_be_news(struct race_engine *engine, struct stack_id here, const struct race_met *met,
                           uint32_t flags);
/* Two stacks are told of once.  A place that many paths lead to is told with a few of them; of what is but a guess, each
 * object once.  Returns: true when the finding is to be told; it then counts as told. */
bool race_said_is_news(struct race_engine *engine, const struct finding *finding);

/* There was news at this place: looks there are taken as at first. */
void race_said_look_on(struct race_engine *engine, struct stack_id here, const struct race_met *met);
/* The same, and at this address. */
void race_said_look_anew(struct race_engine *engine, struct stack_id here, const struct race_met *met);

#endif

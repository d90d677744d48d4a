/* race_said.h: which races have been told, and which of those that are met are worth a look.
 *
 *   race met --race_said_is_worth_a_look()--> its address, often? --race_said_may_be_news()--> its place, long no news?
 *      --both sides, the object--> race_said_is_news(): two stacks and an object once, two places a few times --> finding
 *
 * Model:     a set of hashes says what was told; when it is full around a hash nothing more is told there.  Two variables are two
 *            races also where the same stacks meet them, by a pointer; but which bytes are one variable is not known here.  So
 *            all blocks that one place allocates are one object, and of other addresses some are told: those of one array
 *            become one finding in the report, where variables have names.
 * Cost:      to look is a search through the other thread's history.  Addresses and places at which nothing new comes of it are
 *            looked into ever more rarely, but again and again: n meetings cost some log(n) looks.
 * Threads:   any; counts are approximate, so that a look may be taken too often or too seldom, and nothing is told twice.
 * Test:      tests/unit/test_race.c: a pair of places is said once of a kind of block, of a few objects elsewhere, and each pair
 *            however many there are; tests/programs/races: two variables behind one pointer, in a child too.
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
/* Two stacks are told of once for each object, and for a few objects outside of blocks.  A place that many paths lead to is told
 * with a few of them; of what is but a guess, each object once.  Returns: true when the finding is to be told; it then counts as told. */
bool race_said_is_news(struct race_engine *engine, const struct finding *finding);

/* There was news at this place: looks there are taken as at first. */
void race_said_look_on(struct race_engine *engine, struct stack_id here, const struct race_met *met);
/* The same, and at this address. */
void race_said_look_anew(struct race_engine *engine, struct stack_id here, const struct race_met *met);

#endif

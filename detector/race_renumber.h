/* race_renumber.h: when the generations of a plane are used up: groups of old ones become one each.
 *
 *   generation 1 .. 127 --groups--> 1 .. few   (each stands for the earliest epoch of its group: never a false race)
 *   tags of the lines that the thread touched, in both windows --> their groups
 *
 *     old | from last time | new ones                    latest
 *     1 2 | 3 .... 13      | 14 ........... 95 | 96 .... 127
 *     1 2 | 2              | 3  (up to 32 each)  | 6 (4 each) 13
 *
 * Groups:    what comes from last time joins the last of the old groups, so that a line is gone over twice and then holds
 *            nothing but old generations, which stay what they are: nobody looks at it before something is recorded there.
 *            What another thread has heard of and what it has not are never in one group: an access that races with that
 *            thread now does so for as long as that thread hears nothing more.  So old groups may become more; when they are
 *            too many all tags are gone over, or, where those are many as well, the rule is given up.
 * Chunks:    each is changed under its lock, in ascending order; meanwhile the plane's version is odd, and who has locked a chunk
 *            knows by race_numbering() what its tags stand for.  Without its lock they are not taken for seen.  A chunk where
 *            nothing but old generations is left has no owner any more.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_RENUMBER_H
#define LOCKHOUND_DETECTOR_RACE_RENUMBER_H

#include "detector/race_engine.h"

/* The plane's present generation is its last: goes over its tags, and sets the present one to the last group. */
void race_renumber(struct race_engine *engine, struct race_plane *plane);

#endif

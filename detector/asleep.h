/* asleep.h: finds that no thread is left that could wake another.
 *
 *   a thread blocks or ends --> is anybody running? --no--> host agrees? --yes--> all still asleep? --yes--> finding
 *                               (starts at the one found last time)
 *
 * Model:     a thread is asleep for ever when its wait is untimed, only another thread can end it, and nothing that
 *            would end it is under way: no token in the semaphore, no signal given, no free lock, no full barrier, no
 *            ended thread to join, no other process that could act, no signal handler that could post.
 * Invariant: the last thread to publish its wait sees all others', so that one at least makes the check.
 * Threads:   reads seats without a lock; takes RANK_REGISTRY to claim the report.
 */
#ifndef LOCKHOUND_DETECTOR_ASLEEP_H
#define LOCKHOUND_DETECTOR_ASLEEP_H

#include "detector/evidence.h"

/* The calling thread blocks (its wait is published), or has ended (`t` is NULL): reports a process in which everybody
 * sleeps for ever; tells the host by hung() when that follows from a deadlock reported before. */
void asleep_check(struct detector *d, struct thread *t);
/* Returns: true when no thread but `except` (may be NULL) can ever run again, and the host agrees. */
bool asleep_all_for_ever(struct detector *d, const struct thread *except);

#endif

/* asleep.h: finds that no thread is left that could wake another.
 *
 *   a thread blocks or ends --> is anybody running? --no--> host agrees? --yes--> all still asleep? --yes--> finding
 *                               (starts at the one found last time)
 *
 * Model:     a thread is asleep for ever when its wait is untimed, only another thread can end it, and nothing that
 *            would end it is under way: no token in the semaphore, no signal given, no free lock, no full barrier, no
 *            ended thread to join, no other process that could act, no signal handler that could post.
 * Others:    who sleeps for a lock, condition, barrier or semaphore in shared memory may be woken by another process.  When
 *            everybody sleeps and some so, the host is told by asleep_for_others() and looks at the other processes.
 * Invariant: the last thread to publish its wait sees all others', so that one at least makes the check.
 * Threads:   reads seats without a lock; takes RANK_REGISTRY to claim the report.
 */
#ifndef LOCKHOUND_DETECTOR_ASLEEP_H
#define LOCKHOUND_DETECTOR_ASLEEP_H

#include "detector/evidence.h"

/* The calling thread blocks (its wait is published), or has ended (`t` is NULL): reports a process in which everybody
 * sleeps for ever; tells the host by hung() when that follows from a deadlock reported before. */
void asleep_check(struct detector *d, struct thread *t);
/* Returns: true when every thread sleeps, as far as this process goes: another one could wake some of them, by an object that it
 * shares. */
bool asleep_for_others(struct detector *d);
/* Returns: true when every thread that sleeps does so in a wait that was reported as it was asked for. */
bool asleep_was_said(struct detector *d);
/* Calls `visit` for each thread that sleeps. */
void asleep_visit(const struct detector *d,
                  void (*visit)(void *ctx, const struct seat *seat, const struct wait_record *wait), void *ctx);
/* Returns: true when no thread but `except` (may be NULL) can ever run again, and the host agrees. */
bool asleep_all_for_ever(struct detector *d, const struct thread *except);

#endif

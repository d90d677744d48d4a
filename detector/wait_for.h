/* wait_for.h: who waits for whom, at the moment before a thread blocks.
 *
 *   t --wants--> lock --held by--> thread --wants--> lock ... --held by--> t      a circle: a deadlock, now
 *
 * Model:     an edge leads from a thread in an untimed wait (that no pthread_cancel() ends) to each thread without whose action that wait cannot end:
 *            the owner of a mutex or spinlock, each holder of a rwlock, the holder of a semaphore used as a lock, the
 *            thread joined, the runner of a once routine, and the holder of the mutex that a signalled waiter of a
 *            condition must take again.
 * Sound:     every wait of a circle is published before its thread looks, so the last one sees all; a second pass
 *            confirms that no wait and no owner has changed since the first.
 * Threads:   takes RANK_REGISTRY only to report, so that of several threads that see one circle one reports it.
 * Source:    Coffman et al. 1971; the wait-for graph of database lock managers.
 */
#ifndef LOCKHOUND_DETECTOR_WAIT_FOR_H
#define LOCKHOUND_DETECTOR_WAIT_FOR_H

#include "detector/evidence.h"

/* The calling thread has published its wait.  Returns: true when a deadlock was reported in which no thread is left. */
bool wait_for_check(struct detector *d, struct thread *t);

/* Returns: the next seat from `*from` on that holds `o`, or NULL; *from is then past it. */
struct seat *wait_for_next_holder(const struct detector *d, const struct object *o, uint32_t *from);
/* Returns: the next seat from `*from` on that waits for `o`, or NULL. */
struct seat *wait_for_next_waiter(const struct detector *d, const struct object *o, struct wait_record *wait,
                                  uint32_t *from);
/* Returns: the seat of the living thread that an owner word names, or NULL. */
struct seat *wait_for_owner_seat(const struct detector *d, uint64_t owner);
/* Adds the party that waits in `wait`, with what it holds. */
void wait_for_add_party(struct evidence *e, const struct seat *seat, const struct wait_record *wait);

#endif

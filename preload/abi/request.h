/* request.h: Valgrind's client requests, as annotated programs make them of Helgrind and DRD.
 *
 *   macro of helgrind.h or drd.h --> rol, rol, rol, rol, xchg --woven: a routine--> request_do() --> the detector's verbs
 *
 * Model:     what a request tells of a lock, a semaphore or a hand-over is told to the detector as if a call of libc had
 *            been seen.  The result of a request is never changed, so that RUNNING_ON_VALGRIND stays 0.
 * Twice:     where the object is one of libc's, its own calls are seen as well.  An object that those know as another kind is
 *            left to them; of the same kind a second taking counts as one of a recursion.
 * Barriers:  only the arrival is told.  Whoever has arrived takes in what all arrivals of the round have sent as soon as the
 *            library sees it again after the last of them; where the number of parties was not seen, whatever was sent.
 * Quiet:     initialisation and destruction by requests are never misuse, nor is the release of what was taken unseen.
 * Source:    the numbers are those of valgrind's helgrind.h and drd.h, which are fixed for all its versions.
 */
#ifndef LOCKHOUND_PRELOAD_ABI_REQUEST_H
#define LOCKHOUND_PRELOAD_ABI_REQUEST_H

#include "preload/self.h"

/* Does the request words[0] with the arguments words[1..5]; nothing when it is none that is known.  `frame` is the program's
 * stack pointer.  The thread is inside the library.  Context: signal, in-malloc. */
void request_do(struct self *self, const uint64_t *words, uintptr_t frame, struct stack_id at);

/* The thread, which waits at a barrier as far as it is known (its plane's `awaited`), runs: it may have left.
 * Context: signal, in-malloc. */
void request_meet(struct self *self);

#endif

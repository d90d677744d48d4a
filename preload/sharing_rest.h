/* sharing_rest.h: a process that sleeps until another one acts, and the hang of all that could.
 *
 *   detector: nobody runs here but for others --> told of in the commons --> does nobody run at all? --> the kernel's word,
 *   twice; outsiders? --> one finding, of the threads of several processes
 *
 * Rule:      a process that handles signals itself never rests: its handlers may do anything.  The memory that is waited in
 *            must have no name by which a newcomer could map it; locks in it may, for nobody but the holder releases them.
 * Cost:      a process that falls asleep tells so under the commons' lock.  When all rest by what they have told, the last
 *            one pauses for some 60 ms before it sleeps; after GIVEN_UP_MAX times in vain it does so no more.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_REST_H
#define LOCKHOUND_PRELOAD_SHARING_REST_H

#include <stdatomic.h>

#include "detector/commons.h"
#include "preload/self.h"

/* This process has told that it rests. */
extern _Atomic bool sharing_rest_is_told;

/* The host's asleep_for_others() of detector/host.h.  Context: signal, in-malloc, may-block (seconds on a busy machine),
 * takes(OWN_RANK_COMMONS). */
void sharing_rest_begin(void);
/* The calling thread, which is alone, waits for an end.
 * Context: signal, in-malloc, may-block (seconds on a busy machine), takes(OWN_RANK_COMMONS). */
void sharing_rest_for_end(struct self *self, struct commons_lock end, struct stack_id at);
/* Context: signal, in-malloc. */
void sharing_rest_stir(void);

/* A wait of the calling thread has ended, in the detector too. */
static inline void sharing_rest_woke(void)
{
    /* seq_cst: the wait ended before it looks; partner: sharing_rest_begin(), which tells and looks for waits ended */
    atomic_thread_fence(memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&sharing_rest_is_told, memory_order_relaxed), 0))
        sharing_rest_stir();
}

#endif

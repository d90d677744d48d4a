/* loop_entry.h: what stands before the clone of a counted loop: how many rounds it has, and of each run a call that checks them all.
 *
 *   entry:   rounds = ...; few or too many? --> rounds
 *            not very many, and the thread has touched the first element of each run already? --> rounds
 *            for each run: PLANE_READ_RUN(first address, rounds); refused? --> rounds
 *            jmp  the loop without the checks of its runs
 *   rounds:  the loop with all its checks
 */
#ifndef LOCKHOUND_WEAVER_LOOP_ENTRY_H
#define LOCKHOUND_WEAVER_LOOP_ENTRY_H

#include "weaver/draft.h"
#include "weaver/model.h"

/* Emits it; the loop with all its checks is to follow.  Returns: the offset of the field of the jump to the other one. */
uint32_t loop_entry_emit(struct image_draft *draft, const struct function *function, const struct counted_loop *loop);

#endif

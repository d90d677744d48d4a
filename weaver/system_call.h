/* system_call.h: SYSCALL instructions of the program's own.
 *
 *   clone, clone3 --> result 0 --> PLANE_THREAD --> goes on     a new thread, whose GS base is its maker's
 *              \--> any other --> goes on
 *   any other number --> goes on
 *
 * Registers: RCX is free before and behind, for the instruction overwrites it; JRCXZ leaves the flags alone.
 */
#ifndef LOCKHOUND_WEAVER_SYSTEM_CALL_H
#define LOCKHOUND_WEAVER_SYSTEM_CALL_H

#include "weaver/draft.h"
#include "weaver/model.h"

bool system_call_is(const struct insn *insn);
/* Returns: whether the function has one, so that it must be woven even without an access. */
bool system_call_is_in(const struct function *function);
/* Emits the copy of one. */
void system_call_emit(struct image_draft *draft);

#endif

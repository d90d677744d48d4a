/* blocking.h: the opt-in check of locks that are held across calls that may last.
 *
 * Invariant: with the check off a hook is one load and a jump; with it on the call is made all the same, errno and
 *            cancellation included.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_BLOCKING_H
#define LOCKHOUND_PRELOAD_INTERCEPT_BLOCKING_H

#include <errno.h>

#include "preload/emit.h"
#include "preload/hook.h"

/* Reports the call when the thread holds a lock.  Context: reentrant. */
__attribute__((noinline, cold)) void blocking_check(const char *name, uintptr_t pc, uintptr_t sp);

/* `may_block`: false when the arguments say that the call returns at once. */
#define CHECK_LOCKS(name, may_block)                                                                                   \
    do {                                                                                                               \
        if (hook_unlikely(lockhound.options.checks[FINDING_BLOCKING_CALL_WITH_LOCK_HELD]) && lockhound.ready &&        \
            (may_block))                                                                                               \
            blocking_check(name, (uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa());            \
    } while (0)

#endif

/* raw_signal.h: signal masks and dispositions as the kernel has them, without libc, which has others and hides two signals.
 *
 *   raw_mask_block_all() ... raw_mask_change(SIG_SETMASK, before)     nothing of the program's runs between them
 *
 * Units:     bit number - 1 of a mask is the signal.
 * Context of all: signal, in-malloc, loader-lock, early, late, fork-child.
 */
#ifndef LOCKHOUND_PRELOAD_RAW_SIGNAL_H
#define LOCKHOUND_PRELOAD_RAW_SIGNAL_H

#include <signal.h>

#include "preload/raw.h"

enum { KERNEL_SIGSET_SIZE = sizeof(uint64_t) };

/* What rt_sigaction(2) takes and gives. */
struct raw_sigaction {
    uintptr_t handler;
    uint64_t flags;
    uintptr_t restorer;
    uint64_t mask;
};

#define RAW_SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))

/* `how`: as of sigprocmask().  Returns: the calling thread's mask as it was. */
static inline uint64_t raw_mask_change(int how, uint64_t mask)
{
    uint64_t before = 0;
    raw_syscall(SYS_rt_sigprocmask, how, (long)&mask, (long)&before, KERNEL_SIGSET_SIZE, 0, 0);
    return before;
}

static inline uint64_t raw_mask_block_all(void)
{
    return raw_mask_change(SIG_BLOCK, UINT64_MAX);
}

/* `action` and `before` may be NULL.  Returns: 0 or -errno. */
static inline long raw_sigaction(int number, const struct raw_sigaction *action, struct raw_sigaction *before)
{
    return raw_syscall(SYS_rt_sigaction, number, (long)action, (long)before, KERNEL_SIGSET_SIZE, 0, 0);
}

#endif

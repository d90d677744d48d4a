/* deferral.h: signals that come while the library holds a lock of its own, is in the midst of a check, or of a hook's own work,
 * wait for its end.
 *
 *   deferral_begin ... [signal n --trampoline--> deferral_take: queued again, all blocked] ... deferral_end --> n, as it came
 *
 * Why:       a handler that leaves by siglongjmp(), or that forks, would take a lock with it that nobody unlocks; and what a
 *            handler does that has interrupted a hook goes unseen.
 * Model:     regions are short, nest, and call nothing of the program's, of libc's allocator or of the loader; so nobody
 *            inherits the mask meanwhile.  Faults are the thread's own and are never deferred.
 * Hooks:     are such from hook_enter() or hook_resume() to hook_pause() or hook_leave(), while their own code runs.  They may call
 *            libc, but nothing that blocks; one that hands the mask on says hook_hands_mask_on().
 * Source:    the kernel lets a process queue any siginfo for itself: rt_tgsigqueueinfo(2).
 */
#ifndef LOCKHOUND_PRELOAD_DEFERRAL_H
#define LOCKHOUND_PRELOAD_DEFERRAL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct deferral {
    unsigned depth; /* of regions that the thread is in */
    bool has_taken; /* a signal waits, and all are blocked */
    uint64_t mask;  /* of the program */
};

extern __thread struct deferral deferral __attribute__((tls_model("initial-exec")));

/* Context: signal, in-malloc, loader-lock. */
void deferral_release(void);

/* Context of both: signal, in-malloc, loader-lock, early, late. */
static inline void deferral_begin(void)
{
    deferral.depth++;
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void deferral_end(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (--deferral.depth == 0 && __builtin_expect(deferral.has_taken, 0))
        deferral_release();
}

static inline bool deferral_is_in_region(void)
{
    return deferral.depth > 0;
}

/* In a signal handler whose `context` is the ucontext_t, when the thread is in a region.  Returns: true when the signal comes
 * again at its end: the handler is to return at once.  Context: signal. */
bool deferral_take(int number, siginfo_t *info, void *context);

/* Before what hands the mask on: what was taken outside a region comes now.  Context: signal, in-malloc, loader-lock. */
static inline void deferral_settle(void)
{
    deferral_begin();
    deferral_end();
}

/* Where a hook is left. */
static inline void deferral_check(void)
{
    if (__builtin_expect(deferral.has_taken, 0))
        deferral_settle();
}

/* Between these no signal comes but faults, and what libc sends to its threads; who is created meanwhile begins so.
 * Returns: the mask as it was.  Context of both: signal, in-malloc, loader-lock. */
uint64_t deferral_hold_all(void);
void deferral_set_mask(uint64_t mask);

/* The one thread left holds nothing.  Context: fork-child. */
void deferral_forget(void);

#endif

#include "preload/intercept/async_cancel.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "preload/hook.h"
#include "preload/intercept/signals.h"
#include "preload/raw_signal.h"
#include "preload/weave/interruption.h"

enum { SIGCANCEL = 32, STACK_SIZE = 1 << 16, PATIENCE = 10000 };

static atomic_bool is_asked_for;
enum { NOT_INSTALLED, INSTALLING, INSTALLED };
static atomic_int state;
static atomic_uintptr_t libc_handler;

/* ---- the signal --------------------------------------------------------------------------------------------------- */

static void on_cancel(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (signal_must_wait(number, info, context)) {
        errno = saved;
        return;
    }
    struct interruption interruption;
    interruption_begin(&interruption, context);
    errno = saved;
    /* relaxed: set before the kernel learnt of this handler */
    uintptr_t handler = atomic_load_explicit(&libc_handler, memory_order_relaxed);
    ((void (*)(int, siginfo_t *, void *))handler)(number, info, context);
    saved = errno;
    interruption_end(&interruption, context);
    errno = saved;
}

/* ---- installation ------------------------------------------------------------------------------------------------- */

/* Has nothing to do but to be cancelled, which it does not notice. */
static void *stand_in(void *may_end)
{
    atomic_uint *word = may_end;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (atomic_load_explicit(word, memory_order_acquire) == 0) /* partner: cancel_stand_in() */
        raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    return NULL;
}

/* Makes libc install its handler.  Returns: false when no thread could be made. */
static bool cancel_stand_in(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    atomic_uint may_end = 0;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    /* thread-local storage comes off the stack, and may be more than that */
    bool is_made = real.pthread_create(&thread, &attributes, stand_in, &may_end) == 0 ||
                   real.pthread_create(&thread, NULL, stand_in, &may_end) == 0;
    pthread_attr_destroy(&attributes);
    if (!is_made)
        return false;
    real.pthread_cancel(thread);
    atomic_store_explicit(&may_end, 1, memory_order_release); /* partner: stand_in() */
    raw_syscall(SYS_futex, (long)&may_end, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    return real.pthread_join(thread, NULL) == 0;
}

static bool install(void)
{
    struct raw_sigaction action = {0}; /* libc refuses the signal */
    if (!cancel_stand_in() || raw_sigaction(SIGCANCEL, NULL, &action) != 0 || action.handler <= (uintptr_t)SIG_HOLD)
        return false;
    atomic_store_explicit(&libc_handler, action.handler, memory_order_relaxed); /* the next call orders it */
    action.handler = (uintptr_t)on_cancel;
    return raw_sigaction(SIGCANCEL, &action, NULL) == 0;
}

/* Another thread is at it, or this one in a handler. */
static void wait_for_other(void)
{
    for (int i = 0; i < PATIENCE && atomic_load_explicit(&state, memory_order_acquire) == INSTALLING; i++)
        raw_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

void async_cancel_prepare(void)
{
    /* relaxed: whoever cancels a thread knows that it has asked for this by an order of the program's own */
    if (!atomic_load_explicit(&is_asked_for, memory_order_relaxed) ||
        atomic_load_explicit(&state, memory_order_acquire) == INSTALLED)
        return;
    int seen = NOT_INSTALLED;
    if (!atomic_compare_exchange_strong_explicit(&state, &seen, INSTALLING, memory_order_acquire,
                                                 memory_order_acquire)) {
        wait_for_other();
        return;
    }
    atomic_store_explicit(&state, install() ? INSTALLED : NOT_INSTALLED, memory_order_release); /* partner: above */
}

HOOK_EXPORT int pthread_setcanceltype(int type, int *old)
{
    if (type == PTHREAD_CANCEL_ASYNCHRONOUS)
        atomic_store_explicit(&is_asked_for, true, memory_order_relaxed); /* as in async_cancel_prepare() */
    return real.pthread_setcanceltype(type, old);
}

#include "preload/deferral.h"

#include <string.h>
#include <ucontext.h>

#include "preload/raw_signal.h"

/* Come of what the thread itself does, and must not be blocked then: the kernel would end the process. */
#define FAULTS                                                                                                         \
    (RAW_SIGNAL_BIT(SIGSEGV) | RAW_SIGNAL_BIT(SIGBUS) | RAW_SIGNAL_BIT(SIGFPE) | RAW_SIGNAL_BIT(SIGILL) |              \
     RAW_SIGNAL_BIT(SIGTRAP) | RAW_SIGNAL_BIT(SIGSYS) | RAW_SIGNAL_BIT(SIGABRT))

__thread struct deferral deferral __attribute__((tls_model("initial-exec")));

uint64_t deferral_hold_all(void)
{
    static const uint64_t of_libc = RAW_SIGNAL_BIT(32) | RAW_SIGNAL_BIT(33); /* SIGCANCEL, SIGSETXID */
    return raw_mask_change(SIG_BLOCK, ~(FAULTS | of_libc));
}

void deferral_set_mask(uint64_t mask)
{
    raw_mask_change(SIG_SETMASK, mask);
}

void deferral_release(void)
{
    deferral.has_taken = false;
    raw_mask_change(SIG_SETMASK, deferral.mask);
}

/* A handler for one time only is installed no more.  One that did not ask for it is told nothing of the signal: what `info` points
 * to then was never written. */
static bool would_come_again(int number, bool *is_told)
{
    struct raw_sigaction action = {0};
    bool is_known = raw_sigaction(number, NULL, &action) == 0;
    *is_told = (action.flags & SA_SIGINFO) != 0;
    return is_known && action.handler > (uintptr_t)SIG_IGN;
}

bool deferral_take(int number, siginfo_t *info, void *context)
{
    siginfo_t nothing = {.si_signo = number, .si_code = SI_QUEUE};
    bool is_told;
    if ((RAW_SIGNAL_BIT(number) & FAULTS) != 0 || !would_come_again(number, &is_told))
        return false;
    uint64_t before = raw_mask_change(SIG_BLOCK, ~FAULTS);
    long pid = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), tid = raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    if (raw_syscall(SYS_rt_tgsigqueueinfo, pid, tid, number, (long)(is_told ? info : &nothing), 0, 0) != 0) {
        raw_mask_change(SIG_SETMASK, before);
        return false;
    }
    ucontext_t *interrupted = context;
    uint64_t blocked;
    memcpy(&blocked, &interrupted->uc_sigmask, sizeof blocked);
    deferral.mask = blocked;
    deferral.has_taken = true;
    blocked |= ~FAULTS;
    memcpy(&interrupted->uc_sigmask, &blocked, sizeof blocked);
    return true;
}

void deferral_forget(void)
{
    deferral = (struct deferral){0};
}

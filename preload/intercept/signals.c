#include "preload/intercept/signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "detector/thread.h"
#include "preload/deferral.h"
#include "preload/emit.h"
#include "preload/hook.h"
#include "preload/intercept/access.h"
#include "preload/intercept/channels.h"
#include "preload/intercept/io.h"
#include "preload/intercept/process.h"
#include "preload/libunwind_walk.h"
#include "preload/modules.h"
#include "preload/nesting.h"
#include "preload/raw_signal.h"
#include "preload/runtimes/cpython.h"
#include "preload/weave/interruption.h"
#include "preload/weave/switch.h"

/* Different handlers that a program may install for one signal in its life before a slot is used again. */
enum { SLOTS = 8 };

/* slots[n][i]: the handler that trampoline i runs for signal n. */
static atomic_uintptr_t slots[_NSIG][SLOTS];

/* Bit n: the program has a handler for signal n. */
static _Atomic uint64_t handled;
/* Of these the handler is a function of an interpreter, which only interrupts: see runtimes/cpython.h. */
static _Atomic uint64_t interpreters;

/* ---- levels: the handlers that run on a thread ------------------------------------------------------------------ */

void signals_drop_popped(struct self *self, uintptr_t frame)
{
    while (self->signal_depth > 0 && nesting_is_popped(self, &self->signal_levels[self->signal_depth - 1], frame)) {
        self->signal_depth--;
        if (self->signal_depth == 0 && self->thread->wait_interrupted)
            emit_unblock(self); /* the jump left the wait as well */
        emit_signal_leave(self);
    }
}

/* A signal that came meanwhile comes now. */
static void leave_own(struct self *self)
{
    self->inside = false;
    deferral_check();
}

/* Returns: false when nothing was noted: too deep. */
static bool enter_level(struct self *self, int number, const uintptr_t *place)
{
    self->inside = true;
    self->inside_frame = (uintptr_t)__builtin_frame_address(0);
    signals_drop_popped(self, (uintptr_t)place);
    bool noted = self->signal_depth < SIGNAL_LEVELS_MAX;
    if (noted) {
        self->signal_levels[self->signal_depth++] = (struct signal_level){(uintptr_t)place, *place};
        emit_signal_enter(self, number);
        if (hook_unlikely(weave_on))
            channels_receive_signal(self, number);
        self->stack_watch = 0; /* from now on every hook looks whether its frame has been popped */
    }
    leave_own(self);
    return noted;
}

/* Levels above were left by siglongjmp() to here; a level that is missing was taken for popped: nothing is to do. */
static void leave_level(struct self *self, const uintptr_t *place)
{
    unsigned depth = self->signal_depth;
    while (depth > 0 && self->signal_levels[depth - 1].place != (uintptr_t)place)
        depth--;
    if (depth == 0)
        return;
    self->inside = true;
    self->inside_frame = (uintptr_t)__builtin_frame_address(0);
    while (self->signal_depth >= depth) {
        self->signal_depth--;
        emit_signal_leave(self);
    }
    leave_own(self);
}

/* ---- delivery --------------------------------------------------------------------------------------------------- */

/* Never inlined: a handler may go on in another thread (swapcontext), whose thread-local storage this then reads. */
__attribute__((noinline)) static struct self *self_outside_hooks(void)
{
    struct self *self = self_current;
    return self == NULL || self == SELF_GONE || self->inside ? NULL : self;
}

/* The library holds a lock of its own, or the race engine is at work: a handler may leave for good, or fork. */
static bool is_in_region(void)
{
    const struct self *self = self_current;
    bool is_known = self > SELF_GONE;
    return deferral_is_in_region() || (is_known && self->plane != NULL && race_is_busy(&self->plane->race));
}

/* Whether the thread was asleep in a system call: it was broken off, or will begin again.
 * Source: arch/x86/kernel/signal.c, handle_signal(). */
static bool was_asleep(const greg_t *registers)
{
    static const uint8_t system_call[] = {0x0f, 0x05};
    const uint8_t *pc = (const uint8_t *)registers[REG_RIP];
    bool is_behind = memcmp(pc - sizeof system_call, system_call, sizeof system_call) == 0;
    return memcmp(pc, system_call, sizeof system_call) == 0 || (is_behind && registers[REG_RAX] == -EINTR);
}

/* In the library's own code, or libc's, that is at work for a hook which ends soon: before or behind hook_pause().  Not where a
 * handler has interrupted one already, which may take its time. */
static bool is_in_hook(const ucontext_t *context)
{
    const struct self *self = self_current;
    if (self <= SELF_GONE || !self->inside || self->is_shared || self->inside_frame == UINTPTR_MAX ||
        self->interrupter.place != 0)
        return false;
    const greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    const struct module *libc = module_of((uintptr_t)real.sigaction);
    return (access_is_our_own(pc) || (libc != NULL && module_of(pc) == libc)) && !was_asleep(registers);
}

bool signal_must_wait(int number, siginfo_t *info, void *context)
{
    return (is_in_region() || is_in_hook(context)) && deferral_take(number, info, context);
}

/* Every handler is called with all three arguments, for the kernel sets the registers so whatever its flags say. */
static void deliver(unsigned slot, int number, siginfo_t *info, void *context, const uintptr_t *place)
{
    /* relaxed: written before the kernel learnt of the trampoline that led here */
    uintptr_t handler = atomic_load_explicit(&slots[number][slot], memory_order_relaxed);
    if (self_current > SELF_GONE && self_is_anothers(self_current)) {
        ((void (*)(int, siginfo_t *, void *))handler)(number, info, context);
        return;
    }
    int saved = errno;
    if (signal_must_wait(number, info, context)) {
        errno = saved;
        return;
    }
    struct self *self = self_outside_hooks();
    bool unseen = self == NULL && self_current > SELF_GONE;
    if (unseen) {
        relaxed_count(&self_current->handlers_unseen);
        nesting_interrupt(self_current, place);
        plane_order_unseen(); /* what comes before what the handler releases */
    }
    bool noted = self != NULL && enter_level(self, number, place);
    struct interruption interruption;
    interruption_begin(&interruption, context);
    errno = saved;

    ((void (*)(int, siginfo_t *, void *))handler)(number, info, context);

    saved = errno;
    interruption_end(&interruption, context);
    if (unseen) {
        plane_order_unseen(); /* and what comes before what it has acquired */
        nesting_resume(place);
    }
    self = self_outside_hooks();
    if (noted && self != NULL)
        leave_level(self, place);
    errno = saved;
}

#define TRAMPOLINE(slot)                                                                                               \
    static void trampoline_##slot(int number, siginfo_t *info, void *context)                                          \
    {                                                                                                                  \
        deliver(slot, number, info, context, (const uintptr_t *)__builtin_frame_address(0) + 1);                       \
    }
TRAMPOLINE(0)
TRAMPOLINE(1)
TRAMPOLINE(2)
TRAMPOLINE(3)
TRAMPOLINE(4)
TRAMPOLINE(5)
TRAMPOLINE(6)
TRAMPOLINE(7)

static void (*const trampolines[SLOTS])(int, siginfo_t *, void *) = {
    trampoline_0, trampoline_1, trampoline_2, trampoline_3, trampoline_4, trampoline_5, trampoline_6, trampoline_7,
};

/* ---- installation ----------------------------------------------------------------------------------------------- */

/* Returns: false for SIG_DFL, SIG_IGN, SIG_HOLD and SIG_ERR. */
static bool is_function(uintptr_t handler)
{
    return handler > (uintptr_t)SIG_HOLD && handler != (uintptr_t)SIG_ERR;
}

/* Returns: which trampoline `handler` is, or SLOTS. */
static unsigned trampoline_index(uintptr_t handler)
{
    unsigned i = 0;
    while (i < SLOTS && handler != (uintptr_t)trampolines[i])
        i++;
    return i;
}

/* Every slot has been used: takes one that the kernel does not refer to at present.  A trampoline that is on its way runs the new
 * handler: see signals.h. */
static unsigned reuse_slot(int number, uintptr_t handler)
{
    static atomic_uint turn;
    struct sigaction current = {0};
    unsigned in_use = SLOTS;
    if (real.sigaction(number, NULL, &current) == 0)
        in_use = trampoline_index((uintptr_t)current.sa_handler);
    unsigned i = atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed) % SLOTS;
    if (i == in_use)
        i = (i + 1) % SLOTS;
    atomic_store_explicit(&slots[number][i], handler, memory_order_relaxed);
    return i;
}

static unsigned slot_of(int number, uintptr_t handler)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        uintptr_t seen = 0;
        /* relaxed: the system call that installs the trampoline comes after, and orders all */
        atomic_compare_exchange_strong_explicit(&slots[number][i], &seen, handler, memory_order_relaxed,
                                                memory_order_relaxed);
        if (seen == 0 || seen == handler)
            return i;
    }
    return reuse_slot(number, handler);
}

static bool is_signal(int number)
{
    return number > 0 && number < _NSIG;
}

/* Returns: what the kernel gets for the program's `handler`. */
static uintptr_t wrap(int number, uintptr_t handler)
{
    if (!is_signal(number) || !is_function(handler) || trampoline_index(handler) < SLOTS || !process_is_ours())
        return handler;
    return (uintptr_t)trampolines[slot_of(number, handler)];
}

/* Returns: what the program installed, when the kernel says `handler`. */
static uintptr_t unwrap(int number, uintptr_t handler)
{
    unsigned i = is_signal(number) ? trampoline_index(handler) : SLOTS;
    return i < SLOTS ? atomic_load_explicit(&slots[number][i], memory_order_relaxed) : handler;
}

/* Signals that a thread brings on itself do not end another's waiting. */
static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPIPE, SIGSYS};

static uint64_t outside_signals(void)
{
    uint64_t all = UINT64_MAX;
    for (size_t i = 0; i < sizeof own_faults / sizeof *own_faults; i++)
        all &= ~RAW_SIGNAL_BIT(own_faults[i]);
    return all;
}

void signals_init(void)
{
    uint64_t now = atomic_load_explicit(&handled, memory_order_relaxed);
    uint64_t interrupting = atomic_load_explicit(&interpreters, memory_order_relaxed);
    uint64_t others = now & ~interrupting & outside_signals();
    enum signal_handlers installed = HANDLERS_NONE;
    if (others != 0)
        installed = HANDLERS_INSTALLED;
    else if ((now & interrupting) != 0)
        installed = HANDLERS_INTERRUPT;
    struct self *self = self_outside_hooks();
    if (self == NULL) {
        detector_set_handlers_installed(lockhound.detector, installed);
        return;
    }
    emit_set_handlers_installed(self, installed);
    detector_expect_signals(lockhound.detector, others);
}

/* The disposition of `number` was changed to what the program calls `handler`. */
static void note_disposition(int number, uintptr_t handler)
{
    if (!process_is_ours())
        return;
    uint64_t bit = RAW_SIGNAL_BIT(number);
    bool is_first = (atomic_load_explicit(&handled, memory_order_relaxed) & bit) == 0;
    /* Set a second time, it runs a handler of the program's own, in Python. */
    if (number == SIGINT && is_first && cpython_has_code(handler))
        atomic_fetch_or_explicit(&interpreters, bit, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&interpreters, ~bit, memory_order_relaxed);
    if (is_function(handler))
        atomic_fetch_or_explicit(&handled, bit, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&handled, ~bit, memory_order_relaxed);
    if (lockhound.ready)
        signals_init();
}

HOOK_EXPORT int sigaction(int number, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    if (!is_signal(number))
        return real.sigaction(number, action, old);
    struct sigaction wrapped;
    uintptr_t handler = 0;
    if (action != NULL) {
        wrapped = *action; /* `old` may be the same structure */
        handler = (uintptr_t)action->sa_handler;
        if (hook_unlikely(weave_on))
            io_sends_signal(number, CALLER());
        wrapped.sa_handler = (sighandler_t)wrap(number, handler);
    }
    int result = real.sigaction(number, action == NULL ? NULL : &wrapped, old);
    if (result != 0)
        return result;
    if (hook_unlikely(weave_on)) {
        access_note_far(action, offsetof(struct sigaction, sa_restorer), 0, CALLER());
        access_note_far(old, sizeof *old, RACE_WRITE, CALLER());
    }
    if (old != NULL)
        old->sa_handler = (sighandler_t)unwrap(number, (uintptr_t)old->sa_handler);
    if (action != NULL)
        note_disposition(number, handler);
    return 0;
}

/* The older calls all take and return a handler; they differ in the flags that libc chooses. */
static sighandler_t install(sighandler_t (*set)(int, sighandler_t), int number, sighandler_t handler,
                            struct caller caller)
{
    if (hook_unlikely(weave_on))
        io_sends_signal(number, caller);
    sighandler_t before = set(number, (sighandler_t)wrap(number, (uintptr_t)handler));
    if (before == SIG_ERR)
        return before;
    if (handler != SIG_HOLD) /* which blocks the signal and leaves its disposition */
        note_disposition(number, (uintptr_t)handler);
    return (sighandler_t)unwrap(number, (uintptr_t)before);
}

HOOK_EXPORT sighandler_t signal(int number, sighandler_t handler)
{
    return install(real.signal, number, handler, CALLER());
}

sighandler_t bsd_signal(int number, sighandler_t handler); /* no header declares it any more */

HOOK_EXPORT sighandler_t bsd_signal(int number, sighandler_t handler)
{
    return install(real.bsd_signal, number, handler, CALLER());
}

HOOK_EXPORT sighandler_t ssignal(int number, sighandler_t handler)
{
    return install(real.ssignal, number, handler, CALLER());
}

HOOK_EXPORT sighandler_t sysv_signal(int number, sighandler_t handler)
{
    return install(real.sysv_signal, number, handler, CALLER());
}

HOOK_EXPORT sighandler_t __sysv_signal(int number, sighandler_t handler)
{
    return install(real.__sysv_signal, number, handler, CALLER());
}

HOOK_EXPORT sighandler_t sigset(int number, sighandler_t disposition)
{
    return install(real.sigset, number, disposition, CALLER());
}

/* libunwind blocks all signals around each step, by two system calls; in a walk of ours they wait anyhow. */
HOOK_EXPORT int sigprocmask(int how, const sigset_t *restrict signals, sigset_t *restrict before)
{
    if (!libunwind_walk_is_at(__builtin_frame_address(0))) {
        int result = real.sigprocmask(how, signals, before);
        if (hook_unlikely(weave_on) && result == 0) {
            access_note_far(signals, KERNEL_SIGSET_SIZE, 0, CALLER());
            access_note_far(before, KERNEL_SIGSET_SIZE, RACE_WRITE, CALLER());
        }
        return result;
    }
    if (before != NULL)
        *before = (sigset_t){0};
    return 0;
}

uint64_t signals_blocked(void)
{
    return raw_mask_change(SIG_BLOCK, 0) |
           ~outside_signals(); /* a fault comes where its own instruction stands, not just anywhere */
}

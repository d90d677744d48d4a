/* futex.c: raw futex calls by syscall(), the ground on which other runtimes build their own locks.
 *
 *   wake, requeue --> send on the word    before the call
 *   wait          --> receive on the word after it returned 0 or EAGAIN (the word had changed: its changer may wake)
 *
 * Model:     a futex word is a channel: what came before a wake comes before the return of a wait.  Priority-inheritance
 *            words are channels as well, not locks: their uncontended lock and unlock never enter the kernel, so that an
 *            owner known from the calls seen would be a guess.
 * Requeue:   a waiter returns from a wait on the first word by a wake on the second; the move is remembered, so that it
 *            then receives on both.
 * Cost:      one switch on the number for every other system call, which passes with its six arguments.
 * Source:    futex(2), FUTEX_WAITV and futex_wait(2) of Linux 5.16 and 6.7.
 */
#include "preload/intercept/objects.h"
#include "preload/intercept/process.h"
#include "preload/weave/weave.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>

/* Numbers that the kernel's headers of the build may not have yet. */
enum { NUMBER_FUTEX_WAITV = 449, NUMBER_FUTEX_WAKE = 454, NUMBER_FUTEX_WAIT = 455 };
enum { OPERATION_LOCK_PI2 = 13 };

/* An element of futex_waitv(2). */
struct wait_word {
    uint64_t expected;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

struct arguments {
    long number;
    long a, b, c, d, e, f;
};

/* ---- the words as channels ---- */

/* Returns: the channel of the futex word, or NULL when a lock of another kind lives there and knows better. */
static struct object *channel_at(struct self *self, long address, uintptr_t frame, struct stack_id at)
{
    const void *place = (const void *)(uintptr_t)address;
    if (place == NULL)
        return NULL;
    hook_check_stack(self, frame);
    struct object *object = hook_object(self, place);
    if (object == NULL)
        return objects_adopt(self, OBJECT_FUTEX, place, NULL, at);
    return object->kind == OBJECT_FUTEX ? object : NULL;
}

static void channel_send(struct self *self, long address, uintptr_t frame, struct stack_id at)
{
    struct object *channel = channel_at(self, address, frame, at);
    if (channel != NULL)
        emit_channel_send(self, channel, at);
}

static void channel_receive(struct self *self, long address, uintptr_t frame, struct stack_id at)
{
    struct object *channel = channel_at(self, address, frame, at);
    if (channel != NULL)
        emit_channel_receive(self, channel);
}

/* Where the waiters of a word were moved to.  Two words that share a line lose one of the moves, which loses an order
 * between threads and nothing else. */
enum { MOVES = 64 };
static struct move {
    _Atomic long from, to;
} moves[MOVES];

static struct move *move_of(long address)
{
    return &moves[(unsigned long)address / sizeof(uint32_t) % MOVES];
}

static void remember_move(long from, long to)
{
    /* Release, with the acquire in moved_to(): whoever reads `from` reads a `to` at least as new. */
    atomic_store_explicit(&move_of(from)->to, to, memory_order_relaxed);
    atomic_store_explicit(&move_of(from)->from, from, memory_order_release);
}

/* Returns: the word to which waiters of this one were moved, or 0. */
static long moved_to(long address)
{
    const struct move *move = move_of(address);
    if (atomic_load_explicit(&move->from, memory_order_acquire) != address)
        return 0;
    return atomic_load_explicit(&move->to, memory_order_relaxed);
}

/* ---- what a call does ---- */

static int operation_of(const struct arguments *call)
{
    return (int)call->b & FUTEX_CMD_MASK;
}

/* The kernel takes such a lock, and gives it up, by the word itself, where others do so by atomic operations. */
static void word_changes(struct self *self, long word, int order)
{
    if (self->plane == NULL)
        return;
    struct race_plane *race = &self->plane->race;
    self->plane->here = (struct callers_id){0}; /* not asked for */
    if (order == ORDER_RELEASE)
        race_atomic_before(plane_engine(), race, (uintptr_t)word, sizeof(uint32_t), order);
    else
        race_atomic_after(plane_engine(), race, (uintptr_t)word, sizeof(uint32_t), order);
}

static void before_operation(struct self *self, const struct arguments *call, uintptr_t frame, struct stack_id at)
{
    switch (operation_of(call)) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        channel_send(self, call->a, frame, at);
        break;
    case FUTEX_UNLOCK_PI:
        channel_send(self, call->a, frame, at);
        word_changes(self, call->a, ORDER_RELEASE);
        break;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_REQUEUE_PI:
        remember_move(call->a, call->e);
        channel_send(self, call->a, frame, at);
        channel_send(self, call->e, frame, at);
        break;
    case FUTEX_WAKE_OP:
        channel_send(self, call->a, frame, at);
        channel_send(self, call->e, frame, at);
        break;
    default:
        break;
    }
}

static void channel_receive_moved(struct self *self, long address, uintptr_t frame, struct stack_id at)
{
    channel_receive(self, address, frame, at);
    long target = moved_to(address);
    if (target != 0)
        channel_receive(self, target, frame, at);
}

static void after_operation(struct self *self, const struct arguments *call, bool passed, uintptr_t frame,
                            struct stack_id at)
{
    if (!passed)
        return;
    switch (operation_of(call)) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        channel_receive_moved(self, call->a, frame, at);
        break;
    case FUTEX_WAIT_REQUEUE_PI:
        channel_receive(self, call->a, frame, at);
        channel_receive(self, call->e, frame, at);
        word_changes(self, call->e, ORDER_ACQUIRE);
        break;
    case FUTEX_LOCK_PI:
    case FUTEX_TRYLOCK_PI:
    case OPERATION_LOCK_PI2:
        channel_receive(self, call->a, frame, at);
        word_changes(self, call->a, ORDER_ACQUIRE);
        break;
    default:
        break;
    }
}

/* futex_waitv(2): woken is the index of the word that was woken, or none when one of them had changed. */
static void after_wait_for_any(struct self *self, const struct arguments *call, long woken, uintptr_t frame,
                               struct stack_id at)
{
    const struct wait_word *words = (const struct wait_word *)(uintptr_t)call->a;
    uint32_t count = (uint32_t)call->b; /* what the kernel takes of it */
    for (uint32_t i = 0; i < count; i++)
        if (woken < 0 || woken == i)
            channel_receive_moved(self, (long)words[i].address, frame, at);
}

static void before_call(struct self *self, const struct arguments *call, uintptr_t frame, struct stack_id at)
{
    switch (call->number) {
    case SYS_futex:
        before_operation(self, call, frame, at);
        break;
    case NUMBER_FUTEX_WAKE:
        channel_send(self, call->a, frame, at);
        break;
    default:
        break;
    }
}

static void after_call(struct self *self, const struct arguments *call, long result, int error, uintptr_t frame,
                       struct stack_id at)
{
    bool passed = result >= 0 || error == EAGAIN;
    switch (call->number) {
    case SYS_futex:
        after_operation(self, call, passed, frame, at);
        break;
    case NUMBER_FUTEX_WAITV:
        if (passed)
            after_wait_for_any(self, call, result, frame, at);
        break;
    case NUMBER_FUTEX_WAIT:
        if (passed)
            channel_receive_moved(self, call->a, frame, at);
        break;
    default:
        break;
    }
}

static inline long call_real(const struct arguments *call)
{
    return real.syscall(call->number, call->a, call->b, call->c, call->d, call->e, call->f);
}

/* Publishes the wait when the call is about to sleep.  Returns: whether it did. */
static bool block(struct self *self, const struct arguments *call, uintptr_t frame, struct stack_id at)
{
    int operation = operation_of(call);
    if (call->number != SYS_futex || (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET))
        return false;
    struct object *channel = channel_at(self, call->a, frame, at);
    const struct futex_word word = {call->a, call->b, call->c};
    if (channel == NULL || !futex_word_is_expected(&word))
        return false;
    self->futex_word = word; /* host_all_asleep() looks again: nobody tells of a word that the kernel changes */
    emit_block(self, channel, LOCK_EXCLUSIVE, call->d != 0, at);
    return true;
}

static long observe(struct self *self, const struct arguments *call, uintptr_t frame, struct stack_id at)
{
    const struct futex_word interrupted = self->futex_word;
    before_call(self, call, frame, at);
    bool has_blocked = block(self, call, frame, at);
    hook_pause(self);
    long result = call_real(call);
    hook_resume(self);
    int error = errno;
    if (has_blocked)
        emit_unblock(self);
    self->futex_word = interrupted;
    after_call(self, call, result, error, frame, at);
    hook_leave(self);
    return result;
}

/* The child has a copy of our memory, and no handler of pthread_atfork() ran. */
static long fork_by(const struct arguments *call)
{
    if (!lockhound.ready || !process_is_ours())
        return call_real(call);
    process_fork_prepare();
    long child = call_real(call);
    int saved = errno;
    process_fork_done(child == 0);
    errno = saved;
    return child;
}

/* syscall() is variadic in C and takes seven registers and words in fact; this is its symbol under another C name. */
HOOK_EXPORT long hook_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("syscall");

long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    switch (number) {
    case SYS_futex:
    case NUMBER_FUTEX_WAITV:
    case NUMBER_FUTEX_WAKE:
    case NUMBER_FUTEX_WAIT:
        break;
    case SYS_fork:
        return fork_by(&(struct arguments){number, a, b, c, d, e, f});
    case SYS_clone:
        if ((a & CLONE_VM) == 0)
            return fork_by(&(struct arguments){number, a, b, c, d, e, f});
        if ((a & CLONE_VFORK) == 0)
            weave_note_raw_thread();
        return real.syscall(number, a, b, c, d, e, f);
    case SYS_exit_group:
        process_about_to_end();
        return real.syscall(number, a, b, c, d, e, f);
    default:
        return real.syscall(number, a, b, c, d, e, f);
    }

    const struct arguments call = {number, a, b, c, d, e, f};
    struct self *self = hook_enter();
    if (self == NULL)
        return call_real(&call);
    return observe(self, &call, HOOK_FRAME(), HOOK_STACK(self));
}

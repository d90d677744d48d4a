/* raw_thread.c: threads and processes that a program makes by clone() itself.
 *
 *   memory shared --> blind plane, order unseen while it lives; its calls pass through
 *   memory copied --> as fork
 *   vfork         --> libc's: the caller waits, and the child is known by its process id
 *
 * Model:     libc knows nothing of such a thread, nor does the detector: without CLONE_SETTLS it even has its maker's
 *            thread-local storage, and with it `self_current`; hook_enter() then asks the kernel who calls.
 * Source:    clone(2).
 */
#include <errno.h>

#include "preload/hook.h"
#include "preload/intercept/process.h"
#include "preload/raw.h"
#include "preload/sink.h"
#include "preload/weave/switch.h"
#include "preload/weave/weave.h"

enum { STACK_ALIGNMENT = 16 };

/* Stands at the top of the new thread's stack. */
struct start {
    int (*function)(void *);
    void *argument;
    struct plane_header *header; /* NULL: nothing is woven */
};

struct arguments {
    int (*function)(void *);
    void *stack;
    int flags;
    void *argument, *parent_tid, *storage, *child_tid;
};

static int call_real(const struct arguments *call)
{
    return real.clone(call->function, call->stack, call->flags, call->argument, call->parent_tid, call->storage,
                      call->child_tid);
}

/* Returns: libc's result, for a child that runs `begin` first, with what `start` says on its stack. */
static int call_with(const struct arguments *call, int (*begin)(void *), struct plane_header *header)
{
    uintptr_t top = ((uintptr_t)call->stack - sizeof(struct start)) & ~(uintptr_t)(STACK_ALIGNMENT - 1);
    struct start *start = (struct start *)top;
    *start = (struct start){call->function, call->argument, header};
    struct arguments changed = *call;
    changed.function = begin;
    changed.argument = start;
    changed.stack = start;
    return call_real(&changed);
}

/* ---- memory copied ------------------------------------------------------------------------------------------------ */

static int begin_copy(void *argument)
{
    const struct start *start = argument;
    process_fork_done(true);
    return start->function(start->argument);
}

static int make_copy(const struct arguments *call)
{
    process_fork_prepare();
    int child = call_with(call, begin_copy, NULL);
    int saved = errno;
    process_fork_done(false);
    errno = saved;
    return child;
}

/* ---- memory shared ------------------------------------------------------------------------------------------------ */

/* Its thread-local storage may be nobody's: nothing here may touch any. */
__attribute__((no_stack_protector)) static int begin_thread(void *argument)
{
    const struct start *start = argument;
    if (start->header != NULL)
        plane_enter_raw(start->header);
    return start->function(start->argument);
}

/* Where the maker's thread-local storage is the new one's as well, its calls would pass for the maker's: that is known before it runs. */
static int make_sharing(const struct arguments *call, struct self *self, struct plane_header *header)
{
    bool was_shared = self->is_shared;
    self->is_shared = true;
    int tid = call_with(call, begin_thread, header);
    self->is_shared = tid >= 0 || was_shared;
    return tid;
}

static int make_thread(const struct arguments *call)
{
    struct self *self = hook_enter();
    weave_note_raw_thread();
    sink_note("raw-threads",
              "the program made threads by clone() itself: what they do is not seen, no data race is told while one of "
              "them may run, and no hang of all threads");
    struct plane_header *header = weave_on ? plane_prepare_raw() : NULL;
    if (weave_on && header == NULL) {
        if (self != NULL)
            hook_leave(self);
        errno = EAGAIN;
        return -1;
    }
    bool shares = self != NULL && (call->flags & CLONE_SETTLS) == 0;
    int tid = shares ? make_sharing(call, self, header) : call_with(call, begin_thread, header);
    int saved = errno;
    if (header != NULL)
        plane_made_raw(header, tid, (call->flags & CLONE_THREAD) == 0);
    if (self != NULL)
        hook_leave(self);
    errno = saved;
    return tid;
}

/* ---- the call ----------------------------------------------------------------------------------------------------- */

/* clone() is variadic in C and takes up to seven words in fact; this is its symbol under another C name. */
HOOK_EXPORT int hook_clone(int (*function)(void *), void *stack, int flags, void *argument, void *parent_tid,
                           void *storage, void *child_tid) __asm__("clone");
HOOK_EXPORT int hook___clone(int (*function)(void *), void *stack, int flags, void *argument, void *parent_tid,
                             void *storage, void *child_tid) __asm__("__clone") __attribute__((alias("clone")));

int hook_clone(int (*function)(void *), void *stack, int flags, void *argument, void *parent_tid, void *storage,
               void *child_tid)
{
    const struct arguments call = {function, stack, flags, argument, parent_tid, storage, child_tid};
    bool is_shared = (flags & CLONE_VM) != 0, has_own_storage = (flags & CLONE_SETTLS) != 0;
    if (function == NULL || stack == NULL || !lockhound.ready || !process_is_ours() || (flags & CLONE_VFORK) != 0 ||
        (!is_shared && has_own_storage))
        return call_real(&call);
    return is_shared ? make_thread(&call) : make_copy(&call);
}

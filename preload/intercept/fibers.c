/* fibers.c: contexts that a program switches by itself (makecontext(3)).
 *
 *   swapcontext(from, to):  send on channel `from`, receive from channel `to`, libc's swapcontext
 *
 * Model:     whoever resumes a context has seen all that was done in it up to its last suspension, on whatever thread
 *            that was.  Both halves come before the switch, so that nothing of ours is left to do on the other stack,
 *            where the thread may be another one.
 * Stacks:    a fiber's stack is not the thread's own; hook.c knows the thread's by its bounds and takes every frame
 *            outside them for one that has popped nothing.
 */
#include <errno.h>

#include "preload/emit.h"
#include "preload/hook.h"
#include "preload/intercept/objects.h"

/* Returns: the channel of a context, made at its first use; NULL when it cannot be tracked. */
static struct object *channel_of(struct self *self, const ucontext_t *context)
{
    struct object *channel = hook_object(self, context);
    if (channel != NULL)
        return channel;
    static const struct object_traits traits = {.was_initialised = true};
    return emit_object_adopt(self, OBJECT_FUTEX, (uint64_t)(uintptr_t)context, &traits, (struct stack_id){0});
}

static void switch_context(const ucontext_t *from, const ucontext_t *to)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        struct object *left = from == NULL ? NULL : channel_of(self, from);
        if (left != NULL)
            emit_channel_send(self, left, EMIT_NOWHERE);
        struct object *resumed = channel_of(self, to);
        if (resumed != NULL)
            emit_channel_receive(self, resumed);
        stack_standing_lose(&self->stacks.standing); /* another thread may have gone on with this one's stack */
        hook_leave(self);
    }
    errno = saved;
}

HOOK_EXPORT int swapcontext(ucontext_t *restrict from, const ucontext_t *restrict to)
{
    switch_context(from, to);
    return real.swapcontext(from, to);
}

/* The context that runs is abandoned: nobody will resume it. */
HOOK_EXPORT int setcontext(const ucontext_t *to)
{
    switch_context(NULL, to);
    return real.setcontext(to);
}

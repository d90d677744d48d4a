#include "preload/intercept/access.h"

/* Units: bytes of stack above the caller's frame. */
enum { FRAMES_NEAR = 1 << 14 };

__attribute__((noinline, cold)) void access_note(const void *memory, size_t size, uint32_t flags, struct caller caller)
{
    if ((flags & ~(uint32_t)RACE_WRITE) == 0 && access_is_known(memory, size, flags))
        return;
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        memory_access(self, memory, size, flags, access_callers(self, caller));
        access_leave(self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) bool access_is_far(const void *memory, struct caller caller)
{
    return memory != NULL && (uintptr_t)memory - caller.sp >= FRAMES_NEAR;
}

__attribute__((noinline, cold)) void access_note_far(const void *memory, size_t size, uint32_t flags,
                                                     struct caller caller)
{
    if (access_is_far(memory, caller))
        access_note(memory, size, flags, caller);
}

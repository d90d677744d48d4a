#include "preload/intercept/access.h"

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

#include "preload/weave/switch.h"

#include "preload/weave/memory_events.h"

bool weave_on;

/* What is called while no thread has a plane: nobody comes here.  The parts that know planes define both anew. */
__attribute__((weak)) void memory_access_woven(struct self *self, const void *address, size_t size, uint32_t flags,
                                               struct stack_id at)
{
    (void)self;
    (void)address;
    (void)size;
    (void)flags;
    (void)at;
}

__attribute__((weak)) void memory_fresh_woven(struct self *self, uintptr_t low, uintptr_t high)
{
    (void)self;
    (void)low;
    (void)high;
}

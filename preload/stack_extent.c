#include "preload/stack_extent.h"

#include "preload/raw.h"
#include "preload/self.h"

enum { PAGE_SIZE = 4096, REACH_MOST = 64 << 20 }; /* units: bytes; a caller's frame is not further out */

/* The word below `sp` has just been used: a return address stands or stood there. */
struct stack_extent stack_extent_at(const struct self *self, uintptr_t sp)
{
    if (self != NULL && self_owns_stack(self, sp))
        return (struct stack_extent){.high = self->stack_high};
    return (struct stack_extent){.high = ((sp - 1) | (PAGE_SIZE - 1)) + 1, .is_open = true};
}

bool stack_extent_reach(struct stack_extent *extent, uintptr_t address)
{
    uintptr_t page = address & ~(uintptr_t)(PAGE_SIZE - 1);
    if (page - extent->high >= REACH_MOST || !raw_is_readable(page))
        return false;
    if (page == extent->high)
        extent->high += PAGE_SIZE;
    return true;
}

#include "preload/stack_extent.h"

#include "preload/raw.h"

enum { REACH_MOST = 64 << 20 }; /* units: bytes; a caller's frame is not further out */

bool stack_extent_reach(struct stack_extent *extent, uintptr_t address)
{
    uintptr_t page = page_of(address);
    if (page - extent->high >= REACH_MOST || !raw_is_readable(page))
        return false;
    if (page == extent->high)
        extent->high += PAGE_SIZE;
    return true;
}

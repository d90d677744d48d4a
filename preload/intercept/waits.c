#include "preload/intercept/waits.h"

void waits_block_cancelled(void *argument)
{
    struct self *self = argument;
    hook_resume(self);
    emit_unblock(self);
    hook_leave(self);
}

void waits_condition_cancelled(void *argument)
{
    const struct condition_wait *wait = argument;
    waits_condition_end(wait, false, false, true);
}

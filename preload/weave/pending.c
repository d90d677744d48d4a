/* pending.c: stands for the planes until they are here: nothing is woven. */
#include "preload/weave/plane.h"

__attribute__((weak)) bool plane_start(struct self *self)
{
    (void)self;
    return false;
}

__attribute__((weak)) void plane_spills_save(const struct self *self, struct plane_spills *spills)
{
    (void)self;
    (void)spills;
}

__attribute__((weak)) void plane_spills_restore(struct self *self, const struct plane_spills *spills)
{
    (void)self;
    (void)spills;
}

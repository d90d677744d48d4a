/* pending.c: stands for the planes and for the check of images until they are here: nothing is woven. */
#include "preload/weave/plane.h"
#include "weaver/image_check.h"

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

__attribute__((weak)) const char *image_check(const void *image, size_t size)
{
    (void)image;
    (void)size;
    return "images are not read yet";
}

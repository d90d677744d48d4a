/* image_check.h: whether the bytes of a woven image may be believed; for the weaver, the command and the library.
 *
 *   bytes of a file --image_check--> NULL (whole, sound) or what is wrong with it
 *
 * Checks:    magic, version, sizes, checksum; that every table lies in the file, is in the order that image.h says, and that
 *            every code offset lies in the code (each fix-up with its four bytes).  Whether the image belongs to a module is
 *            for the caller: build-id, or hash and size.
 * Seal:      whoever has made an image and checked it writes a number made of its checksum into the nanoseconds of the file's time
 *            of change.  A file that is written to later has another time, and so has a copy that keeps none: those are checked
 *            from end to end again.  Of a sealed one only the header is looked at, so that a start costs no look at the rest.
 * Pure:      reads the bytes and nothing else; no libc but mem*().
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_CHECK_H
#define LOCKHOUND_WEAVER_IMAGE_CHECK_H

#include <stddef.h>

#include "weaver/image.h"

/* Returns: NULL when the image of `size` bytes (aligned to 8) is sound; else what is wrong, as a constant string.
 * Context: signal, in-malloc, loader-lock. */
const char *image_check(const void *image, size_t size);

/* The same of the header and the bounds of the tables alone: all that is to be looked at in an image whose file is sealed. */
const char *image_check_header(const void *image, size_t size);

/* Returns: the nanoseconds in the time of change of the image's file when it is sealed. */
static inline long image_seal(const struct image_header *header)
{
    enum { NANOSECONDS = 999999999 };
    return (long)(header->checksum % NANOSECONDS) + 1; /* 0 is what coarse clocks say */
}

#endif

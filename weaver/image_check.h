/* image_check.h: whether the bytes of a woven image may be believed; for the weaver, the command and the library.
 *
 *   bytes of a file --image_check--> NULL (whole, sound) or what is wrong with it
 *
 * Checks:    magic, version, sizes, checksum; that every table lies in the file, is in the order that image.h says, and that
 *            every code offset lies in the code (each fix-up with its four bytes).  Whether the image belongs to a module is
 *            for the caller: build-id, or hash and size.
 * Pure:      reads the bytes and nothing else; no libc but mem*().
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_CHECK_H
#define LOCKHOUND_WEAVER_IMAGE_CHECK_H

#include <stddef.h>

#include "weaver/image.h"

/* Returns: NULL when the image of `size` bytes (aligned to 8) is sound; else what is wrong, as a constant string.
 * Context: signal, in-malloc, loader-lock. */
const char *image_check(const void *image, size_t size);

#endif

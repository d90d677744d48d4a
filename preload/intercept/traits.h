/* traits.h: what the memory of a synchronisation object tells of it when its initialisation was not seen.
 *
 *   kind, place --> [glibc's layout] --> struct object_traits --> object_init(), object_adopt()
 *
 * Model:     a static initialiser, a copy in a shared mapping and a call that we passed through leave nothing but
 *            memory.  `was_initialised` is false only for content that no initialiser and no use can have produced.
 * Source:    glibc sysdeps/nptl/bits/struct_mutex.h, struct_rwlock.h, nptl/semaphoreP.h, pthread_barrier_init.c; the
 *            layouts are ABI, frozen by statically initialised objects and by processes that share them.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_TRAITS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_TRAITS_H

#include "detector/detector.h"

/* The bits of pthread_mutex_t's __kind that are its type; the others are protocol and sharing. */
enum { MUTEX_TYPE_BITS = 0x03 };

/* Returns: the traits of the object of this kind at `place`.  Context: in-malloc, signal. */
struct object_traits traits_read(enum object_kind kind, const void *place);

/* Returns: the present value of the semaphore.  Context: in-malloc, signal. */
uint32_t traits_semaphore_value(const void *place);

#endif

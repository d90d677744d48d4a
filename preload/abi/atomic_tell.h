/* atomic_tell.h: tells the race engine of an atomic operation whose order the source gives. */
#ifndef LOCKHOUND_PRELOAD_ABI_ATOMIC_TELL_H
#define LOCKHOUND_PRELOAD_ABI_ATOMIC_TELL_H

#include "preload/abi/access.h"

enum atomic_when { ATOMIC_BEFORE, ATOMIC_AFTER };

/* `order` is the compiler's __ATOMIC_* number.  Context: signal. */
void atomic_tell(enum atomic_when when, const volatile void *place, uint32_t size, int order);

#endif

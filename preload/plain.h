/* plain.h: libc's string functions in their plainest form, for the time before libc's own can be called.
 *
 *   hook --> real.memcpy --before real_resolve()--> plain_memcpy, a loop over bytes
 *                        \--after it-------------> libc's
 *
 * The loader, and constructors that run before ours, call them; looking libc's up would call them again.
 * Invariant: equal to libc's for every argument that the standard allows (tests/unit/test_plain.c).  The sizes that
 *            the _chk forms are given are not checked.
 *
 * Context of all: signal, in-malloc, loader-lock, early.
 */
#ifndef LOCKHOUND_PRELOAD_PLAIN_H
#define LOCKHOUND_PRELOAD_PLAIN_H

#include "preload/libc_types.h"

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define HOOK_PLAIN(result, name, version, parameters, arguments) result plain_##name parameters;
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

#endif

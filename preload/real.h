/* real.h: libc's own entry points, one member a hook, each always callable.
 *
 *   hooks.def --> struct real_functions: before real_resolve() a member resolves all of them and then itself runs;
 *                 afterwards it is the next definition after ours in search order (libc, or another preload)
 *
 *                 (a few stand in by themselves, for the time when nothing can be looked up: see plain.h)
 *
 * Invariant: no member is ever NULL, so that a call made before our constructor, or during it, works.
 * Threads:   members change once, from one right value to another; readers need no order.
 * Source:    glibc BZ #14932 (before 2.36 dlsym(RTLD_NEXT) gives the oldest version: hence dlvsym).
 */
#ifndef LOCKHOUND_PRELOAD_REAL_H
#define LOCKHOUND_PRELOAD_REAL_H

#include "preload/libc_types.h"

struct real_functions {
#define HOOK(result, name, version, parameters, arguments)                result(*name) parameters;
#define HOOK_OPTIONAL                                                     HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments) result(*name##_##tag) parameters;
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED
};

extern struct real_functions real;

/* Points every member at the next definition.  Context: early, loader-lock, reentrant. */
void real_resolve(void);

#define HOOK_EXPORT __attribute__((visibility("default")))

/* A second name for a hook, such as __pthread_mutex_lock, that old programs call.  gcc wants the alias to promise what
 * its target's declaration promises; clang neither knows the attribute nor asks. */
#if __has_attribute(copy)
#define HOOK_AS(target) __attribute__((alias(#target), copy(target)))
#else
#define HOOK_AS(target) __attribute__((alias(#target)))
#endif
#define HOOK_ALIAS(name, target) HOOK_EXPORT __typeof__(target) name HOOK_AS(target)

#endif

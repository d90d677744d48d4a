/* environment.h: the environment of the program and of what it starts, and our own variables in it.
 *
 *   LD_PRELOAD=/lib/liblockhound.so:/lib/other.so --> LD_PRELOAD=/lib/other.so       LOCKHOUND_OPTIONS=... --> gone
 *
 * The strings and their array are changed where the kernel laid them: libc takes its `environ` from there after our
 * constructor has run, and a program may look for them there.
 */
#ifndef LOCKHOUND_PRELOAD_ENVIRONMENT_H
#define LOCKHOUND_PRELOAD_ENVIRONMENT_H

#include <stdbool.h>

/* Leaves `envp` without us, so that nothing that the process starts, by whatever call, is checked.  Context: early. */
void environment_forget_us(char **envp);

/* Lets getenv() find `envp` before libc's constructor, which sets it for good, has run: the program's allocator may be
 * called by our own, and reads its settings when it first is.  Context: early. */
void environment_lend(char **envp);

/* Returns: what stands behind "name=", "" when nothing does; `envp` may be NULL.  Context: signal, in-malloc, loader-lock, early. */
const char *environment_value(char *const envp[], const char *name);

/* Returns: true when `entry` is "name=...".  Context: signal, in-malloc, loader-lock, early. */
bool environment_is(const char *entry, const char *name);

#endif

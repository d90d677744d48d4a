/* environment.h: our own variables in the environment of the program and of what it starts.
 *
 *   LD_PRELOAD=/lib/liblockhound.so:/lib/other.so --> LD_PRELOAD=/lib/other.so       LOCKHOUND_OPTIONS=... --> gone
 *
 * The program's strings and the array that the kernel laid down stay where they are, for programs walk both.
 */
#ifndef LOCKHOUND_PRELOAD_ENVIRONMENT_H
#define LOCKHOUND_PRELOAD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/* Gives the process an environment without us, so that nothing it starts, by whatever call, is checked.
 * Context: early; no other thread exists. */
void environment_forget_us(void);

/* Returns: true when `entry` is "name=...".  Context: signal, in-malloc, loader-lock, early. */
bool environment_is(const char *entry, const char *name);

/* Copies the LD_PRELOAD list `list` without the entries whose file name is `library`; `result` has room for as much.
 * Returns: the length left.  Context: signal, in-malloc, loader-lock, early. */
size_t environment_drop_library(const char *list, const char *library, char *result);

#endif

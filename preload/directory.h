/* directory.h: the entries of a folder, read without readdir(), which allocates and so cannot be called everywhere. */
#ifndef LOCKHOUND_PRELOAD_DIRECTORY_H
#define LOCKHOUND_PRELOAD_DIRECTORY_H

#include <stdbool.h>

#include "preload/directory_entry.h"

/* Calls `visit` for each entry of the folder, which is open as `folder`, until it returns true.
 * Returns: that; or `in_doubt` when the folder cannot be opened or read.  Context: signal, in-malloc. */
bool directory_any(const char *path, bool (*visit)(void *ctx, long folder, const struct directory_entry *entry),
                   void *ctx, bool in_doubt);

#endif

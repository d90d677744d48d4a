/* file_name.h: whether a mapped file can still be opened by a name.
 *
 * The kernel says "(deleted)" of a file when the name it was opened by is gone.  It may have another one: sem_open(3) makes a
 * semaphore under a name of its own, links it to the one that was asked for, and removes the first.
 */
#ifndef LOCKHOUND_PRELOAD_FILE_NAME_H
#define LOCKHOUND_PRELOAD_FILE_NAME_H

#include <stdbool.h>

#include "preload/mapping.h"

/* `path`: as /proc/PID/maps has it.  A name in another folder is not looked for, and a key of System V counts as one.
 * Returns: true when nobody but those who have it can come by the file.  Context: signal, in-malloc, may-block. */
bool file_name_is_gone(const char *path, const struct file_identity *file);

#endif

/* own_file.h: a descriptor of ours in a process that knows nothing of it.
 *
 * A program may close every descriptor it did not open and then open its own files there; ours is moved out of the way,
 * is closed by exec, and is compared with the file it was opened for before each use.
 */
#ifndef LOCKHOUND_PRELOAD_OWN_FILE_H
#define LOCKHOUND_PRELOAD_OWN_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct own_file {
    long fd;
    dev_t device;
    ino_t inode;
    bool open;
};

/* Takes over `fd`, moved high and close-on-exec.  Returns: 0 or -errno.  Context: signal, early. */
int own_file_take(struct own_file *file, long fd);
/* Returns: false when it is not open, or when the program has closed it.  Context: signal. */
bool own_file_is_ours(const struct own_file *file);
/* Closes it, if it is ours.  Context: signal, fork-child. */
void own_file_close(struct own_file *file);

#endif

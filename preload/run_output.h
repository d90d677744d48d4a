/* run_output.h: the run file as a descriptor that stays ours.
 *
 *   append(bytes) --still our file?--> write with O_APPEND
 *                  \--no (the program closed it and may have opened its own there)--> open again --> write
 *
 * Without a path the file is anonymous memory, named /proc/PID/fd/N for the command that prints from it.
 *
 * Threads:   OWN_RANK_SINK.
 */
#ifndef LOCKHOUND_PRELOAD_RUN_OUTPUT_H
#define LOCKHOUND_PRELOAD_RUN_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RUN_OUTPUT_NAME_SIZE = 1024 };

/* Makes a relative `path` absolute, in place, before the program changes its directory.  Left as it is when the two do not
 * fit together.  Context: early. */
void run_output_make_absolute(char path[RUN_OUTPUT_NAME_SIZE]);
/* Appends `size` bytes in one write, opening the file (of `path`, or anonymous when "") if need be.
 * Returns: 0 and where in the file they begin, or -errno: nothing, or a torn record, was written.
 * Context: signal, in-malloc, holds(OWN_RANK_SINK). */
int run_output_append(const char *path, const char *bytes, size_t size, uint64_t *offset);
/* The child's own view of the file, with a place of its own in it; or none of the anonymous one, which is the parent's.
 * Context: fork-child. */
void run_output_fork_child(const char *path);
/* The file's name for another process; valid after an append that succeeded.
 * Context: signal, in-malloc, holds(OWN_RANK_SINK). */
void run_output_name(const char *path, char name[RUN_OUTPUT_NAME_SIZE]);

#endif

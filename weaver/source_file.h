/* source_file.h: a file of source as a text in memory; of what is no such file, or too large for one, nothing is read. */
#ifndef LOCKHOUND_WEAVER_SOURCE_FILE_H
#define LOCKHOUND_WEAVER_SOURCE_FILE_H

#include <stddef.h>

/* Calls take(arg, path, text, size) with what the file holds, unless it cannot be read, is empty, is no plain file, or is larger than
 * `largest` bytes.  The text goes when take() returns. */
void source_file_read(const char *path, size_t largest,
                      void (*take)(void *arg, const char *path, const char *text, size_t size), void *arg);

#endif

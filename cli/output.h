/* output.h: writing reports where the user asked, with every failure said. */
#ifndef LOCKHOUND_CLI_OUTPUT_H
#define LOCKHOUND_CLI_OUTPUT_H

#include <stdbool.h>

#include "report/memory.h"

/* Writes all of `text` to `fd`.  Returns: true, or false with errno. */
bool output_write(int fd, const struct buffer *text);
/* Writes all of `text` to stdout.  Returns: false after a complaint. */
bool output_show(const struct buffer *text);
/* Checks, before anything is started, that `path` can be written; creates it.  Returns: false after a complaint. */
bool output_check(const char *path);
/* Replaces the contents of `path` ("-": stdout) by `text`.  Returns: false after a complaint. */
bool output_replace(const char *path, const struct buffer *text);

#endif

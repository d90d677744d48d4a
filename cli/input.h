/* input.h: reading a whole file that a user named, with every failure said. */
#ifndef LOCKHOUND_CLI_INPUT_H
#define LOCKHOUND_CLI_INPUT_H

#include <stdbool.h>

#include "report/memory.h"

/* Adds the contents of `path` ("-": stdin) to `text`, at most 1 GiB.  Returns: false after a complaint. */
bool input_read(const char *path, struct buffer *text);

#endif

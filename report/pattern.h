/* pattern.h: the two ways in which suppression files write names. */
#ifndef LOCKHOUND_REPORT_PATTERN_H
#define LOCKHOUND_REPORT_PATTERN_H

#include <stdbool.h>

/* The whole of `text` matches `glob`: '*' is any run of characters, '?' any one.  O(pattern * text), no recursion. */
bool pattern_glob(const char *glob, const char *text);
/* Some part of `text` matches: '*' is any run of characters, '^' at the front and '$' at the end tie it to an end.
 * This is how ThreadSanitizer's files are read. */
bool pattern_within(const char *pattern, const char *text);
/* Returns: true when `pattern` names nothing in particular ("", "*", "^*$"): it would match everything. */
bool pattern_is_broad(const char *pattern);

#endif

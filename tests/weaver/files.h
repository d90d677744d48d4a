/* files.h: the files that a test of the weaver is to look at.
 *
 *   arguments, else a list with a NUL behind each name, else the modules that this program itself is made of
 */
#ifndef LOCKHOUND_TESTS_FILES_H
#define LOCKHOUND_TESTS_FILES_H

#include <stddef.h>

struct files {
    char **names;
    size_t count;
};

/* `list` may be NULL.  Exits with 2 when it cannot be read. */
struct files files_take(char **arguments, size_t count, const char *list);
void files_free(struct files *files);

#endif

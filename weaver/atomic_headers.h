/* atomic_headers.h: the files in which the macros of a unit are defined.
 *
 *   files of a unit --#include--> more of them, each read once --#define--> [atomic_macros.h]
 *
 * Model:     an included file is looked for beside the one that includes it, above that, and where systems keep headers, for which
 *            folders a compiler was told to search is not known.  Conditions are not followed: whatever is written counts.
 * Invariant: a file is listed once, by whatever path it was found; lists and files have bounds.
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_HEADERS_H
#define LOCKHOUND_WEAVER_ATOMIC_HEADERS_H

#include "weaver/atomic_macros.h"

struct atomic_file {
    char *path; /* without links and steps back, which would have no end */
    uint64_t device, inode;
    uint32_t next; /* of the same hash, from 1; 0: none */
};

/* Zeroed before the first use. */
struct atomic_headers {
    struct atomic_macros macros;
    uint32_t *inodes;          /* by their hash, the file from 1 */
    struct atomic_file *files; /* read or to be read, in order */
    size_t file_count, file_capacity, files_read;
};

/* Reads what the file defines and includes, once. */
void atomic_headers_read(struct atomic_headers *headers, const char *path);
/* Takes in the definitions and the included files of a text; `path` is where it stands. */
void atomic_headers_scan(struct atomic_headers *headers, const char *path, const char *text, size_t size);
void atomic_headers_free(struct atomic_headers *headers);

#endif

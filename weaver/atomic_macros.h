/* atomic_macros.h: macros that stand for an atomic operation and nothing else, as far as headers can be found that say so:
 * CK_PR_LOAD(), rcu_dereference(), ...
 *
 *   files of a unit --#include--> more of them --#define--> names --atomic_macros_has()--> whether a line uses one
 *
 * Model:   a macro is atomic when its body calls an atomic operation (atomic_names.h) or such a macro, and calls no function
 *          besides: a line that logs, or asserts, reads its arguments as it likes.  Of a name defined twice one such body
 *          suffices: which of them the compiler took is not known.
 * Files:   an included file is looked for beside the one that includes it, above that, and where systems keep headers.
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_MACROS_H
#define LOCKHOUND_WEAVER_ATOMIC_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct atomic_macro {
    char *name, *parameters, *body; /* parameters: NULL of a name that stands for another */
    struct atomic_macro *next;      /* of the same hash */
    uint64_t judged;                /* atomic_macros.count as it was judged; 0: not yet */
    uint8_t verdict;
};

struct atomic_file {
    char *path; /* without links and steps back, which would have no end */
    uint64_t device, inode;
    uint32_t next; /* of the same hash, from 1; 0: none */
};

struct atomic_macros {
    struct atomic_macro **macros; /* by the hash of their names */
    uint32_t *inodes;             /* by their hash, the file from 1 */
    struct atomic_file *files;    /* read or to be read, in order */
    size_t file_count, file_capacity, files_read;
    uint64_t count;
};

/* Reads what the file defines and includes, once. */
void atomic_macros_read(struct atomic_macros *macros, const char *path);
/* Takes in the definitions and the included files of a text; `path` is where it stands. */
void atomic_macros_scan(struct atomic_macros *macros, const char *path, const char *text, size_t size);
bool atomic_macros_has(struct atomic_macros *macros, const char *name, size_t size);
void atomic_macros_free(struct atomic_macros *macros);

#endif

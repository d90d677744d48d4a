/* atomic_macros.h: macros that stand for an atomic operation and nothing else: CK_PR_LOAD(), rcu_dereference(), ...
 *
 *   [atomic_headers.h] --#define--> names, bodies --atomic_macros_has(), judged once--> whether a line uses one
 *
 * Model:   a macro is atomic when its body calls an atomic operation (atomic_names.h) or such a macro, and calls no function
 *          besides: a line that logs, or asserts, reads its arguments as it likes.  Of a name defined twice one such body
 *          suffices: which of them the compiler took is not known.
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

/* Zeroed before the first use. */
struct atomic_macros {
    struct atomic_macro **macros; /* by the hash of their names */
    uint64_t count;
};

/* Takes in what follows "#define" and blanks, up to the end of the directive.  A macro without parameters counts when it is but
 * another name. */
void atomic_macros_define(struct atomic_macros *macros, const char *at, const char *end);
/* Returns: whether the name that a call has is that of a macro that is atomic. */
bool atomic_macros_has(struct atomic_macros *macros, const char *name, size_t size);
void atomic_macros_free(struct atomic_macros *macros);

#endif

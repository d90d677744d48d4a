/* stack_standing.h: which frames of a thread's stack need not be looked at again, as its woven code tells what functions it enters.
 *
 *   a stack is found --> [its return addresses' places, outermost first]     *entered = 0
 *   woven function entered --> *entered = the highest place of a return address since
 *   next stack --its first place that is known, above *entered--> stands, with all outside
 *                    \--else--> the words from the innermost one on, as far as that
 *
 * Model:     a function that tells when it is entered, and has not been where its return address stands, is the same one as then;
 *            and while it has not returned all outside is as it was.  Of a function that does not tell (weave/entered.h) the
 *            word is looked at.
 * Threads:   a thread's own; of its own stack alone.
 * Code:      compiled without vector registers.
 * Test:      tests/unit/test_stack_standing.c.
 */
#ifndef LOCKHOUND_PRELOAD_STACK_STANDING_H
#define LOCKHOUND_PRELOAD_STACK_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/ids.h"

enum { STACK_MAX_DEPTH = 64 };

struct stack_layout;

/* Zeroed before the first use. */
struct stack_standing {
    uint64_t *entered; /* of the thread's woven code: as in plane.h; NULL: it does not tell */
    uint32_t depth;    /* of the stack that was found last; 0: none is known */
    struct {
        uintptr_t place;
        uint32_t stack; /* from there on; 0: not known */
    } frames[STACK_MAX_DEPTH];
};

/* Returns: whether frame number `i`, from the outermost one, stands with all outside: that is `outside`, and 0 if its
 * function does not tell. */
static inline bool stack_standing_has(const struct stack_standing *standing, uint32_t i, uintptr_t place,
                                      uint32_t outside)
{
    uintptr_t entered = standing->entered == NULL ? UINTPTR_MAX : *standing->entered;
    return outside != 0 && place > entered && i < standing->depth && standing->frames[i].place == place &&
           standing->frames[i].stack == outside;
}

/* Looks at the words of a layout at `sp`, as far as it must, and remembers them where woven code tells.  Returns: whether they stand.
 * Context: signal, loader-lock, in-malloc. */
bool stack_standing_look(struct stack_standing *standing, const struct stack_layout *layout, uintptr_t sp);

/* The stack with `others` return addresses and one more, below `sp`, stands, and is `stack`. */
static inline void stack_standing_found(struct stack_standing *standing, uint32_t others, uintptr_t sp,
                                        struct stack_id stack)
{
    if (standing->entered == NULL)
        return;
    standing->frames[others].place = sp - sizeof sp;
    standing->frames[others].stack = stack.v;
    standing->depth = others + 1;
    *standing->entered = 0;
}

/* The callers were found in another way: of none is it known that it stands. */
static inline void stack_standing_lose(struct stack_standing *standing)
{
    standing->depth = 0;
    if (standing->entered != NULL)
        *standing->entered = 0;
}

#endif

/* filled.c: calls that only fill in what the program gave them room for: times, limits, names.
 *
 *   HOOK_FILLS of hooks_libc.def --> libc's --> what it has filled in is written
 *
 * Left out:  room in the caller's own frame or a little above it: see access_note_far().
 * Invariant: one load and a jump beside libc's own while accesses are not checked.
 */
#include "preload/intercept/io.h"

/* Under C names of their own, for headers define some inline. */
#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define FILLS(result, name, parameters, arguments, before, is_filled, memory, size)                                    \
    HOOK_EXPORT result fills_##name parameters __asm__(#name);                                                         \
    result fills_##name parameters                                                                                     \
    {                                                                                                                  \
        before;                                                                                                        \
        result outcome = real.name arguments;                                                                          \
        if (hook_unlikely(weave_on) && (is_filled))                                                                    \
            access_note_far((memory), (size), RACE_WRITE, CALLER());                                                   \
        return outcome;                                                                                                \
    }
#define HOOK_FILLS(result, name, version, parameters, arguments, is_filled, memory, size)                              \
    FILLS(result, name, parameters, arguments, (void)0, is_filled, memory, size)
#define HOOK_FILLS_USING(result, name, version, parameters, arguments, is_filled, memory, size)                        \
    FILLS(result, name, parameters, arguments, IO_USES(fd), is_filled, memory, size)
#include "preload/hooks.def"

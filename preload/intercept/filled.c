/* filled.c: calls that fill in what the program gave them room for: struct stat, times, names, addresses.
 *
 *   HOOK_FILLS of hooks_libc.def --> libc's --> what it has filled in is written
 *
 * Left out:  room in the caller's own frame or a little above it: nearly all of it is, and what other threads are shown is not.
 * Invariant: one load and a jump beside libc's own while accesses are not checked.
 */
#include "preload/intercept/io.h"

/* Units: bytes of stack above the caller's frame. */
enum { FRAMES_NEAR = 1 << 14 };

__attribute__((noinline, cold)) static void note(const void *memory, size_t size, struct caller caller)
{
    bool is_near = (uintptr_t)memory - caller.sp < FRAMES_NEAR;
    if (memory != NULL && !is_near)
        access_note(memory, size, RACE_WRITE, caller);
}

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
            note((memory), (size), CALLER());                                                                          \
        return outcome;                                                                                                \
    }
#define HOOK_FILLS(result, name, version, parameters, arguments, is_filled, memory, size)                              \
    FILLS(result, name, parameters, arguments, (void)0, is_filled, memory, size)
#define HOOK_FILLS_USING(result, name, version, parameters, arguments, is_filled, memory, size)                        \
    FILLS(result, name, parameters, arguments, IO_USES(fd), is_filled, memory, size)
#include "preload/hooks.def"

/* stream_locks.c: flockfile() and its like: what a thread does to a stream without its lock (putc_unlocked(), which reads and
 * writes the stream in the program's own code) comes before what the next one does that has locked it.
 *
 * Model:     they are no locks for the detector of deadlocks: libc's other calls lock the same stream unseen.
 */
#include "preload/intercept/io.h"

static void locked(FILE *stream, struct caller caller)
{
    io_received_named(CHANNEL_STREAM, (uintptr_t)stream, NULL, 0, caller);
}

HOOK_EXPORT void flockfile(FILE *stream)
{
    real.flockfile(stream);
    if (hook_unlikely(weave_on))
        locked(stream, CALLER());
}

HOOK_EXPORT int ftrylockfile(FILE *stream)
{
    int result = real.ftrylockfile(stream);
    if (hook_unlikely(weave_on) && result == 0)
        locked(stream, CALLER());
    return result;
}

HOOK_EXPORT void funlockfile(FILE *stream)
{
    if (hook_unlikely(weave_on))
        io_sends_named(CHANNEL_STREAM, (uintptr_t)stream, NULL, 0, CALLER());
    real.funlockfile(stream);
}

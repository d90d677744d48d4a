/* descriptors.c: calls that make and close descriptors: whoever closed a number comes before who gets it next.
 *
 *   HOOK_OPENS of hooks.def --> real call --> io_opened(the descriptor of what it returned), and its path is read
 *   close(), fclose(), ...  --> io_closes(fd) --> real call
 *   HOOK_USES of hooks.def  --> io_uses(fd) --> real call
 *
 * Model:     a number is given out again once it is closed, and the kernel does both under one lock: what a program keeps
 *            by number (a table of connections) is handed on with it.  dup2() and freopen() do both, and the number is never
 *            free between: no use of it is cut off.
 * Left out:  what libc opens and closes for itself; descriptors made by syscall() or by libraries' own instructions.
 * Invariant: one load and a jump while accesses are not checked.  Cancellation leaves the real call as it would leave libc's.
 */
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "preload/intercept/descriptor_table.h"
#include "preload/intercept/touches.h"

/* ---- calls that only make one --------------------------------------------------------------------------------------- */

static inline int number_of_descriptor(int fd)
{
    return fd;
}

static inline int number_of_stream(FILE *stream)
{
    return stream != NULL ? io_descriptor_of(stream) : -1;
}

static inline int number_of_folder(DIR *folder)
{
    return folder != NULL ? dirfd(folder) : -1;
}

#define NUMBER_OF(made)                                                                                                \
    _Generic((made), int : number_of_descriptor, FILE * : number_of_stream, DIR * : number_of_folder)(made)

/* Under C names of their own: some are variadic there, and headers define others inline. */
#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define HOOK_OPENS_PATH(result, name, version, parameters, arguments, after)                                           \
    HOOK_EXPORT result opens_##name parameters __asm__(#name);                                                         \
    result opens_##name parameters                                                                                     \
    {                                                                                                                  \
        result made = real.name arguments;                                                                             \
        if (hook_unlikely(weave_on)) {                                                                                 \
            struct caller caller = CALLER();                                                                           \
            bool is_done = NUMBER_OF(made) >= 0;                                                                       \
            io_opened(NUMBER_OF(made), caller);                                                                        \
            after;                                                                                                     \
        }                                                                                                              \
        return made;                                                                                                   \
    }
#define HOOK_OPENS(result, name, version, parameters, arguments)                                                       \
    HOOK_EXPORT result opens_##name parameters __asm__(#name);                                                         \
    result opens_##name parameters                                                                                     \
    {                                                                                                                  \
        result made = real.name arguments;                                                                             \
        IO_OPENED(NUMBER_OF(made));                                                                                    \
        return made;                                                                                                   \
    }
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

/* ---- calls that only use one ---------------------------------------------------------------------------------------- */

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define HOOK_USES(result, name, version, parameters, arguments)                                                        \
    HOOK_EXPORT result uses_##name parameters __asm__(#name);                                                          \
    result uses_##name parameters                                                                                      \
    {                                                                                                                  \
        IO_USES(fd);                                                                                                   \
        return real.name arguments;                                                                                    \
    }
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

/* ---- from another, and two at once ---------------------------------------------------------------------------- */

#define BOTH_OPENED(result, fds)                                                                                       \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (result) == 0) {                                                                \
            access_note_far((fds), 2 * sizeof *(fds), RACE_WRITE, CALLER());                                           \
            IO_OPENED((fds)[0]);                                                                                       \
            IO_OPENED((fds)[1]);                                                                                       \
        }                                                                                                              \
    } while (0)

HOOK_EXPORT int pipe(int fds[2])
{
    int result = real.pipe(fds);
    BOTH_OPENED(result, fds);
    return result;
}

HOOK_EXPORT int pipe2(int fds[2], int flags)
{
    int result = real.pipe2(fds, flags);
    BOTH_OPENED(result, fds);
    return result;
}

HOOK_EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
    int result = real.socketpair(domain, type, protocol, fds);
    BOTH_OPENED(result, fds);
    return result;
}

HOOK_EXPORT int dup(int fd)
{
    IO_USES(fd);
    int result = real.dup(fd);
    IO_OPENED(result);
    return result;
}

/* ---- calls that close what had the number ---------------------------------------------------------------------------- */

static void replaces_by(int fd, int number, struct caller caller)
{
    io_uses(fd, caller);
    if (fd != number)
        io_replaces(number, caller);
}

HOOK_EXPORT int dup2(int fd, int number)
{
    if (hook_unlikely(weave_on))
        replaces_by(fd, number, CALLER());
    int result = real.dup2(fd, number);
    if (fd != number) /* else it does nothing */
        IO_OPENED(result);
    return result;
}

HOOK_EXPORT int dup3(int fd, int number, int flags)
{
    if (hook_unlikely(weave_on))
        replaces_by(fd, number, CALLER());
    int result = real.dup3(fd, number, flags);
    IO_OPENED(result);
    return result;
}

HOOK_EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
    IO_REPLACES(io_descriptor_of(stream));
    FILE *result = real.freopen(path, mode, stream);
    IO_OPENED(number_of_stream(result));
    return result;
}

HOOK_EXPORT FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
    IO_REPLACES(io_descriptor_of(stream));
    FILE *result = real.freopen64(path, mode, stream);
    IO_OPENED(number_of_stream(result));
    return result;
}

/* ---- tables ---------------------------------------------------------------------------------------------------------- */

HOOK_EXPORT int unshare(int flags)
{
    if ((flags & CLONE_FILES) != 0)
        descriptor_tables_part();
    return real.unshare(flags);
}

/* ---- calls that only close ------------------------------------------------------------------------------------------- */

HOOK_EXPORT int close(int fd)
{
    IO_CLOSES(fd);
    return real.close(fd);
}

static void closes_range(unsigned low, unsigned high, int flags, struct caller caller)
{
    if (((unsigned)flags & CLOSE_RANGE_UNSHARE) != 0)
        descriptor_tables_part();
    if (((unsigned)flags & CLOSE_RANGE_CLOEXEC) == 0)
        io_closes_many(low, high, caller);
}

HOOK_EXPORT int close_range(unsigned low, unsigned high, int flags)
{
    if (hook_unlikely(weave_on))
        closes_range(low, high, flags, CALLER());
    return real.close_range(low, high, flags);
}

HOOK_EXPORT void closefrom(int low)
{
    if (hook_unlikely(weave_on))
        io_closes_many(low < 0 ? 0 : (unsigned)low, UINT_MAX, CALLER());
    real.closefrom(low);
}

HOOK_EXPORT int fclose(FILE *stream)
{
    IO_CLOSES(io_descriptor_of(stream));
    return real.fclose(stream);
}

HOOK_EXPORT int pclose(FILE *stream)
{
    IO_CLOSES(io_descriptor_of(stream));
    return real.pclose(stream);
}

HOOK_EXPORT int closedir(DIR *folder)
{
    IO_CLOSES(number_of_folder(folder));
    return real.closedir(folder);
}

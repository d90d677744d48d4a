/* formatted.c: what printf() and its like read and write on the program's behalf.
 *
 *   snprintf(to, n, format, ...) --> vsnprintf's hook --> format and strings are read --> libc's vsnprintf() --> `to` is written
 *   fprintf(stream, ...)         --> the same; what the thread did is sent through the stream's descriptor
 *
 * Model:     a variadic function is written in terms of the one that takes a va_list, which is how libc has it as well: results,
 *            errno and the checks of _FORTIFY_SOURCE are those of libc's own.
 * Invariant: while accesses are not checked a call costs what libc's own costs, and one load.
 */
#define __NO_INLINE__ 1
#include "preload/intercept/format_walk.h"
#include "preload/intercept/io.h"

/* ---- notes ------------------------------------------------------------------------------------------------------- */

struct noting {
    struct self *self;
    struct stack_id at;
};

static void visit(void *ctx, const void *memory, size_t size, bool is_written)
{
    const struct noting *noting = ctx;
    memory_access(noting->self, memory, size, is_written ? RACE_WRITE : 0, noting->at);
}

/* Returns: false when there is nothing to note. */
static bool begin(struct noting *noting, struct caller caller)
{
    noting->self = access_enter(caller);
    if (noting->self == NULL)
        return false;
    if (memory_is_watched(noting->self)) {
        noting->at = access_stack(noting->self, caller);
        return true;
    }
    access_leave(noting->self);
    return false;
}

__attribute__((noinline, cold)) static void note_arguments(const char *format, va_list arguments, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        memory_access(noting.self, format, real.strlen(format) + 1, 0, noting.at);
        format_walk_output(format, arguments, &(struct format_visitor){visit, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

/* `length` characters and the end of the string, of which `room` bytes are there. */
__attribute__((noinline, cold)) static void note_text(const void *text, int length, size_t room, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    size_t size = (size_t)length < room ? (size_t)length + 1 : room;
    if (begin(&noting, caller)) {
        memory_access(noting.self, text, size, RACE_WRITE, noting.at);
        access_leave(noting.self);
    }
    errno = saved;
}

#define READS(format, arguments, caller)                                                                               \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            note_arguments((format), (arguments), (caller));                                                           \
    } while (0)

#define WRITTEN(text, length, room, caller)                                                                            \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (length) >= 0)                                                                  \
            note_text((text), (length), (room), (caller));                                                             \
    } while (0)

/* ---- each with a va_list: what it does, its hook, and that of the form with "..." ----------------------------------- */

/* DO(name, variadic name, parameters, the last one's name, arguments): `caller` is there for what is done. */
#define UNPACK(...) __VA_ARGS__
#define PRINTER(name, variadic, parameters, arguments, before, after)                                                  \
    static int do_##name(UNPACK parameters, va_list list, struct caller caller)                                        \
    {                                                                                                                  \
        READS(format, list, caller);                                                                                   \
        before;                                                                                                        \
        int result = real.name(UNPACK arguments, list);                                                                \
        after;                                                                                                         \
        return result;                                                                                                 \
    }                                                                                                                  \
    HOOK_EXPORT int hook_##name(UNPACK parameters, va_list list) __asm__(#name);                                       \
    int hook_##name(UNPACK parameters, va_list list)                                                                   \
    {                                                                                                                  \
        return do_##name(UNPACK arguments, list, CALLER());                                                            \
    }                                                                                                                  \
    HOOK_EXPORT int hook_##variadic(UNPACK parameters, ...) __asm__(#variadic);                                        \
    int hook_##variadic(UNPACK parameters, ...)                                                                        \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, format);                                                                                        \
        int result = do_##name(UNPACK arguments, list, CALLER());                                                      \
        va_end(list);                                                                                                  \
        return result;                                                                                                 \
    }

#define SENDS_BY(fd)                                                                                                   \
    if (hook_unlikely(weave_on))                                                                                       \
    io_sends((fd), NULL, 0, caller)
#define NOTHING (void)0

/* ---- into memory --------------------------------------------------------------------------------------------------- */

PRINTER(vsprintf, sprintf, (char *to, const char *format), (to, format), NOTHING, WRITTEN(to, result, SIZE_MAX, caller))
PRINTER(vsnprintf, snprintf, (char *to, size_t room, const char *format), (to, room, format), NOTHING,
        WRITTEN(to, result, room, caller))
PRINTER(__vsprintf_chk, __sprintf_chk, (char *to, int flag, size_t limit, const char *format),
        (to, flag, limit, format), NOTHING, WRITTEN(to, result, SIZE_MAX, caller))
PRINTER(__vsnprintf_chk, __snprintf_chk, (char *to, size_t room, int flag, size_t limit, const char *format),
        (to, room, flag, limit, format), NOTHING, WRITTEN(to, result, room, caller))

/* The text comes from malloc(), which says that it is new. */
PRINTER(vasprintf, asprintf, (char **to, const char *format), (to, format), NOTHING,
        WRITTEN(to, result >= 0 ? (int)sizeof *to - 1 : -1, sizeof *to, caller))
PRINTER(__vasprintf_chk, __asprintf_chk, (char **to, int flag, const char *format), (to, flag, format), NOTHING,
        WRITTEN(to, result >= 0 ? (int)sizeof *to - 1 : -1, sizeof *to, caller))

/* ---- to streams and descriptors --------------------------------------------------------------------------------------- */

PRINTER(vfprintf, fprintf, (FILE * stream, const char *format), (stream, format), SENDS_BY(io_descriptor_of(stream)),
        NOTHING)
PRINTER(__vfprintf_chk, __fprintf_chk, (FILE * stream, int flag, const char *format), (stream, flag, format),
        SENDS_BY(io_descriptor_of(stream)), NOTHING)
PRINTER(vdprintf, dprintf, (int fd, const char *format), (fd, format), SENDS_BY(fd), NOTHING)
PRINTER(__vdprintf_chk, __dprintf_chk, (int fd, int flag, const char *format), (fd, flag, format), SENDS_BY(fd),
        NOTHING)
PRINTER(vprintf, printf, (const char *format), (format), SENDS_BY(io_descriptor_of(stdout)), NOTHING)
PRINTER(__vprintf_chk, __printf_chk, (int flag, const char *format), (flag, format), SENDS_BY(io_descriptor_of(stdout)),
        NOTHING)

/* formatted.c: what printf() and its like read and write on the program's behalf.
 *
 *   snprintf(to, n, format, ...) --> vsnprintf's hook --> format and strings are read --> libc's vsnprintf() --> `to` is written
 *   fprintf(stream, ...)         --> the same; what the thread did is sent through the stream's descriptor
 *
 * format_notes.h has the model.
 */
#define __NO_INLINE__ 1
#include "preload/intercept/format_notes.h"

/* `length` characters and the end of the string, of which `room` are there. */
#define WRITTEN(to, length, room, caller)                                                                              \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (length) >= 0)                                                                  \
            format_notes_written(                                                                                      \
                (to), ((size_t)(length) < (room) ? (size_t)(length) + 1 : (size_t)(room)) * sizeof *(to), (caller));   \
    } while (0)

/* `before` and `after` may use `result`, the parameters and `caller`. */
#define PRINTER(name, variadic, parameters, arguments, before, after)                                                  \
    static int do_##name(FORMAT_UNPACK parameters, va_list list, struct caller caller)                                 \
    {                                                                                                                  \
        FORMAT_READS(format, list, caller);                                                                            \
        before;                                                                                                        \
        int result = real.name(FORMAT_UNPACK arguments, list);                                                         \
        after;                                                                                                         \
        return result;                                                                                                 \
    }                                                                                                                  \
    FORMAT_HOOKS(name, variadic, parameters, arguments)

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
        WRITTEN(to, result >= 0 ? 0 : -1, 1, caller))
PRINTER(__vasprintf_chk, __asprintf_chk, (char **to, int flag, const char *format), (to, flag, format), NOTHING,
        WRITTEN(to, result >= 0 ? 0 : -1, 1, caller))

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

/* ---- of wide characters ---------------------------------------------------------------------------------------------- */

PRINTER(vswprintf, swprintf, (wchar_t * to, size_t room, const wchar_t *format), (to, room, format), NOTHING,
        WRITTEN(to, result, room, caller))
PRINTER(__vswprintf_chk, __swprintf_chk, (wchar_t * to, size_t room, int flag, size_t limit, const wchar_t *format),
        (to, room, flag, limit, format), NOTHING, WRITTEN(to, result, room, caller))
PRINTER(vfwprintf, fwprintf, (FILE * stream, const wchar_t *format), (stream, format),
        SENDS_BY(io_descriptor_of(stream)), NOTHING)
PRINTER(__vfwprintf_chk, __fwprintf_chk, (FILE * stream, int flag, const wchar_t *format), (stream, flag, format),
        SENDS_BY(io_descriptor_of(stream)), NOTHING)
PRINTER(vwprintf, wprintf, (const wchar_t *format), (format), SENDS_BY(io_descriptor_of(stdout)), NOTHING)
PRINTER(__vwprintf_chk, __wprintf_chk, (int flag, const wchar_t *format), (flag, format),
        SENDS_BY(io_descriptor_of(stdout)), NOTHING)

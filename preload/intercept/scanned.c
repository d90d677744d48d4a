/* scanned.c: what scanf() and its like read and write on the program's behalf.
 *
 *   sscanf(text, format, ...) --> vsscanf's hook --> libc's vsscanf() --> text and format are read, what was converted is written
 *   fscanf(stream, ...)       --> the same; what was sent through the stream's descriptor is received
 *
 * format_notes.h has the model.  Each of the families that libc has (plain, C99, C23) goes to its own function with a va_list.
 */
#define __NO_INLINE__ 1
#include "preload/intercept/format_notes.h"

/* `text` is NULL for what is read from the descriptor `fd`. */
#define SCANNER(name, variadic, parameters, arguments, text, fd)                                                       \
    static int do_##name(FORMAT_UNPACK parameters, va_list list, struct caller caller)                                 \
    {                                                                                                                  \
        va_list again;                                                                                                 \
        va_copy(again, list);                                                                                          \
        if (hook_unlikely(weave_on) && (text) == NULL)                                                                 \
            io_uses((fd), caller);                                                                                     \
        int result = real.name(FORMAT_UNPACK arguments, list);                                                         \
        if (hook_unlikely(weave_on) && (text) == NULL)                                                                 \
            io_received((fd), NULL, 0, caller);                                                                        \
        FORMAT_CONVERTED((text), format, again, result, caller);                                                       \
        va_end(again);                                                                                                 \
        return result;                                                                                                 \
    }                                                                                                                  \
    FORMAT_HOOKS(name, variadic, parameters, arguments)

#define FROM_TEXT(type, name, variadic)                                                                                \
    SCANNER(name, variadic, (const type *text, const type *format), (text, format), text, -1)
#define FROM_STREAM(type, name, variadic)                                                                              \
    SCANNER(name, variadic, (FILE * stream, const type *format), (stream, format), (const type *)NULL,                 \
            io_descriptor_of(stream))
#define FROM_STANDARD(type, name, variadic)                                                                            \
    SCANNER(name, variadic, (const type *format), (format), (const type *)NULL, io_descriptor_of(stdin))

#define FAMILY(prefix)                                                                                                 \
    FROM_TEXT(char, prefix##vsscanf, prefix##sscanf)                                                                   \
    FROM_STREAM(char, prefix##vfscanf, prefix##fscanf)                                                                 \
    FROM_STANDARD(char, prefix##vscanf, prefix##scanf)                                                                 \
    FROM_TEXT(wchar_t, prefix##vswscanf, prefix##swscanf)                                                              \
    FROM_STREAM(wchar_t, prefix##vfwscanf, prefix##fwscanf)                                                            \
    FROM_STANDARD(wchar_t, prefix##vwscanf, prefix##wscanf)

FAMILY()
FAMILY(__isoc99_)
FAMILY(__isoc23_)

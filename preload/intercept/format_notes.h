/* format_notes.h: what a call with a format does to the program's memory, and the two hooks of each such function.
 *
 *   printf's kind --> FORMAT_READS(format, list) --> libc's --> format_notes_written(text, size)
 *   scanf's kind  --> libc's --> FORMAT_CONVERTED(text, format, list, how many)
 *
 * Model:     a variadic function is written in terms of the one that takes a va_list, which is how libc has it as well: results,
 *            errno and the checks of _FORTIFY_SOURCE are those of libc's own.
 * Invariant: while accesses are not checked a call costs what libc's own costs, and one load.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_NOTES_H
#define LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_NOTES_H

#include <stdarg.h>
#include <wchar.h>

#include "preload/intercept/io.h"

/* Before the call: the format is read, and what its arguments point to. */
void format_notes_output(const char *format, va_list list, struct caller caller);
void format_notes_output_wide(const wchar_t *format, va_list list, struct caller caller);
/* After it: `size` bytes were written. */
void format_notes_written(const void *text, size_t size, struct caller caller);
/* After the call, which has made `converted` conversions of `text` (NULL: of a stream). */
void format_notes_input(const char *text, const char *format, va_list list, int converted, struct caller caller);
void format_notes_input_wide(const wchar_t *text, const wchar_t *format, va_list list, int converted,
                             struct caller caller);

#define FORMAT_READS(format, list, caller)                                                                               \
    do {                                                                                                                 \
        if (hook_unlikely(weave_on))                                                                                     \
            _Generic((format), const char *: format_notes_output, const wchar_t *: format_notes_output_wide)(          \
                (format), (list), (caller)); \
    } while (0)

#define FORMAT_CONVERTED(text, format, list, converted, caller)                                                          \
    do {                                                                                                                 \
        if (hook_unlikely(weave_on))                                                                                     \
            _Generic((format), const char *: format_notes_input, const wchar_t *: format_notes_input_wide)(            \
                (text), (format), (list), (converted), (caller)); \
    } while (0)

/* The hooks of a function with a va_list and of its form with "...", where do_name(parameters, list, caller) is what both do.
 * The last parameter is `format`. */
#define FORMAT_UNPACK(...) __VA_ARGS__
#define FORMAT_HOOKS(name, variadic, parameters, arguments)                                                            \
    HOOK_EXPORT int hook_##name(FORMAT_UNPACK parameters, va_list list) __asm__(#name);                                \
    int hook_##name(FORMAT_UNPACK parameters, va_list list)                                                            \
    {                                                                                                                  \
        return do_##name(FORMAT_UNPACK arguments, list, CALLER());                                                     \
    }                                                                                                                  \
    HOOK_EXPORT int hook_##variadic(FORMAT_UNPACK parameters, ...) __asm__(#variadic);                                 \
    int hook_##variadic(FORMAT_UNPACK parameters, ...)                                                                 \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, format);                                                                                        \
        int result = do_##name(FORMAT_UNPACK arguments, list, CALLER());                                               \
        va_end(list);                                                                                                  \
        return result;                                                                                                 \
    }

#endif

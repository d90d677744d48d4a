/* format_walk.h: what the arguments of a printf or scanf format point to.
 *
 *   "%2$s: %1$d" + arguments --> directive by directive: the type of each argument --> all of them taken, in their order
 *       --> directive by directive once more --> visit("text", size, read)
 *   "%d %9s" + arguments, 2 were converted --> the same --> visit(&number, 4, written), visit(text, its length, written)
 *
 * Model:     in doubt the walk ends: at letters that are not libc's own, after the first ARGUMENTS_MOST arguments.
 * Invariant: an argument is taken by the type that libc takes it by; strings are looked at no further than libc looks.
 * Wide:      a wide format has the same directives; format_narrow() makes a copy that the walk can read.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_WALK_H
#define LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_WALK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct format_visitor {
    void (*visit)(void *ctx, const void *memory, size_t size, bool is_written);
    void *ctx;
};

/* Before the call.  `arguments` stay as they are, of both. */
void format_walk_output(const char *format, va_list arguments, const struct format_visitor *visitor);
/* After the call, which has made `converted` conversions. */
void format_walk_input(const char *format, va_list arguments, int converted, const struct format_visitor *visitor);

/* Longer formats are cut off.  Units: characters. */
enum { FORMAT_NARROW_MOST = 512 };
/* Copies the format; what is no character of a directive becomes another that is none. */
void format_narrow(char narrow[FORMAT_NARROW_MOST], const wchar_t *format);

#endif

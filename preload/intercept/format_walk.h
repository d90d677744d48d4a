/* format_walk.h: what the arguments of a printf or scanf format point to.
 *
 *   "%s: %*d" + arguments --> directive by directive --> visit("text", size, read)
 *   "%d %9s" + arguments, 2 were converted           --> visit(&number, 4, written), visit(text, its length, written)
 *
 * Model:     in doubt the walk ends: at arguments by position ("%1$s"), at letters that are not libc's own.
 * Invariant: an argument is taken by the type that libc takes it by; strings are looked at no further than libc looks.
 * Source:    POSIX.1-2017 fprintf, fscanf; the glibc manual, 12.12 and 12.14.
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

/* Before the call; uses up `arguments`. */
void format_walk_output(const char *format, va_list arguments, const struct format_visitor *visitor);
/* After the call, which has made `converted` conversions. */
void format_walk_input(const char *format, va_list arguments, int converted, const struct format_visitor *visitor);

#endif

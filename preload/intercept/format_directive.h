/* format_directive.h: one conversion of a printf or scanf format, read and given the types of its arguments.
 *
 *   "%-*.3ls" --directive_read_output()--> width by argument, precision 3, long, 's' --directive_types()--> pointer
 *   "%2$9[a-z]" --directive_read_input()--> argument 2, width 9, '['
 *
 * Source:    POSIX.1-2017 fprintf, fscanf; the glibc manual, 12.12 and 12.14.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_DIRECTIVE_H
#define LOCKHOUND_PRELOAD_INTERCEPT_FORMAT_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>

enum length { LENGTH_NONE, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

/* By what type an argument is taken; eight bytes are LONG_LONG. */
enum argument_type {
    ARGUMENT_NONE,
    ARGUMENT_INT,
    ARGUMENT_LONG_LONG,
    ARGUMENT_DOUBLE,
    ARGUMENT_LONG_DOUBLE,
    ARGUMENT_POINTER
};

struct directive {
    bool has_width, has_precision;
    bool width_is_argument, precision_is_argument;
    bool is_suppressed, is_allocated; /* "*" and "m" of input */
    int width, precision;
    int place, width_place, precision_place; /* of the arguments, from 1; 0: the next */
    enum length length;                      /* all of l, ll, q, j, z and t are LENGTH_LONG: eight bytes */
    char conversion;
};

/* *at stands behind the "%", and afterwards behind the conversion.  Returns: false when it cannot be told. */
bool directive_read_output(const char **at, struct directive *d);
bool directive_read_input(const char **at, struct directive *d);

/* Sets *type to that of the value that is converted; ARGUMENT_NONE: there is none.  Returns: false for a letter that is none of
 * libc's own. */
bool directive_output_type(const struct directive *d, enum argument_type *type);

size_t directive_size_of_integer(enum length length);
/* Of a string, or of characters.  Wide ones stand in the program's memory; the text may be of either. */
bool directive_is_wide(const struct directive *d);

#endif

#include "preload/intercept/format_directive.h"

#include "preload/real.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns: false for a number that is no number of characters. */
static bool read_number(const char **at, int *number)
{
    enum { NUMBER_MAX = 1 << 24 };
    *number = 0;
    for (; is_digit(**at); (*at)++) {
        if (*number > NUMBER_MAX)
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

/* "2$".  *place stays 0, and *at where it is, when there is no such thing. */
static void read_place(const char **at, int *place)
{
    const char *behind = *at;
    int number;
    if (read_number(&behind, &number) && number > 0 && *behind == '$') {
        *place = number;
        *at = behind + 1;
    }
}

/* Of output: a number, or an argument that says it. */
static bool read_size(const char **at, bool *is_argument, int *size, int *place)
{
    *is_argument = **at == '*';
    if (!*is_argument)
        return read_number(at, size);
    (*at)++;
    read_place(at, place);
    return !is_digit(**at);
}

static void read_length(const char **at, struct directive *d)
{
    switch (**at) {
    case 'h':
        (*at)++;
        d->length = **at == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        *at += **at == 'h';
        break;
    case 'l':
        (*at)++;
        d->length = LENGTH_LONG;
        *at += **at == 'l';
        break;
    case 'q':
    case 'j':
    case 'z':
    case 'Z':
    case 't':
        (*at)++;
        d->length = LENGTH_LONG;
        break;
    case 'L':
        (*at)++;
        d->length = LENGTH_LONG_DOUBLE;
        break;
    default:
        d->length = LENGTH_NONE;
    }
}

bool directive_read_output(const char **at, struct directive *d)
{
    *d = (struct directive){0};
    read_place(at, &d->place);
    while (**at != '\0' && real.strchr("-+ #0'I", **at) != NULL)
        (*at)++;
    if (!read_size(at, &d->width_is_argument, &d->width, &d->width_place))
        return false;
    d->has_precision = **at == '.';
    *at += d->has_precision;
    if (d->has_precision && !read_size(at, &d->precision_is_argument, &d->precision, &d->precision_place))
        return false;
    read_length(at, d);
    d->conversion = *(*at)++;
    return d->conversion != '\0';
}

/* *at stands behind the "["; leaves it behind the "]".  Returns: false when there is none. */
static bool skip_set(const char **at)
{
    *at += **at == '^';
    *at += **at == ']';
    while (**at != '\0' && **at != ']')
        (*at)++;
    bool ends = **at == ']';
    *at += ends;
    return ends;
}

bool directive_read_input(const char **at, struct directive *d)
{
    *d = (struct directive){0};
    read_place(at, &d->place);
    while (**at == '*' || **at == '\'' || **at == 'I') {
        d->is_suppressed |= **at == '*';
        (*at)++;
    }
    d->has_width = is_digit(**at);
    if (!read_number(at, &d->width))
        return false;
    d->is_allocated = **at == 'm';
    *at += d->is_allocated;
    read_length(at, d);
    d->conversion = *(*at)++;
    /* "%as" was once what "%ms" is now. */
    if (d->conversion == '\0' || (d->conversion == 'a' && (**at == 's' || **at == 'S' || **at == '[')))
        return false;
    return d->conversion != '[' || skip_set(at);
}

size_t directive_size_of_integer(enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return sizeof(char);
    case LENGTH_SHORT:
        return sizeof(short);
    case LENGTH_LONG:
    case LENGTH_LONG_DOUBLE:
        return sizeof(long long);
    case LENGTH_NONE:
        break;
    }
    return sizeof(int);
}

bool directive_is_wide(const struct directive *d)
{
    return d->length == LENGTH_LONG || d->conversion == 'S' || d->conversion == 'C';
}

bool directive_output_type(const struct directive *d, enum argument_type *type)
{
    switch (d->conversion) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        *type = directive_size_of_integer(d->length) == sizeof(long long) ? ARGUMENT_LONG_LONG : ARGUMENT_INT;
        return true;
    case 'c':
    case 'C':
        *type = ARGUMENT_INT;
        return true;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        *type = d->length == LENGTH_LONG_DOUBLE ? ARGUMENT_LONG_DOUBLE : ARGUMENT_DOUBLE;
        return true;
    case 's':
    case 'S':
    case 'p':
    case 'n':
        *type = ARGUMENT_POINTER;
        return true;
    case 'm':
    case '%':
        *type = ARGUMENT_NONE;
        return true;
    default:
        return false;
    }
}

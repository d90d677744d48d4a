#include "preload/intercept/format_walk.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "preload/real.h"

enum length { LENGTH_NONE, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

struct directive {
    bool has_width, has_precision;
    bool width_is_argument, precision_is_argument;
    bool is_suppressed, is_allocated; /* "*" and "m" of input */
    int width, precision;
    enum length length; /* all of l, ll, q, j, z and t are LENGTH_LONG: eight bytes */
    char conversion;
};

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
    return **at != '$';
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

/* *at stands behind the "%".  Returns: false when it cannot be told. */
static bool read_output(const char **at, struct directive *d)
{
    *d = (struct directive){0};
    while (**at != '\0' && real.strchr("-+ #0'I", **at) != NULL)
        (*at)++;
    if (**at == '*') {
        d->width_is_argument = true;
        (*at)++;
        if (is_digit(**at))
            return false;
    } else if (!read_number(at, &d->width)) {
        return false;
    }
    if (**at == '.') {
        (*at)++;
        d->has_precision = true;
        d->precision_is_argument = **at == '*';
        *at += d->precision_is_argument;
        if (d->precision_is_argument ? is_digit(**at) : !read_number(at, &d->precision))
            return false;
    }
    read_length(at, d);
    d->conversion = *(*at)++;
    return true;
}

static void visit(const struct format_visitor *visitor, const void *memory, size_t size, bool is_written)
{
    if (memory != NULL && size != 0)
        visitor->visit(visitor->ctx, memory, size, is_written);
}

/* Of wide characters precision counts the bytes that they become: what is read then is not told. */
static void visit_string(const struct directive *d, const void *string, bool is_wide,
                         const struct format_visitor *visitor)
{
    if (string == NULL)
        return;
    if (is_wide) {
        if (!d->has_precision)
            visit(visitor, string, (real.wcslen(string) + 1) * sizeof(wchar_t), false);
        return;
    }
    size_t most = d->has_precision ? (size_t)d->precision : SIZE_MAX;
    size_t length = real.strnlen(string, most);
    visit(visitor, string, length < most ? length + 1 : length, false);
}

static size_t size_of_integer(enum length length)
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

/* One by reference, for a va_list of a parameter is a pointer already and of a variable an array. */
struct arguments {
    va_list list;
};

static void skip_int(struct arguments *arguments)
{
    (void)va_arg(arguments->list, int);
}

static void skip_long_long(struct arguments *arguments)
{
    (void)va_arg(arguments->list, long long);
}

static void skip_double(struct arguments *arguments)
{
    (void)va_arg(arguments->list, double);
}

static void skip_long_double(struct arguments *arguments)
{
    (void)va_arg(arguments->list, long double);
}

/* Returns: false when the letter is none of libc's own. */
static bool take_output(const struct directive *d, struct arguments *arguments, const struct format_visitor *visitor)
{
    switch (d->conversion) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        if (size_of_integer(d->length) == sizeof(long long))
            skip_long_long(arguments);
        else
            skip_int(arguments);
        return true;
    case 'c':
    case 'C':
        (void)va_arg(arguments->list, int);
        return true;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        if (d->length == LENGTH_LONG_DOUBLE)
            skip_long_double(arguments);
        else
            skip_double(arguments);
        return true;
    case 's':
    case 'S':
        visit_string(d, va_arg(arguments->list, const void *), d->conversion == 'S' || d->length == LENGTH_LONG,
                     visitor);
        return true;
    case 'p':
        (void)va_arg(arguments->list, void *);
        return true;
    case 'n':
        visit(visitor, va_arg(arguments->list, void *), size_of_integer(d->length), true);
        return true;
    case 'm':
    case '%':
        return true;
    default:
        return false;
    }
}

void format_walk_output(const char *format, va_list list, const struct format_visitor *visitor)
{
    struct arguments arguments;
    struct directive d;
    va_copy(arguments.list, list);
    for (const char *at = format; *at != '\0';) {
        if (*at++ != '%')
            continue;
        if (!read_output(&at, &d))
            break;
        if (d.width_is_argument)
            (void)va_arg(arguments.list, int);
        if (d.precision_is_argument) {
            d.precision = va_arg(arguments.list, int);
            d.has_precision = d.precision >= 0;
        }
        if (!take_output(&d, &arguments, visitor))
            break;
    }
    va_end(arguments.list);
}

/* ---- input --------------------------------------------------------------------------------------------------------- */

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

static bool read_input(const char **at, struct directive *d)
{
    *d = (struct directive){0};
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
    if (d->conversion == 'a' && (**at == 's' || **at == 'S' || **at == '['))
        return false;
    return d->conversion != '[' || skip_set(at);
}

static bool is_string(const struct directive *d)
{
    return d->conversion == 's' || d->conversion == 'S' || d->conversion == '[';
}

static size_t size_of_text(const struct directive *d, const void *text)
{
    bool is_wide = d->length == LENGTH_LONG || d->conversion == 'S' || d->conversion == 'C';
    size_t count = d->has_width ? (size_t)d->width : 1;
    if (is_string(d))
        count = (is_wide ? real.wcslen(text) : real.strlen(text)) + 1;
    return is_wide ? count * sizeof(wchar_t) : count;
}

/* Returns: the bytes that the conversion has written at `to`; 0 for a letter that is none of libc's own. */
static size_t size_converted(const struct directive *d, const void *to)
{
    if (d->is_allocated)
        return sizeof(void *);
    switch (d->conversion) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
    case 'n':
        return size_of_integer(d->length);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        return d->length == LENGTH_LONG_DOUBLE ? sizeof(long double)
               : d->length == LENGTH_LONG      ? sizeof(double)
                                               : sizeof(float);
    case 's':
    case 'S':
    case '[':
    case 'c':
    case 'C':
        return size_of_text(d, to);
    case 'p':
        return sizeof(void *);
    default:
        return 0;
    }
}

void format_walk_input(const char *format, va_list list, int converted, const struct format_visitor *visitor)
{
    struct arguments arguments;
    struct directive d;
    va_copy(arguments.list, list);
    for (const char *at = format; *at != '\0' && converted > 0;) {
        if (*at++ != '%')
            continue;
        if (!read_input(&at, &d))
            break;
        if (d.conversion == '%' || d.is_suppressed)
            continue;
        const void *to = va_arg(arguments.list, const void *);
        size_t size = to == NULL ? 0 : size_converted(&d, to);
        if (size == 0)
            break;
        visit(visitor, to, size, true);
        converted -= d.conversion != 'n';
    }
    va_end(arguments.list);
}

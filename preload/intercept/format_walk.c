#include "preload/intercept/format_walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "preload/intercept/format_directive.h"
#include "preload/real.h"

enum { ARGUMENTS_MOST = 48 };

union argument {
    int number;
    const void *pointer;
};

struct walk {
    enum argument_type types[ARGUMENTS_MOST + 1]; /* by place, from 1 */
    union argument arguments[ARGUMENTS_MOST + 1];
    int next;      /* place of the next argument that is not called by its own */
    int converted; /* conversions that are still to come to what the call returned */
    bool has_gap;  /* behind the last of them stands what need not have matched */
    const struct format_visitor *visitor;
};

/* ---- which arguments there are --------------------------------------------------------------------------------------- */

/* *place: 0 becomes the next.  Returns: false when the place is out of range, or taken by another type. */
static bool claim(struct walk *walk, int *place, enum argument_type type)
{
    if (*place == 0)
        *place = ++walk->next;
    if (*place > ARGUMENTS_MOST || (walk->types[*place] != ARGUMENT_NONE && walk->types[*place] != type))
        return false;
    walk->types[*place] = type;
    return true;
}

static bool claim_output(struct walk *walk, struct directive *d)
{
    enum argument_type type;
    return (!d->width_is_argument || claim(walk, &d->width_place, ARGUMENT_INT)) &&
           (!d->precision_is_argument || claim(walk, &d->precision_place, ARGUMENT_INT)) &&
           directive_output_type(d, &type) && (type == ARGUMENT_NONE || claim(walk, &d->place, type));
}

static bool claim_input(struct walk *walk, struct directive *d)
{
    return d->conversion == '%' || d->is_suppressed || claim(walk, &d->place, ARGUMENT_POINTER);
}

struct list {
    va_list rest;
};

static void pass_long_long(struct list *list)
{
    (void)va_arg(list->rest, long long);
}

static void pass_double(struct list *list)
{
    (void)va_arg(list->rest, double);
}

static void pass_long_double(struct list *list)
{
    (void)va_arg(list->rest, long double);
}

/* Where a type is not known, what comes behind cannot be found. */
static void fetch(struct walk *walk, va_list given)
{
    struct list list;
    va_copy(list.rest, given);
    for (int i = 1; i <= ARGUMENTS_MOST && walk->types[i] != ARGUMENT_NONE; i++) {
        switch (walk->types[i]) {
        case ARGUMENT_INT:
            walk->arguments[i].number = va_arg(list.rest, int);
            break;
        case ARGUMENT_LONG_LONG:
            pass_long_long(&list);
            break;
        case ARGUMENT_DOUBLE:
            pass_double(&list);
            break;
        case ARGUMENT_LONG_DOUBLE:
            pass_long_double(&list);
            break;
        case ARGUMENT_POINTER:
            walk->arguments[i].pointer = va_arg(list.rest, const void *);
            break;
        case ARGUMENT_NONE:
            break;
        }
    }
    va_end(list.rest);
}

/* ---- what they point to ------------------------------------------------------------------------------------------------ */

static void visit(const struct walk *walk, const void *memory, size_t size, bool is_written)
{
    if (memory != NULL && size != 0)
        walk->visitor->visit(walk->visitor->ctx, memory, size, is_written);
}

/* Units: bytes of a character in text of several bytes a character, which is taken for UTF-8. */
static size_t size_in_text(wchar_t c)
{
    return MB_CUR_MAX == 1 || c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Precision counts the bytes that they become. */
static size_t wide_extent(const wchar_t *string, size_t most)
{
    size_t count = 0, left = most;
    for (; left > 0 && string[count] != L'\0' && size_in_text(string[count]) <= left; count++)
        left -= size_in_text(string[count]);
    bool sees_end = left > 0 && string[count] == L'\0';
    return (count + sees_end) * sizeof *string;
}

static void visit_string(const struct walk *walk, const struct directive *d, const void *string)
{
    size_t most = d->has_precision ? (size_t)d->precision : SIZE_MAX;
    if (string == NULL)
        return;
    if (directive_is_wide(d)) {
        visit(walk, string, d->has_precision ? wide_extent(string, most) : (real.wcslen(string) + 1) * sizeof(wchar_t),
              false);
        return;
    }
    size_t length = real.strnlen(string, most);
    visit(walk, string, length < most ? length + 1 : length, false);
}

static bool see_output(struct walk *walk, struct directive *d)
{
    if (!claim_output(walk, d))
        return false;
    if (d->precision_is_argument) {
        d->precision = walk->arguments[d->precision_place].number;
        d->has_precision = d->precision >= 0;
    }
    if (d->conversion == 's' || d->conversion == 'S')
        visit_string(walk, d, walk->arguments[d->place].pointer);
    else if (d->conversion == 'n')
        visit(walk, walk->arguments[d->place].pointer, directive_size_of_integer(d->length), true);
    return true;
}

static size_t size_of_text(const struct directive *d, const void *text)
{
    bool is_string = d->conversion == 's' || d->conversion == 'S' || d->conversion == '[';
    bool is_wide = directive_is_wide(d);
    size_t count = d->has_width ? (size_t)d->width : 1;
    if (is_string)
        count = (is_wide ? real.wcslen(text) : real.strlen(text)) + 1;
    return is_wide ? count * sizeof(wchar_t) : count;
}

/* Returns: the bytes that the conversion has written at `to`; 0 for a letter that is none of libc's own. */
static size_t size_converted(const struct directive *d, const void *to)
{
    enum argument_type type;
    if (d->is_allocated)
        return sizeof(void *);
    switch (d->conversion) {
    case 's':
    case 'S':
    case '[':
    case 'c':
    case 'C':
        return size_of_text(d, to);
    case 'p':
        return sizeof(void *);
    case 'n':
        return directive_size_of_integer(d->length);
    default:
        break;
    }
    if (!directive_output_type(d, &type) || type == ARGUMENT_NONE)
        return 0;
    if (type == ARGUMENT_INT || type == ARGUMENT_LONG_LONG)
        return directive_size_of_integer(d->length);
    return type == ARGUMENT_LONG_DOUBLE ? sizeof(long double)
           : d->length == LENGTH_LONG   ? sizeof(double)
                                        : sizeof(float);
}

static bool see_input(struct walk *walk, struct directive *d)
{
    bool is_next =
        walk->converted == 0 && d->conversion == 'n' && !walk->has_gap; /* which no input can keep from being done */
    if (!claim_input(walk, d) || (walk->converted <= 0 && !is_next))
        return false;
    if (d->conversion == '%' || d->is_suppressed)
        return true;
    const void *to = walk->arguments[d->place].pointer;
    size_t size = to == NULL ? 0 : size_converted(d, to);
    visit(walk, to, size, true);
    walk->converted -= d->conversion != 'n';
    return size != 0;
}

/* ---- the walks ----------------------------------------------------------------------------------------------------------- */

typedef bool read_directive(const char **at, struct directive *d);
typedef bool meet_directive(struct walk *walk, struct directive *d);

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void each(struct walk *walk, const char *format, read_directive *read, meet_directive *meet)
{
    struct directive d;
    walk->next = 0;
    walk->has_gap = false;
    for (const char *at = format; *at != '\0';) {
        walk->has_gap = walk->has_gap || (walk->converted == 0 && *at != '%' && !is_white(*at));
        if (*at++ == '%' && (!read(&at, &d) || !meet(walk, &d)))
            return;
    }
}

void format_walk_output(const char *format, va_list list, const struct format_visitor *visitor)
{
    struct walk walk = {.visitor = visitor};
    each(&walk, format, directive_read_output, claim_output);
    fetch(&walk, list);
    each(&walk, format, directive_read_output, see_output);
}

void format_walk_input(const char *format, va_list list, int converted, const struct format_visitor *visitor)
{
    struct walk walk = {.visitor = visitor, .converted = converted};
    each(&walk, format, directive_read_input, claim_input);
    fetch(&walk, list);
    each(&walk, format, directive_read_input, see_input);
}

void format_narrow(char narrow[FORMAT_NARROW_MOST], const wchar_t *format)
{
    size_t i = 0;
    for (; i + 1 < FORMAT_NARROW_MOST && format[i] != L'\0'; i++)
        narrow[i] = format[i] > 0 && format[i] < 0x80 ? (char)format[i] : '~';
    narrow[i] = '\0';
}

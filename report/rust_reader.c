#include "report/rust_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/punycode.h"
#include "report/rust_name.h"

/* Of nested paths, types and references; and of all that are read, for what is read silently does not make the name longer. */
enum { DEEPEST = 200, MOST_STEPS = 1 << 16 };

/* ---- letters and numbers -------------------------------------------------------------------------------------------- */

char rust_peek(const struct rust_reader *r)
{
    return r->at < r->length && !r->is_bad ? r->text[r->at] : '\0';
}

bool rust_eat(struct rust_reader *r, char c)
{
    bool is_there = c != '\0' && rust_peek(r) == c;
    r->at += is_there;
    return is_there;
}

char rust_next(struct rust_reader *r)
{
    char c = rust_peek(r);
    if (c == '\0')
        r->is_bad = true;
    else
        r->at++;
    return c;
}

void rust_print_bytes(struct rust_reader *r, const char *bytes, size_t length)
{
    if (r->is_bad || r->silent > 0)
        return;
    if (length > RUST_NAME_LONGEST - r->out->length)
        r->is_bad = true;
    else
        buffer_add(r->out, bytes, length);
}

void rust_print(struct rust_reader *r, const char *text)
{
    rust_print_bytes(r, text, strlen(text));
}

void rust_print_number(struct rust_reader *r, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    rust_print(r, digits);
}

/* Adds a digit to a number of this base; one that grows too large is bad. */
static void add_digit(struct rust_reader *r, uint64_t *number, uint64_t base, uint64_t digit)
{
    if (*number > (UINT64_MAX - digit) / base)
        r->is_bad = true;
    else
        *number = *number * base + digit;
}

static uint64_t read_decimal(struct rust_reader *r)
{
    uint64_t number = 0;
    if (!rust_is_digit(rust_peek(r)))
        r->is_bad = true;
    if (rust_eat(r, '0'))
        return 0;
    while (rust_is_digit(rust_peek(r)))
        add_digit(r, &number, 10, (uint64_t)(rust_next(r) - '0'));
    return number;
}

uint64_t rust_read_base_62(struct rust_reader *r)
{
    uint64_t number = 0;
    if (rust_eat(r, '_'))
        return 0;
    while (!r->is_bad && !rust_eat(r, '_')) {
        char c = rust_next(r);
        if (rust_is_digit(c))
            add_digit(r, &number, 62, (uint64_t)(c - '0'));
        else if (c >= 'a' && c <= 'z')
            add_digit(r, &number, 62, (uint64_t)(c - 'a') + 10);
        else if (c >= 'A' && c <= 'Z')
            add_digit(r, &number, 62, (uint64_t)(c - 'A') + 36);
        else
            r->is_bad = true;
    }
    if (number == UINT64_MAX)
        r->is_bad = true;
    return r->is_bad ? 0 : number + 1;
}

uint64_t rust_read_tagged(struct rust_reader *r, char tag)
{
    if (!rust_eat(r, tag))
        return 0;
    uint64_t number = rust_read_base_62(r);
    if (number == UINT64_MAX)
        r->is_bad = true;
    return r->is_bad ? 0 : number + 1;
}

/* ---- identifiers ---------------------------------------------------------------------------------------------------- */

struct rust_identifier rust_read_identifier(struct rust_reader *r)
{
    struct rust_identifier identifier = {.is_punycode = rust_eat(r, 'u')};
    uint64_t length = read_decimal(r);
    (void)rust_eat(r, '_'); /* between the length and a name that begins with a digit or with this */
    if (r->is_bad || length > r->length - r->at) {
        r->is_bad = true;
        return (struct rust_identifier){.bytes = ""};
    }
    identifier.bytes = r->text + r->at;
    identifier.length = (size_t)length;
    r->at += (size_t)length;
    return identifier;
}

void rust_print_identifier(struct rust_reader *r, struct rust_identifier identifier)
{
    struct buffer name = {0};
    if (!identifier.is_punycode)
        rust_print_bytes(r, identifier.bytes, identifier.length);
    else if (!punycode_decode(identifier.bytes, identifier.length, &name))
        r->is_bad = true;
    else
        rust_print_bytes(r, name.data, name.length);
    buffer_free(&name);
}

/* ---- nesting -------------------------------------------------------------------------------------------------------- */

bool rust_enter(struct rust_reader *r)
{
    r->depth++;
    if (r->depth > DEEPEST || ++r->steps > MOST_STEPS)
        r->is_bad = true;
    return !r->is_bad;
}

void rust_leave(struct rust_reader *r)
{
    r->depth--;
}

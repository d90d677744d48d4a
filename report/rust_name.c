#include "report/rust_name.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "report/punycode.h"
#include "report/rust_reader.h"

static void skip_disambiguator(struct rust_reader *r)
{
    (void)rust_read_tagged(r, 's');
}

/* A reference to what began at an earlier place: reads it again with `read`.  Returns: what that does. */
static bool follow_reference(struct rust_reader *r, bool (*read)(struct rust_reader *r, bool is_value), bool is_value)
{
    size_t place = r->at; /* behind the tag */
    uint64_t target = rust_read_base_62(r);
    bool result = false;
    if (r->is_bad || target >= place - 1) {
        r->is_bad = true;
        return false;
    }
    size_t back = r->at;
    r->at = (size_t)target;
    /* What is not printed was read when it stood there first. */
    if (r->silent == 0)
        result = read(r, is_value);
    r->at = back;
    return result;
}

static bool read_path(struct rust_reader *r, bool is_value);
static bool read_type(struct rust_reader *r, bool is_value);
static bool read_constant(struct rust_reader *r, bool is_value);
static bool read_open_path(struct rust_reader *r, bool is_value);

/* Reads items up to 'E', with `between` printed between them.  Returns: how many. */
static unsigned read_list(struct rust_reader *r, bool (*read)(struct rust_reader *r, bool is_value),
                          const char *between)
{
    unsigned count = 0;
    while (!r->is_bad && !rust_eat(r, 'E')) {
        if (count++ > 0)
            rust_print(r, between);
        (void)read(r, false);
    }
    return count;
}

/* ---- lifetimes ------------------------------------------------------------------------------------------------------ */

static void print_lifetime(struct rust_reader *r, uint64_t index)
{
    uint64_t depth = r->lifetimes - index;
    if (index > r->lifetimes) {
        r->is_bad = true;
    } else if (index == 0) {
        rust_print(r, "'_");
    } else if (depth < 26) {
        const char name[] = {'\'', (char)('a' + (char)depth), '\0'};
        rust_print(r, name);
    } else {
        rust_print(r, "'_");
        rust_print_number(r, depth);
    }
}

/* Reads what binds lifetimes, if it stands here.  Returns: how many; they hold until the caller takes them off. */
static uint64_t read_binder(struct rust_reader *r)
{
    uint64_t bound = rust_read_tagged(r, 'G');
    if (bound > r->length) /* more than the rest could use */
        r->is_bad = true;
    if (bound == 0 || r->is_bad)
        return 0;
    rust_print(r, "for<");
    for (uint64_t i = 0; i < bound; i++) {
        if (i > 0)
            rust_print(r, ", ");
        r->lifetimes++;
        print_lifetime(r, 1);
    }
    rust_print(r, "> ");
    return bound;
}

/* ---- paths ---------------------------------------------------------------------------------------------------------- */

static bool read_generic_argument(struct rust_reader *r, bool is_value)
{
    if (rust_eat(r, 'L')) {
        print_lifetime(r, rust_read_base_62(r));
        return false;
    }
    return rust_eat(r, 'K') ? read_constant(r, false) : read_type(r, is_value);
}

/* "{closure#2}", "{shim:vtable#0}": what has no name in the source, or not only one. */
static void print_special(struct rust_reader *r, char space, struct rust_identifier name, uint64_t number)
{
    const char letter[] = {space, '\0'};
    rust_print(r, "::{");
    rust_print(r, space == 'C' ? "closure" : space == 'S' ? "shim" : letter);
    if (name.length > 0) {
        rust_print(r, ":");
        rust_print_identifier(r, name);
    }
    rust_print(r, "#");
    rust_print_number(r, number);
    rust_print(r, "}");
}

static void read_nested(struct rust_reader *r, bool is_value)
{
    char space = rust_next(r);
    (void)read_path(r, is_value);
    uint64_t number = rust_read_tagged(r, 's');
    struct rust_identifier name = rust_read_identifier(r);
    if (space >= 'A' && space <= 'Z') {
        print_special(r, space, name, number);
    } else if (space < 'a' || space > 'z') {
        r->is_bad = true;
    } else if (name.length > 0) {
        rust_print(r, "::");
        rust_print_identifier(r, name);
    }
}

/* <Type as Trait>, or <Type>; in some forms the place of the `impl` stands first. */
static void read_implementation(struct rust_reader *r, bool has_place, bool has_trait)
{
    if (has_place) {
        skip_disambiguator(r);
        r->silent++;
        (void)read_path(r, false);
        r->silent--;
    }
    rust_print(r, "<");
    (void)read_type(r, false);
    if (has_trait) {
        rust_print(r, " as ");
        (void)read_path(r, false);
    }
    rust_print(r, ">");
}

/* Returns: true when arguments were begun and the '>' is left to the caller. */
static bool read_open_generics(struct rust_reader *r, bool is_value)
{
    (void)read_path(r, is_value);
    rust_print(r, is_value ? "::<" : "<");
    (void)read_list(r, read_generic_argument, ", ");
    return true;
}

/* Reads a path that is no reference and has no arguments. */
static void read_bare_path(struct rust_reader *r, bool is_value)
{
    switch (rust_next(r)) {
    case 'C':
        skip_disambiguator(r);
        rust_print_identifier(r, rust_read_identifier(r));
        break;
    case 'N':
        read_nested(r, is_value);
        break;
    case 'M':
        read_implementation(r, true, false);
        break;
    case 'X':
        read_implementation(r, true, true);
        break;
    case 'Y':
        read_implementation(r, false, true);
        break;
    default:
        r->is_bad = true;
    }
}

/* Returns: true when it ends in arguments whose '>' is left to the caller. */
static bool read_open_path(struct rust_reader *r, bool is_value)
{
    bool is_open = false;
    if (rust_enter(r)) {
        if (rust_eat(r, 'B'))
            is_open = follow_reference(r, read_open_path, is_value);
        else if (rust_eat(r, 'I'))
            is_open = read_open_generics(r, is_value);
        else
            read_bare_path(r, is_value);
    }
    rust_leave(r);
    return is_open;
}

static bool read_path(struct rust_reader *r, bool is_value)
{
    if (read_open_path(r, is_value))
        rust_print(r, ">");
    return false;
}

/* ---- types ---------------------------------------------------------------------------------------------------------- */

static const char *basic_type(char tag)
{
    static const char *const names[26] = {"i8",    "bool", "char", "f64", "str",  "f32",  NULL,  "u8", "isize",
                                          "usize", NULL,   "i32",  "u32", "i128", "u128", "_",   NULL, NULL,
                                          "i16",   "u16",  "()",   "...", NULL,   "i64",  "u64", "!"};
    return tag >= 'a' && tag <= 'z' ? names[tag - 'a'] : NULL;
}

static void read_reference_type(struct rust_reader *r, bool is_mutable)
{
    rust_print(r, "&");
    if (rust_eat(r, 'L')) {
        uint64_t lifetime = rust_read_base_62(r);
        if (lifetime != 0) {
            print_lifetime(r, lifetime);
            rust_print(r, " ");
        }
    }
    rust_print(r, is_mutable ? "mut " : "");
    (void)read_type(r, false);
}

/* "system_unwind" is the ABI "system-unwind". */
static void read_abi(struct rust_reader *r)
{
    if (rust_eat(r, 'C')) {
        rust_print(r, "extern \"C\" ");
        return;
    }
    struct rust_identifier abi = rust_read_identifier(r);
    rust_print(r, "extern \"");
    for (size_t i = 0; i < abi.length; i++)
        rust_print_bytes(r, abi.bytes[i] == '_' ? "-" : &abi.bytes[i], 1);
    rust_print(r, "\" ");
}

static void read_function_type(struct rust_reader *r)
{
    uint64_t bound = read_binder(r);
    rust_print(r, rust_eat(r, 'U') ? "unsafe " : "");
    if (rust_eat(r, 'K'))
        read_abi(r);
    rust_print(r, "fn(");
    (void)read_list(r, read_type, ", ");
    rust_print(r, ")");
    if (!rust_eat(r, 'u')) { /* it returns something */
        rust_print(r, " -> ");
        (void)read_type(r, false);
    }
    r->lifetimes -= bound;
}

/* A trait with what its associated types are: Iterator<Item = u8>. */
static bool read_object_trait(struct rust_reader *r, bool is_value)
{
    (void)is_value;
    bool is_open = read_open_path(r, false);
    while (rust_eat(r, 'p')) {
        rust_print(r, is_open ? ", " : "<");
        is_open = true;
        rust_print_identifier(r, rust_read_identifier(r));
        rust_print(r, " = ");
        (void)read_type(r, false);
    }
    rust_print(r, is_open ? ">" : "");
    return false;
}

static void read_object_type(struct rust_reader *r)
{
    rust_print(r, "dyn ");
    uint64_t bound = read_binder(r);
    (void)read_list(r, read_object_trait, " + ");
    r->lifetimes -= bound;
    if (!rust_eat(r, 'L')) {
        r->is_bad = true;
        return;
    }
    uint64_t lifetime = rust_read_base_62(r);
    if (lifetime != 0) {
        rust_print(r, " + ");
        print_lifetime(r, lifetime);
    }
}

static void read_sequence_type(struct rust_reader *r, bool has_length)
{
    rust_print(r, "[");
    (void)read_type(r, false);
    if (has_length) {
        rust_print(r, "; ");
        (void)read_constant(r, true);
    }
    rust_print(r, "]");
}

static void read_tuple_type(struct rust_reader *r)
{
    rust_print(r, "(");
    unsigned count = read_list(r, read_type, ", ");
    rust_print(r, count == 1 ? ",)" : ")");
}

static void read_pointer_type(struct rust_reader *r, const char *kind)
{
    rust_print(r, kind);
    (void)read_type(r, false);
}

static void read_other_type(struct rust_reader *r, char tag)
{
    switch (tag) {
    case 'R':
    case 'Q':
        read_reference_type(r, tag == 'Q');
        break;
    case 'P':
        read_pointer_type(r, "*const ");
        break;
    case 'O':
        read_pointer_type(r, "*mut ");
        break;
    case 'A':
    case 'S':
        read_sequence_type(r, tag == 'A');
        break;
    case 'T':
        read_tuple_type(r);
        break;
    case 'F':
        read_function_type(r);
        break;
    case 'D':
        read_object_type(r);
        break;
    case 'B':
        (void)follow_reference(r, read_type, false);
        break;
    default:
        r->at--; /* it is a path's */
        (void)read_path(r, false);
    }
}

static bool read_type(struct rust_reader *r, bool is_value)
{
    (void)is_value;
    if (rust_enter(r)) {
        char tag = rust_next(r);
        const char *basic = basic_type(tag);
        if (basic != NULL)
            rust_print(r, basic);
        else if (!r->is_bad)
            read_other_type(r, tag);
    }
    rust_leave(r);
    return false;
}

/* ---- constants ------------------------------------------------------------------------------------------------------ */

/* Returns: the digits of a number in hexadecimal, which '_' ends; *length without zeros in front. */
static const char *read_hexadecimal(struct rust_reader *r, size_t *length)
{
    while (rust_peek(r) == '0' && r->at + 1 < r->length && r->text[r->at + 1] != '_')
        r->at++;
    const char *digits = r->text + r->at;
    size_t begin = r->at;
    while (rust_is_digit(rust_peek(r)) || (rust_peek(r) >= 'a' && rust_peek(r) <= 'f'))
        r->at++;
    *length = r->at - begin;
    if (!rust_eat(r, '_'))
        r->is_bad = true;
    return digits;
}

static uint64_t value_of(const char *digits, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 4 | (uint64_t)(rust_is_digit(digits[i]) ? digits[i] - '0' : digits[i] - 'a' + 10);
    return value;
}

static void read_integer(struct rust_reader *r)
{
    size_t length;
    const char *digits = read_hexadecimal(r, &length);
    if (length <= 16) {
        rust_print_number(r, value_of(digits, length));
    } else {
        rust_print(r, "0x");
        rust_print_bytes(r, digits, length);
    }
}

/* A letter or a truth value.  Returns: 0 for what is too large to be one. */
static uint32_t read_small(struct rust_reader *r)
{
    size_t length;
    const char *digits = read_hexadecimal(r, &length);
    if (length > 8)
        r->is_bad = true;
    return r->is_bad ? 0 : (uint32_t)value_of(digits, length);
}

static void read_truth(struct rust_reader *r)
{
    uint32_t value = read_small(r);
    if (value > 1)
        r->is_bad = true;
    rust_print(r, value == 1 ? "true" : "false");
}

static void read_letter(struct rust_reader *r)
{
    struct buffer letter = {0};
    uint32_t value = read_small(r);
    if (value < ' ' || value == 0x7f || !punycode_add_letter(&letter, value)) {
        char code[24];
        snprintf(code, sizeof code, "\\u{%" PRIx32 "}", value);
        buffer_string(&letter, code);
    }
    rust_print(r, "'");
    rust_print(r, value == '\'' || value == '\\' ? "\\" : "");
    rust_print_bytes(r, letter.data, letter.length);
    rust_print(r, "'");
    buffer_free(&letter);
}

static void read_constant_of(struct rust_reader *r, char tag)
{
    if (tag == 'p')
        rust_print(r, "_");
    else if (tag == 'B')
        (void)follow_reference(r, read_constant, false);
    else if (tag == 'b')
        read_truth(r);
    else if (tag == 'c')
        read_letter(r);
    else if (tag != '\0' && strchr("htmyojaslxni", tag) != NULL) {
        rust_print(r, rust_eat(r, 'n') ? "-" : "");
        read_integer(r);
    } else
        r->is_bad = true;
}

static bool read_constant(struct rust_reader *r, bool is_value)
{
    (void)is_value;
    if (rust_enter(r))
        read_constant_of(r, rust_next(r));
    rust_leave(r);
    return false;
}

/* ---- all ------------------------------------------------------------------------------------------------------------ */

bool rust_name_read(const char *symbol, struct buffer *out)
{
    struct buffer name = {0};
    struct rust_reader r = {.out = &name};
    if (strncmp(symbol, "_R", 2) != 0 || symbol[2] < 'A' || symbol[2] > 'Z') /* a digit: of a later mangling */
        return false;
    r.text = symbol + 2;
    r.length = strlen(r.text);
    (void)read_path(&r, true);
    if (rust_peek(&r) != '\0') { /* the crate that made this instance of something generic */
        r.silent++;
        (void)read_path(&r, false);
        r.silent--;
    }
    bool is_name = !r.is_bad && r.at == r.length && name.length > 0;
    if (is_name)
        buffer_add(out, name.data, name.length);
    buffer_free(&name);
    return is_name;
}

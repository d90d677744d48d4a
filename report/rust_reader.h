/* rust_reader.h: the letters of a mangled Rust name, read from left to right, and what is printed on the way.
 *
 *   "3foo", "u8gdel_5qa", "s1_", "B4_" --> identifiers and numbers --> [out], unless it is silent or bad
 *
 * Model:     after what is bad everything reads as the end, and nothing is printed, so that only the last user looks at `is_bad`.
 * Invariant: depth and steps are bounded; so is what is printed.
 * Source:    RFC 2603; the grammar above the letters is rust_name.c's.
 */
#ifndef LOCKHOUND_REPORT_RUST_READER_H
#define LOCKHOUND_REPORT_RUST_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "report/memory.h"

struct rust_reader {
    const char *text; /* behind "_R": references count from here */
    size_t length, at;
    struct buffer *out;
    bool is_bad;     /* no name, or too much of one */
    unsigned silent; /* above 0: what is read is not printed */
    unsigned depth, steps;
    uint64_t lifetimes; /* bound by the binders around */
};

struct rust_identifier {
    const char *bytes;
    size_t length;
    bool is_punycode;
};

static inline bool rust_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns: the next letter, '\0' at the end. */
char rust_peek(const struct rust_reader *r);
/* Returns: true when `c` was next, and has been read. */
bool rust_eat(struct rust_reader *r, char c);
/* Reads the next letter; the end is bad. */
char rust_next(struct rust_reader *r);

void rust_print(struct rust_reader *r, const char *text);
void rust_print_bytes(struct rust_reader *r, const char *bytes, size_t length);
void rust_print_number(struct rust_reader *r, uint64_t number);

/* Reads a number: "_" is 0, "0_" is 1, and so on. */
uint64_t rust_read_base_62(struct rust_reader *r);
/* Returns: 0 where `tag` is not next, else one more than the number behind it. */
uint64_t rust_read_tagged(struct rust_reader *r, char tag);

struct rust_identifier rust_read_identifier(struct rust_reader *r);
void rust_print_identifier(struct rust_reader *r, struct rust_identifier identifier);

/* Begins something that holds other things; rust_leave() ends it.  Returns: false when it is bad by now. */
bool rust_enter(struct rust_reader *r);
void rust_leave(struct rust_reader *r);

#endif

/* punycode.h: names beyond ASCII, as linkers and Rust's mangling can bear them.
 *
 *   "gdel", "5qa" --> "gödel": the plain letters, then where among them which others stand
 *
 * Source: RFC 3492; Rust RFC 2603, which puts '_' in place of the '-' between the two parts.
 */
#ifndef LOCKHOUND_REPORT_PUNYCODE_H
#define LOCKHOUND_REPORT_PUNYCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/memory.h"

/* Units: letters */
enum { PUNYCODE_LONGEST = 128 };

/* Adds the name, in UTF-8, that text[0..length) stands for.  Returns: false, and adds nothing, when it stands for none, or for one
 * of more than PUNYCODE_LONGEST letters. */
bool punycode_decode(const char *text, size_t length, struct buffer *out);
/* Adds `letter` in UTF-8.  Returns: false when there is no such letter. */
bool punycode_add_letter(struct buffer *out, uint32_t letter);

#endif

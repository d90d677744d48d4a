/* rust_name.h: names of Rust made readable: those of the v0 mangling, which begin with _R.  (Older ones are C++'s in form.)
 *
 *   "_RNvMs_Cs4Cv8Wi1oAIB_6mycrateNtB4_4Bank8transfer" --> "<mycrate::Bank>::transfer"
 *
 * Model:    a symbol is a path of namespaces, types and generic arguments, in prefix notation, with references back to what it
 *           has said before.  It is read once, from left to right, and printed on the way, as rustc's own `{:#}`: without hashes
 *           of crates and types of constants.
 * Limits:   references back can make a short name long without bound: names of more than RUST_NAME_LONGEST bytes stay mangled.
 *           So do those with constants of other types than integers, bool and char, which stable Rust does not have.
 * Source:   RFC 2603, "Rust Symbol Name Mangling v0"; https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 * Test:     tests/unit/test_rust_name.c; tests/fuzz/fuzz_names.c
 */
#ifndef LOCKHOUND_REPORT_RUST_NAME_H
#define LOCKHOUND_REPORT_RUST_NAME_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "report/memory.h"

/* Units: bytes */
enum { RUST_NAME_LONGEST = 1 << 14 };

/* Adds the readable form of `symbol`, which has no suffix behind a dot any more.
 * Returns: false, and adds nothing, when it is not such a name. */
bool rust_name_read(const char *symbol, struct buffer *out);

#ifdef __cplusplus
}
#endif

#endif

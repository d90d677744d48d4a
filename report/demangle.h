/* demangle.h: names of C++ and Rust made readable.  demangle.cpp is the one C++ file: the C++ runtime's own demangler is the one
 * that never lags behind its compiler. */
#ifndef LOCKHOUND_REPORT_DEMANGLE_H
#define LOCKHOUND_REPORT_DEMANGLE_H

#ifdef __cplusplus
extern "C" {
#endif

#include "report/memory.h"

/* Returns: the readable form of `name`, or `name` without the compiler's suffixes (.isra.0) when it is not mangled. */
const char *demangle(struct pool *pool, const char *name);
/* Returns: `function` without its parameter list: "bank::transfer" of "bank::transfer(account&, int) const". */
const char *demangle_without_parameters(struct pool *pool, const char *function);

#ifdef __cplusplus
}
#endif

#endif

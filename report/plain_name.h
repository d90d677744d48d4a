/* plain_name.h: the name of a library's function as people call it: `std::vector::push_back`, whatever it is a vector of. */
#ifndef LOCKHOUND_REPORT_PLAIN_NAME_H
#define LOCKHOUND_REPORT_PLAIN_NAME_H

#include "report/memory.h"

/* Adds `name`, demangled and without parameters, without what its templates were made for, without the type that a template's
 * name begins with, and without namespaces of versions.  Names of Rust that begin with a type stay as they are. */
void plain_name_add(struct buffer *out, const char *name);

#endif

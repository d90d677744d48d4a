/* atomic_source.h: which lines of source call atomic operations by name, for those that leave nothing but a plain move:
 * __atomic_load_n() on an int, g_atomic_int_get(), READ_ONCE(), ...
 *
 *   FILE --read once--> a byte a line <--atomic_source_find(), atomic_source_line()
 *
 * Model:  a call counts by its name (atomic_names.h), or as that of a macro that stands for such (atomic_macros.h); it is
 *         relaxed when the line says so of each, and names no other order.  Comments and strings do not count.  A line of code
 *         behind OpenMP's atomic directive is one.
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_SOURCE_H
#define LOCKHOUND_WEAVER_ATOMIC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weaver/atomic_headers.h"

enum source_line { SOURCE_UNREAD, SOURCE_PLAIN, SOURCE_ATOMIC, SOURCE_RELAXED };

struct atomic_source {
    char *path;
    uint8_t *lines; /* enum source_line; lines[0] is not used; NULL: the file cannot be read */
    size_t line_count;
    bool calls_fences;
    bool is_plain; /* it was read, and no line of it calls an atomic operation */
};

struct atomic_sources {
    struct atomic_source *sources; /* by the hash of their paths, open addressing */
    size_t count, capacity;        /* a power of two */
    struct atomic_headers headers; /* of the units read so far */
    size_t headers_seen;           /* by atomic_sources_are_plain() */
    bool have_atomics;
};

/* Returns: the file, read at its first use, until another one is looked for; NULL without memory. */
const struct atomic_source *atomic_source_find(struct atomic_sources *sources, const char *path);
/* Returns: whether no file that the units read so far are made of or include, as far as those are found, calls an atomic operation. */
bool atomic_sources_are_plain(struct atomic_sources *sources);
/* Returns: what the line says; SOURCE_UNREAD of a file that cannot be read. */
enum source_line atomic_source_line(const struct atomic_source *source, int line);
/* Fills `lines` (line_count + 1 of them) from the text, and says whether it calls fences.  macros: may be NULL.
 * Returns: the number of lines, whether or not there was room. */
size_t atomic_source_scan(struct atomic_macros *macros, const char *text, size_t size, uint8_t *lines,
                          size_t line_count, bool *calls_fences);
void atomic_sources_free(struct atomic_sources *sources);

#endif

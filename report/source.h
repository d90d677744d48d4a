/* source.h: lines of the program's source, when it is on this machine, for showing beside a frame.
 *
 * Model:     a file changed after the program was built is not shown: its lines may have moved.
 * Limits:    files up to 8 MiB; each is read once.
 */
#ifndef LOCKHOUND_REPORT_SOURCE_H
#define LOCKHOUND_REPORT_SOURCE_H

#include "report/symbols.h"

struct source_cache;

struct source_cache *source_cache_new(void);
void source_cache_free(struct source_cache *cache);

/* Sets *at to the byte of it that the frame's column names, or 0.  It may lie past the end.
 * Returns: the frame's line without indentation, or NULL.  Owns: the cache. */
const char *source_line(struct source_cache *cache, const struct symbol_frame *frame, size_t *at);

#endif

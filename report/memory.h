/* memory.h: memory of the command: pools freed as a whole, and text that grows.
 *
 *   pool    many small pieces with one lifetime (a finding, a module's symbols, the report)
 *   buffer  one growing byte string, where a format is written before it goes out in one write
 *
 * Errors:  when memory runs out the command says so and ends with EXIT status 125: nothing useful could follow, and
 *          the run file still holds every finding.
 */
#ifndef LOCKHOUND_REPORT_MEMORY_H
#define LOCKHOUND_REPORT_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

struct pool_chunk;
struct pool {
    struct pool_chunk *chunks;
    size_t used; /* bytes taken of the first chunk */
};

/* Returns: `size` zeroed bytes aligned for any type.  Owns: the pool. */
void *pool_alloc(struct pool *pool, size_t size);
/* Returns: `count` zeroed elements; `count * size` is checked for overflow. */
void *pool_array(struct pool *pool, size_t count, size_t size);
char *pool_copy(struct pool *pool, const char *bytes, size_t length);
char *pool_string(struct pool *pool, const char *string);
char *pool_format(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pool_free(struct pool *pool);

struct buffer {
    char *data; /* always ends in a 0 that `length` does not count, once something was added */
    size_t length;
    size_t capacity;
};

void buffer_add(struct buffer *buffer, const char *bytes, size_t length);
void buffer_string(struct buffer *buffer, const char *string);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* Removes the first `length` bytes. */
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_free(struct buffer *buffer);

/* Returns: memory grown to hold `count` elements, as realloc() does. */
void *memory_grow(void *memory, size_t count, size_t size);

#endif

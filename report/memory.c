#include "report/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES        16384
#define EXIT_OUT_OF_MEMORY 125

struct pool_chunk {
    struct pool_chunk *next;
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

static _Noreturn void memory_exhausted(void)
{
    fputs("lockhound: out of memory\n", stderr);
    _Exit(EXIT_OUT_OF_MEMORY);
}

static size_t checked_product(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        memory_exhausted();
    return bytes;
}

void *memory_grow(void *memory, size_t count, size_t size)
{
    void *grown = realloc(memory, checked_product(count ? count : 1, size));
    if (!grown)
        memory_exhausted();
    return grown;
}

static void add_chunk(struct pool *pool, size_t least)
{
    size_t size = least > CHUNK_BYTES ? least : CHUNK_BYTES;
    struct pool_chunk *chunk = calloc(1, sizeof *chunk + size);
    if (!chunk)
        memory_exhausted();
    chunk->size = size;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->used = 0;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    const size_t grain = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        memory_exhausted();
    size = (size + grain - 1) / grain * grain;
    if (!pool->chunks || pool->chunks->size - pool->used < size)
        add_chunk(pool, size);
    void *memory = pool->chunks->bytes + pool->used;
    pool->used += size;
    return memory;
}

void *pool_array(struct pool *pool, size_t count, size_t size)
{
    return pool_alloc(pool, checked_product(count, size));
}

char *pool_copy(struct pool *pool, const char *bytes, size_t length)
{
    char *copy = pool_alloc(pool, length + 1);
    if (length > 0) /* no bytes may be NULL, which memcpy() must not see */
        memcpy(copy, bytes, length);
    return copy;
}

char *pool_string(struct pool *pool, const char *string)
{
    return pool_copy(pool, string, strlen(string));
}

char *pool_format(struct pool *pool, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    char *copy = pool_copy(pool, text.data, text.length);
    buffer_free(&text);
    return copy;
}

void pool_free(struct pool *pool)
{
    while (pool->chunks) {
        struct pool_chunk *next = pool->chunks->next;
        free(pool->chunks);
        pool->chunks = next;
    }
    pool->used = 0;
}

static void buffer_reserve(struct buffer *buffer, size_t more)
{
    if (more > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4)
        memory_exhausted();
    size_t needed = buffer->length + more + 1;
    if (needed > buffer->capacity) {
        buffer->capacity = needed * 2;
        buffer->data = memory_grow(buffer->data, buffer->capacity, 1);
    }
}

void buffer_add(struct buffer *buffer, const char *bytes, size_t length)
{
    buffer_reserve(buffer, length);
    if (length)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_string(struct buffer *buffer, const char *string)
{
    buffer_add(buffer, string, strlen(string));
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list measured;
    va_copy(measured, arguments);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (length >= 0) {
        buffer_reserve(buffer, (size_t)length);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        buffer->length += (size_t)length;
    }
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer->length -= length;
    buffer->data[buffer->length] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

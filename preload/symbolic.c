#include "preload/symbolic.h"

#include <string.h>

#include "preload/arena.h"

enum { LENGTH_MAX = 1024 };

static bool is_that_frame(const struct interned *item, const void *key)
{
    const struct symbolic *frame = (const struct symbolic *)item, *wanted = key;
    return frame->line == wanted->line && strncmp(frame->function, wanted->function, LENGTH_MAX) == 0 &&
           strncmp(frame->file, wanted->file, LENGTH_MAX) == 0; /* what is kept of them */
}

static const char *keep(const char *string)
{
    size_t length = strnlen(string, LENGTH_MAX);
    char *copy = arena_alloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}

static struct interned *make_frame(const void *key)
{
    const struct symbolic *wanted = key;
    struct symbolic *frame = arena_alloc(sizeof *frame);
    if (frame == NULL)
        return NULL;
    *frame = *wanted;
    frame->function = keep(wanted->function);
    frame->file = keep(wanted->file);
    return frame->function == NULL || frame->file == NULL ? NULL : &frame->interned;
}

static struct interning known = {.equal = is_that_frame, .make = make_frame};

static uint64_t hash_string(uint64_t hash, const char *string)
{
    for (; *string != '\0'; string++)
        hash = (hash ^ (unsigned char)*string) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

struct frame symbolic_intern(const char *function, const char *file, uint32_t line)
{
    struct symbolic wanted = {.line = line, .function = function, .file = file};
    uint64_t hash = hash_string(hash_string(line * UINT64_C(0x9E3779B97F4A7C15), function), file);
    const struct interned *frame = interning_find_or_add(&known, hash, &wanted);
    return frame == NULL ? (struct frame){0} : (struct frame){.pc = frame->number, .module = FRAME_SYMBOLIC};
}

const struct symbolic *symbolic_get(uintptr_t number)
{
    return (const struct symbolic *)interning_get(&known, number);
}

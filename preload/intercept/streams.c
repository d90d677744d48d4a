/* streams.c: lines, blocks and texts of streams, without their lock or of wide characters, by the rules of io.h.
 *
 *   fgets_unlocked(), fgetws(), ...   libc's --> what was sent through the descriptor is received, the buffer is written
 *   fputs_unlocked(), fputws(), ...   the buffer is read, what the thread did is sent --> libc's
 */
/* stdio.h shall define none of these functions itself: clang refuses a second definition with an attribute. */
#define __NO_INLINE__ 1
#include "preload/intercept/io.h"

/* No header declares what _FORTIFY_SOURCE calls; under C names of their own, for headers define some inline. */
#define READER(result, name, parameters, arguments, size_read)                                                         \
    HOOK_EXPORT result reads_##name parameters __asm__(#name);                                                         \
    result reads_##name parameters                                                                                     \
    {                                                                                                                  \
        IO_USES(io_descriptor_of(stream));                                                                             \
        result outcome = real.name arguments;                                                                          \
        if (hook_unlikely(weave_on))                                                                                   \
            io_received(io_descriptor_of(stream), buffer, (size_read), CALLER());                                      \
        return outcome;                                                                                                \
    }

#define WRITER(result, name, parameters, arguments, buffer, size)                                                      \
    HOOK_EXPORT result writes_##name parameters __asm__(#name);                                                        \
    result writes_##name parameters                                                                                    \
    {                                                                                                                  \
        if (hook_unlikely(weave_on))                                                                                   \
            io_sends(io_descriptor_of(stream), (buffer), (size), CALLER());                                            \
        return real.name arguments;                                                                                    \
    }

#define LINE_SIZE      (outcome != NULL ? real.strlen(outcome) + 1 : 0)
#define WIDE_LINE_SIZE (outcome != NULL ? (real.wcslen(outcome) + 1) * sizeof *outcome : 0)

READER(size_t, fread_unlocked, (void *buffer, size_t size, size_t count, FILE *stream), (buffer, size, count, stream),
       outcome *size)
READER(size_t, __fread_unlocked_chk, (void *buffer, size_t room, size_t size, size_t count, FILE *stream),
       (buffer, room, size, count, stream), outcome *size)
READER(char *, fgets_unlocked, (char *buffer, int size, FILE *stream), (buffer, size, stream), LINE_SIZE)
READER(char *, __fgets_unlocked_chk, (char *buffer, size_t room, int size, FILE *stream), (buffer, room, size, stream),
       LINE_SIZE)
READER(wchar_t *, fgetws, (wchar_t * buffer, int count, FILE *stream), (buffer, count, stream), WIDE_LINE_SIZE)
READER(wchar_t *, __fgetws_chk, (wchar_t * buffer, size_t room, int count, FILE *stream), (buffer, room, count, stream),
       WIDE_LINE_SIZE)

WRITER(size_t, fwrite_unlocked, (const void *buffer, size_t size, size_t count, FILE *stream),
       (buffer, size, count, stream), buffer, size *count)
WRITER(int, fputs_unlocked, (const char *string, FILE *stream), (string, stream), string, real.strlen(string) + 1)
WRITER(int, fputws, (const wchar_t *string, FILE *stream), (string, stream), string,
       (real.wcslen(string) + 1) * sizeof *string)

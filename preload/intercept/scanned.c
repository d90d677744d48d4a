/* scanned.c: what scanf() and its like read and write on the program's behalf.
 *
 *   sscanf(text, format, ...) --> vsscanf's hook --> libc's vsscanf() --> text and format are read, what was converted is written
 *   fscanf(stream, ...)       --> the same; what was sent through the stream's descriptor is received
 *
 * Model:     as formatted.c.  Each of the families that libc has (plain, C99, C23) goes to its own function with a va_list.
 */
#define __NO_INLINE__ 1
#include "preload/intercept/format_walk.h"
#include "preload/intercept/io.h"

struct noting {
    struct self *self;
    struct stack_id at;
};

static void visit(void *ctx, const void *memory, size_t size, bool is_written)
{
    const struct noting *noting = ctx;
    memory_access(noting->self, memory, size, is_written ? RACE_WRITE : 0, noting->at);
}

/* `text` may be NULL. */
__attribute__((noinline, cold)) static void note_converted(const char *text, const char *format, va_list arguments,
                                                           int converted, struct caller caller)
{
    int saved = errno;
    struct noting noting = {.self = access_enter(caller)};
    if (noting.self != NULL) {
        if (memory_is_watched(noting.self)) {
            noting.at = access_stack(noting.self, caller);
            memory_access(noting.self, format, real.strlen(format) + 1, 0, noting.at);
            if (text != NULL)
                memory_access(noting.self, text, real.strlen(text) + 1, 0, noting.at);
            format_walk_input(format, arguments, converted, &(struct format_visitor){visit, &noting});
        }
        access_leave(noting.self);
    }
    errno = saved;
}

#define UNPACK(...) __VA_ARGS__
#define SCANNER(name, variadic, parameters, arguments, text, fd)                                                       \
    static int do_##name(UNPACK parameters, va_list list, struct caller caller)                                        \
    {                                                                                                                  \
        va_list again;                                                                                                 \
        va_copy(again, list);                                                                                          \
        if (hook_unlikely(weave_on) && (text) == NULL)                                                                 \
            io_uses((fd), caller);                                                                                     \
        int result = real.name(UNPACK arguments, list);                                                                \
        if (hook_unlikely(weave_on) && (text) == NULL)                                                                 \
            io_received((fd), NULL, 0, caller);                                                                        \
        if (hook_unlikely(weave_on))                                                                                   \
            note_converted((text), format, again, result, caller);                                                     \
        va_end(again);                                                                                                 \
        return result;                                                                                                 \
    }                                                                                                                  \
    HOOK_EXPORT int hook_##name(UNPACK parameters, va_list list) __asm__(#name);                                       \
    int hook_##name(UNPACK parameters, va_list list)                                                                   \
    {                                                                                                                  \
        return do_##name(UNPACK arguments, list, CALLER());                                                            \
    }                                                                                                                  \
    HOOK_EXPORT int hook_##variadic(UNPACK parameters, ...) __asm__(#variadic);                                        \
    int hook_##variadic(UNPACK parameters, ...)                                                                        \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, format);                                                                                        \
        int result = do_##name(UNPACK arguments, list, CALLER());                                                      \
        va_end(list);                                                                                                  \
        return result;                                                                                                 \
    }

#define FROM_TEXT(name, variadic)                                                                                      \
    SCANNER(name, variadic, (const char *text, const char *format), (text, format), text, -1)
#define FROM_STREAM(name, variadic)                                                                                    \
    SCANNER(name, variadic, (FILE * stream, const char *format), (stream, format), (const char *)NULL,                 \
            io_descriptor_of(stream))
#define FROM_STANDARD(name, variadic)                                                                                  \
    SCANNER(name, variadic, (const char *format), (format), (const char *)NULL, io_descriptor_of(stdin))

FROM_TEXT(vsscanf, sscanf)
FROM_STREAM(vfscanf, fscanf)
FROM_STANDARD(vscanf, scanf)
FROM_TEXT(__isoc99_vsscanf, __isoc99_sscanf)
FROM_STREAM(__isoc99_vfscanf, __isoc99_fscanf)
FROM_STANDARD(__isoc99_vscanf, __isoc99_scanf)
FROM_TEXT(__isoc23_vsscanf, __isoc23_sscanf)
FROM_STREAM(__isoc23_vfscanf, __isoc23_fscanf)
FROM_STANDARD(__isoc23_vscanf, __isoc23_scanf)

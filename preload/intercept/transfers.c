/* transfers.c: rarer calls on descriptors and streams, by the rules of io.h: what they order and which buffers they touch.
 *
 *   from one descriptor to another (splice, sendfile, ...)  what was sent through the first is received, then sent through the second
 *   at an offset, of several buffers (preadv2, ...)         as pread() and pwrite() do
 *   waits with a signal mask (ppoll, ...)                   as poll() does
 *   characters of streams (putc, getc, ...)                 what goes through the descriptor, when it goes
 */
/* stdio.h shall define none of these functions itself: clang refuses a second definition with an attribute. */
#define __NO_INLINE__ 1
#include "preload/intercept/io.h"

/* ---- from one to another ------------------------------------------------------------------------------------------- */

static void moves(int from, int to, struct caller caller)
{
    io_uses(from, caller);
    io_sends(to, NULL, 0, caller);
}

/* Before the call goes what is in the pipe already; after it, what came in meanwhile. */
static void moved(int from, int to, struct caller caller)
{
    io_received(from, NULL, 0, caller);
    io_sends(to, NULL, 0, caller);
}

#define MOVER(name, parameters, arguments, from, to)                                                                   \
    HOOK_EXPORT ssize_t name parameters                                                                                \
    {                                                                                                                  \
        if (hook_unlikely(weave_on)) {                                                                                 \
            io_received((from), NULL, 0, CALLER());                                                                    \
            moves((from), (to), CALLER());                                                                             \
        }                                                                                                              \
        ssize_t result = real.name arguments;                                                                          \
        if (hook_unlikely(weave_on) && result >= 0)                                                                    \
            moved((from), (to), CALLER());                                                                             \
        return result;                                                                                                 \
    }

MOVER(splice, (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size, unsigned flags),
      (in, in_offset, out, out_offset, size, flags), in, out)
MOVER(tee, (int in, int out, size_t size, unsigned flags), (in, out, size, flags), in, out)
MOVER(sendfile, (int out, int in, off_t *offset, size_t size), (out, in, offset, size), in, out)
HOOK_ALIAS(sendfile64, sendfile);
MOVER(copy_file_range, (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size, unsigned flags),
      (in, in_offset, out, out_offset, size, flags), in, out)

HOOK_EXPORT ssize_t vmsplice(int fd, const struct iovec *parts, size_t count, unsigned flags)
{
    if (hook_unlikely(weave_on))
        io_sends(fd, NULL, 0, CALLER());
    ssize_t result = real.vmsplice(fd, parts, count, flags);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received(fd, NULL, 0, CALLER());
    return result;
}

/* ---- several buffers at an offset ------------------------------------------------------------------------------------ */

#define PARTS_READER(name, parameters, arguments)                                                                      \
    HOOK_EXPORT ssize_t name parameters                                                                                \
    {                                                                                                                  \
        IO_USES(fd);                                                                                                   \
        ssize_t result = real.name arguments;                                                                          \
        if (hook_unlikely(weave_on) && result >= 0)                                                                    \
            io_received_parts(fd, parts, (size_t)count, (size_t)result, CALLER());                                     \
        return result;                                                                                                 \
    }

#define PARTS_WRITER(name, parameters, arguments)                                                                      \
    HOOK_EXPORT ssize_t name parameters                                                                                \
    {                                                                                                                  \
        if (hook_unlikely(weave_on) && count > 0)                                                                      \
            io_sends_parts(fd, parts, (size_t)count, CALLER());                                                        \
        return real.name arguments;                                                                                    \
    }

PARTS_READER(preadv, (int fd, const struct iovec *parts, int count, off_t offset), (fd, parts, count, offset))
HOOK_ALIAS(preadv64, preadv);
PARTS_READER(preadv2, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
             (fd, parts, count, offset, flags))
HOOK_ALIAS(preadv64v2, preadv2);
PARTS_WRITER(pwritev, (int fd, const struct iovec *parts, int count, off_t offset), (fd, parts, count, offset))
HOOK_ALIAS(pwritev64, pwritev);
PARTS_WRITER(pwritev2, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
             (fd, parts, count, offset, flags))
HOOK_ALIAS(pwritev64v2, pwritev2);

/* ---- waits ----------------------------------------------------------------------------------------------------------- */

/* Under a C name of its own: the header says that the array is only written. */
HOOK_EXPORT int hook_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                           const sigset_t *mask) __asm__("ppoll");
int hook_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    if (hook_unlikely(weave_on))
        io_polls(fds, count, CALLER());
    int result = real.ppoll(fds, count, timeout, mask);
    if (hook_unlikely(weave_on) && result >= 0)
        io_polled(fds, count, CALLER());
    return result;
}

HOOK_EXPORT int pselect(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict err,
                        const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
    fd_set *const sets[] = {in, out, err};
    if (hook_unlikely(weave_on))
        io_selects(count, sets, CALLER());
    int result = real.pselect(count, in, out, err, timeout, mask);
    if (hook_unlikely(weave_on) && result >= 0)
        io_selected(count, sets, CALLER());
    return result;
}

HOOK_EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
    IO_USES(epoll);
    int result = real.epoll_pwait(epoll, events, count, timeout, mask);
    if (hook_unlikely(weave_on) && result > 0)
        io_received(epoll, events, (size_t)result * sizeof *events, CALLER());
    return result;
}

/* ---- characters of streams -------------------------------------------------------------------------------------------- */

/* A character that only comes to stand in the buffer goes to the descriptor with a later call, which sends. */
static bool stays_in_buffer(const FILE *stream, int character)
{
    enum { LINES = 0x200 }; /* _IO_LINE_BUF */
    bool ends_line = character == '\n' && (stream->_flags & LINES) != 0;
    return stream->_IO_write_ptr < stream->_IO_write_end && !ends_line;
}

static bool is_in_buffer(const FILE *stream)
{
    return stream->_IO_read_ptr < stream->_IO_read_end;
}

static void puts_character(int character, FILE *stream, struct caller caller)
{
    if (!stays_in_buffer(stream, character))
        io_sends(io_descriptor_of(stream), NULL, 0, caller);
}

#define PUTTER(name, parameters, arguments, stream)                                                                    \
    HOOK_EXPORT int name parameters                                                                                    \
    {                                                                                                                  \
        if (hook_unlikely(weave_on))                                                                                   \
            puts_character(character, (stream), CALLER());                                                             \
        return real.name arguments;                                                                                    \
    }

#define GETTER(name, parameters, arguments, stream)                                                                    \
    HOOK_EXPORT int name parameters                                                                                    \
    {                                                                                                                  \
        bool comes = hook_unlikely(weave_on) && !is_in_buffer(stream);                                                 \
        if (comes)                                                                                                     \
            io_uses(io_descriptor_of(stream), CALLER());                                                               \
        int result = real.name arguments;                                                                              \
        if (comes)                                                                                                     \
            io_received(io_descriptor_of(stream), NULL, 0, CALLER());                                                  \
        return result;                                                                                                 \
    }

PUTTER(fputc, (int character, FILE *stream), (character, stream), stream)
PUTTER(putc, (int character, FILE *stream), (character, stream), stream)
HOOK_EXPORT int _IO_putc(int character, FILE *stream);
PUTTER(_IO_putc, (int character, FILE *stream), (character, stream), stream)
PUTTER(putchar, (int character), (character), stdout)
GETTER(fgetc, (FILE * stream), (stream), stream)
GETTER(getc, (FILE * stream), (stream), stream)
HOOK_EXPORT int _IO_getc(FILE *stream);
GETTER(_IO_getc, (FILE * stream), (stream), stream)
GETTER(getchar, (void), (), stdin)

/* Touches the stream alone. */
HOOK_EXPORT int ungetc(int character, FILE *stream)
{
    IO_USES(io_descriptor_of(stream));
    return real.ungetc(character, stream);
}

HOOK_EXPORT int puts(const char *string)
{
    if (hook_unlikely(weave_on))
        io_sends(io_descriptor_of(stdout), string, real.strlen(string) + 1, CALLER());
    return real.puts(string);
}

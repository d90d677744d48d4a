/* io.c: reads and writes of the program's buffers by the kernel and by streams, and what they order; see io.h.
 *
 * Left out:  the aio family, io_uring; characters of streams without their lock (getc_unlocked()).  transfers.c, streams.c and
 *            formatted.c have more.
 */
/* stdio.h shall define none of these functions itself: clang refuses a second definition with an attribute. */
#define __NO_INLINE__ 1
#include "preload/intercept/io.h"

#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#include "preload/intercept/descriptor_table.h"
#include "preload/intercept/touches.h"

/* ---- notes ------------------------------------------------------------------------------------------------------- */

void io_uses(int fd, struct caller caller)
{
    int saved = errno;
    struct self *self = fd >= 0 ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        descriptor_uses(self, fd, access_stack(self, caller));
        access_leave(self);
    }
    errno = saved;
}

void io_sends_parts(int fd, const struct iovec *parts, size_t count, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        for (size_t i = 0; i < count; i++)
            memory_access(self, parts[i].iov_base, parts[i].iov_len, 0, callers_of(at));
        descriptor_uses(self, fd, at);
        channels_send(self, fd, at);
        access_leave(self);
    }
    errno = saved;
}

void io_received_parts(int fd, const struct iovec *parts, size_t count, size_t size, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        channels_receive(self, fd, at);
        for (size_t i = 0; i < count && size > 0; i++) {
            size_t filled = parts[i].iov_len < size ? parts[i].iov_len : size;
            memory_access(self, parts[i].iov_base, filled, RACE_WRITE, callers_of(at));
            size -= filled;
        }
        access_leave(self);
    }
    errno = saved;
}

void io_sends(int fd, const void *buffer, size_t size, struct caller caller)
{
    io_sends_parts(fd, &(struct iovec){(void *)(uintptr_t)buffer, size}, 1, caller);
}

void io_received(int fd, const void *buffer, size_t size, struct caller caller)
{
    io_received_parts(fd, &(struct iovec){(void *)(uintptr_t)buffer, size}, 1, size, caller);
}

static void end_number(int fd, bool is_closed, struct caller caller)
{
    int saved = errno;
    struct self *self = fd >= 0 ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        if (is_closed)
            descriptor_closes(self, fd, at);
        channels_send(self, fd, at);
        channels_send_number(self, (unsigned)fd, at);
        access_leave(self);
    }
    errno = saved;
}

void io_closes(int fd, struct caller caller)
{
    end_number(fd, true, caller);
}

void io_replaces(int fd, struct caller caller)
{
    end_number(fd, false, caller);
}

void io_closes_many(unsigned low, unsigned high, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        descriptor_closes_range(self, low, high, at);
        channels_send_all_numbers(self, at);
        access_leave(self);
    }
    errno = saved;
}

void io_opened(int fd, struct caller caller)
{
    int saved = errno;
    struct self *self = fd >= 0 ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        channels_receive_number(self, (unsigned)fd);
        descriptor_opened(self, fd, access_stack(self, caller));
        access_leave(self);
    }
    errno = saved;
}

void io_sends_signal(int number, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        channels_send_signal(self, number, access_stack(self, caller));
        access_leave(self);
    }
    errno = saved;
}

void io_sets_timer(struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        channels_send_any_signal(self, access_stack(self, caller));
        access_leave(self);
    }
    errno = saved;
}

void io_sends_named(enum channel_kind kind, uint64_t name, const void *buffer, size_t size, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        memory_access(self, buffer, size, 0, callers_of(at));
        channels_send_named(self, kind, name, at);
        access_leave(self);
    }
    errno = saved;
}

void io_received_named(enum channel_kind kind, uint64_t name, const void *buffer, size_t size, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        channels_receive_named(self, kind, name);
        memory_access(self, buffer, size, RACE_WRITE, callers_of(access_stack(self, caller)));
        access_leave(self);
    }
    errno = saved;
}

void io_receives_signal(int number, struct caller caller)
{
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        channels_receive_signal(self, number);
        access_leave(self);
    }
    errno = saved;
}

#define SENDS(...)                                                                                                     \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_sends(__VA_ARGS__, CALLER());                                                                           \
    } while (0)

/* After a call that failed nothing has come. */
#define RECEIVED(result, ...)                                                                                          \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (result) >= 0)                                                                  \
            io_received(__VA_ARGS__, CALLER());                                                                        \
    } while (0)

/* Whom it came from. */
#define FROM(result, address, length)                                                                                  \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (result) >= 0)                                                                  \
            touches_address((address), (length), CALLER());                                                            \
    } while (0)

/* ---- descriptors; read() and others that may last are in blocking.c ------------------------------------------------ */

HOOK_EXPORT ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    IO_USES(fd);
    ssize_t result = real.pread(fd, buffer, size, offset);
    RECEIVED(result, fd, buffer, (size_t)result);
    return result;
}
HOOK_ALIAS(pread64, pread);

HOOK_EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    IO_USES(fd);
    ssize_t result = real.readv(fd, parts, count);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received_parts(fd, parts, (size_t)count, (size_t)result, CALLER());
    return result;
}

HOOK_EXPORT ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags, struct sockaddr *restrict address,
                             socklen_t *restrict length)
{
    IO_USES(fd);
    ssize_t result = real.recvfrom(fd, buffer, size, flags, address, length);
    RECEIVED(result, fd, buffer, (size_t)result < size ? (size_t)result : size); /* MSG_TRUNC tells more */
    FROM(result, address, length);
    return result;
}

/* Descriptors that came along with a message. */
static void open_passed(struct msghdr *message, struct caller caller)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len; at += sizeof(int)) {
            int fd;
            real.memcpy(&fd, (const char *)part + at, sizeof fd);
            io_opened(fd, caller);
        }
    }
}

HOOK_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    IO_USES(fd);
    ssize_t result = real.recvmsg(fd, message, flags);
    if (hook_unlikely(weave_on) && result >= 0) {
        io_received_parts(fd, message->msg_iov, message->msg_iovlen, (size_t)result, CALLER());
        open_passed(message, CALLER());
    }
    return result;
}

HOOK_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    IO_USES(fd);
    int result = real.recvmmsg(fd, messages, count, flags, timeout);
    for (int i = 0; hook_unlikely(weave_on) && i < result; i++) {
        struct msghdr *message = &messages[i].msg_hdr;
        io_received_parts(fd, message->msg_iov, message->msg_iovlen, messages[i].msg_len, CALLER());
        open_passed(message, CALLER());
    }
    return result;
}

HOOK_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    for (unsigned i = 0; hook_unlikely(weave_on) && i < count; i++)
        io_sends_parts(fd, messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen, CALLER());
    return real.sendmmsg(fd, messages, count, flags);
}

HOOK_EXPORT int eventfd_read(int fd, eventfd_t *value)
{
    IO_USES(fd);
    int result = real.eventfd_read(fd, value);
    RECEIVED(result, fd, value, sizeof *value);
    return result;
}

HOOK_EXPORT ssize_t write(int fd, const void *buffer, size_t size)
{
    SENDS(fd, buffer, size);
    return real.write(fd, buffer, size);
}

HOOK_EXPORT ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    SENDS(fd, buffer, size);
    return real.pwrite(fd, buffer, size, offset);
}
HOOK_ALIAS(pwrite64, pwrite);

HOOK_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (hook_unlikely(weave_on) && count > 0)
        io_sends_parts(fd, parts, (size_t)count, CALLER());
    return real.writev(fd, parts, count);
}

HOOK_EXPORT ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    SENDS(fd, buffer, size);
    return real.send(fd, buffer, size, flags);
}

HOOK_EXPORT ssize_t sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address,
                           socklen_t length)
{
    SENDS(fd, buffer, size);
    if (hook_unlikely(weave_on))
        access_note_far(address, length, 0, CALLER());
    return real.sendto(fd, buffer, size, flags, address, length);
}

HOOK_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (hook_unlikely(weave_on) && message != NULL)
        io_sends_parts(fd, message->msg_iov, message->msg_iovlen, CALLER());
    return real.sendmsg(fd, message, flags);
}

HOOK_EXPORT int eventfd_write(int fd, eventfd_t value)
{
    SENDS(fd, NULL, 0);
    return real.eventfd_write(fd, value);
}

HOOK_EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *next, struct itimerspec *before)
{
    SENDS(fd, next, next != NULL ? sizeof *next : 0);
    int result = real.timerfd_settime(fd, flags, next, before);
    if (hook_unlikely(weave_on) && result == 0)
        access_note_far(before, sizeof *before, RACE_WRITE, CALLER());
    return result;
}

HOOK_EXPORT int inotify_add_watch(int fd, const char *path, uint32_t events)
{
    SENDS(fd, NULL, 0);
    int result = real.inotify_add_watch(fd, path, events);
    if (hook_unlikely(weave_on))
        touches_path(path, result >= 0, CALLER());
    return result;
}

HOOK_EXPORT int shutdown(int fd, int how)
{
    SENDS(fd, NULL, 0);
    return real.shutdown(fd, how);
}

HOOK_EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    IO_USES(fd);
    SENDS(epoll, event, operation != EPOLL_CTL_DEL && event != NULL ? sizeof *event : 0);
    return real.epoll_ctl(epoll, operation, fd, event);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

HOOK_EXPORT size_t fread(void *restrict buffer, size_t size, size_t count, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    size_t result = real.fread(buffer, size, count, stream);
    RECEIVED(0, io_descriptor_of(stream), buffer, result * size);
    return result;
}

HOOK_EXPORT char *fgets(char *restrict buffer, int size, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    char *result = real.fgets(buffer, size, stream);
    RECEIVED(0, io_descriptor_of(stream), buffer, result != NULL ? real.strlen(result) + 1 : 0);
    return result;
}

/* Where a line is to be put; libc makes it, or a larger one, where there is none or not enough. */
struct line {
    char *text;
    size_t size;
};

static inline struct line line_of(char *const *line, const size_t *size)
{
    return line == NULL || size == NULL ? (struct line){NULL, 0} : (struct line){*line, *size};
}

/* Both words are read, or written as well. */
static void line_read(struct line before, char *const *line, const size_t *size, struct caller caller)
{
    if (line == NULL || size == NULL)
        return;
    uint32_t flags = *line != before.text || *size != before.size ? RACE_WRITE : 0;
    access_note_far(line, sizeof *line, flags, caller);
    access_note_far(size, sizeof *size, flags, caller);
}
#define LINE_READ(before, line, size)                                                                                  \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            line_read((before), (line), (size), CALLER());                                                             \
    } while (0)

HOOK_EXPORT ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    const struct line before = line_of(line, size);
    ssize_t result = real.getdelim(line, size, delimiter, stream);
    RECEIVED(result, io_descriptor_of(stream), *line, (size_t)result + 1);
    LINE_READ(before, line, size);
    return result;
}

HOOK_ALIAS(__getdelim, getdelim); /* the name under which old programs call it */

HOOK_EXPORT ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    const struct line before = line_of(line, size);
    ssize_t result = real.getline(line, size, stream);
    RECEIVED(result, io_descriptor_of(stream), *line, (size_t)result + 1);
    LINE_READ(before, line, size);
    return result;
}

HOOK_EXPORT size_t fwrite(const void *restrict buffer, size_t size, size_t count, FILE *restrict stream)
{
    SENDS(io_descriptor_of(stream), buffer, size * count);
    return real.fwrite(buffer, size, count, stream);
}

HOOK_EXPORT int fputs(const char *restrict string, FILE *restrict stream)
{
    SENDS(io_descriptor_of(stream), string, real.strlen(string) + 1);
    return real.fputs(string, stream);
}

HOOK_EXPORT int fflush(FILE *stream)
{
    if (stream != NULL)
        SENDS(io_descriptor_of(stream), NULL, 0);
    return real.fflush(stream);
}

/* ---- as _FORTIFY_SOURCE calls them; no header declares these --------------------------------------------------------- */

ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buffer, size_t size, size_t room, int flags,
                       struct sockaddr *restrict address, socklen_t *restrict length);
size_t __fread_chk(void *restrict buffer, size_t room, size_t size, size_t count, FILE *restrict stream);
char *__fgets_chk(char *restrict buffer, size_t room, int size, FILE *restrict stream);

HOOK_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    IO_USES(fd);
    ssize_t result = real.__read_chk(fd, buffer, size, room);
    RECEIVED(result, fd, buffer, (size_t)result);
    return result;
}

HOOK_EXPORT ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
{
    IO_USES(fd);
    ssize_t result = real.__pread_chk(fd, buffer, size, offset, room);
    RECEIVED(result, fd, buffer, (size_t)result);
    return result;
}
HOOK_EXPORT __typeof__(__pread_chk) __pread64_chk HOOK_AS(__pread_chk);

HOOK_EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags)
{
    IO_USES(fd);
    ssize_t result = real.__recv_chk(fd, buffer, size, room, flags);
    RECEIVED(result, fd, buffer, (size_t)result < size ? (size_t)result : size);
    return result;
}

HOOK_EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buffer, size_t size, size_t room, int flags,
                                   struct sockaddr *restrict address, socklen_t *restrict length)
{
    IO_USES(fd);
    ssize_t result = real.__recvfrom_chk(fd, buffer, size, room, flags, address, length);
    RECEIVED(result, fd, buffer, (size_t)result < size ? (size_t)result : size);
    FROM(result, address, length);
    return result;
}

HOOK_EXPORT size_t __fread_chk(void *restrict buffer, size_t room, size_t size, size_t count, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    size_t result = real.__fread_chk(buffer, room, size, count, stream);
    RECEIVED(0, io_descriptor_of(stream), buffer, result * size);
    return result;
}

HOOK_EXPORT char *__fgets_chk(char *restrict buffer, size_t room, int size, FILE *restrict stream)
{
    IO_USES(io_descriptor_of(stream));
    char *result = real.__fgets_chk(buffer, room, size, stream);
    RECEIVED(0, io_descriptor_of(stream), buffer, result != NULL ? real.strlen(result) + 1 : 0);
    return result;
}

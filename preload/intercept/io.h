/* io.h: what a call on a descriptor does to the program's memory, and what it orders, while accesses are checked.
 *
 *   before the call:  io_sends(fd, buffer)       the buffer is read, then what the thread did is sent
 *   after it:         io_received(fd, buffer)    what was sent is received, then the buffer is written
 *   before and after calls that close and make descriptors: io_closes(fd), io_opened(fd)
 *   before calls that wait or do not write: io_uses(fd)        the number must not be closed meanwhile; io_sends() has it
 *
 * errno stays as it was.  Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_IO_H
#define LOCKHOUND_PRELOAD_INTERCEPT_IO_H

#include <poll.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/uio.h>

#include "preload/intercept/access.h"
#include "preload/intercept/channels.h"

void io_uses(int fd, struct caller caller);
/* The same for all in the array, which is read; for all below `count` in the sets, which are read. */
void io_polls(const struct pollfd *fds, size_t count, struct caller caller);
void io_selects(int count, fd_set *const sets[3], struct caller caller);
/* The kernel has said something of each: the array, the sets are written. */
void io_polled(const struct pollfd *fds, size_t count, struct caller caller);
void io_selected(int count, fd_set *const sets[3], struct caller caller);
void io_sends(int fd, const void *buffer, size_t size, struct caller caller);
void io_sends_parts(int fd, const struct iovec *parts, size_t count, struct caller caller);
void io_received(int fd, const void *buffer, size_t size, struct caller caller);
/* `size` bytes over all parts. */
void io_received_parts(int fd, const struct iovec *parts, size_t count, size_t size, struct caller caller);
/* The descriptor is about to be closed: the other end learns of it, and the number is free. */
void io_closes(int fd, struct caller caller);
/* The descriptor is about to be replaced by another of the same number, for good: nobody's use of it is cut off. */
void io_replaces(int fd, struct caller caller);
/* A call is about to close all of [low, high]. */
void io_closes_many(unsigned low, unsigned high, struct caller caller);
/* A call has made this descriptor. */
void io_opened(int fd, struct caller caller);
/* The signal is about to be sent, or a handler of it installed. */
void io_sends_signal(int number, struct caller caller);
void io_receives_signal(int number, struct caller caller);
/* A timer is about to be set that may send any signal. */
void io_sets_timer(struct caller caller);
/* The same as io_sends() and io_received() by what is no descriptor. */
void io_sends_named(enum channel_kind kind, uint64_t name, const void *buffer, size_t size, struct caller caller);
void io_received_named(enum channel_kind kind, uint64_t name, const void *buffer, size_t size, struct caller caller);

/* Returns: -1 for a stream in memory. */
static inline int io_descriptor_of(FILE *stream)
{
    int saved = errno;
    int fd = fileno_unlocked(stream);
    errno = saved;
    return fd;
}

#define IO_USES(fd)                                                                                                    \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_uses((fd), CALLER());                                                                                   \
    } while (0)

#define IO_CLOSES(fd)                                                                                                  \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_closes((fd), CALLER());                                                                                 \
    } while (0)

#define IO_REPLACES(fd)                                                                                                \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_replaces((fd), CALLER());                                                                               \
    } while (0)

/* Nothing when the call failed. */
#define IO_OPENED(fd)                                                                                                  \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            io_opened((fd), CALLER());                                                                                 \
    } while (0)

#endif

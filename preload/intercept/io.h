/* io.h: what a call on a descriptor does to the program's memory, and what it orders, while accesses are checked.
 *
 *   before the call:  io_sends(fd, buffer)       the buffer is read, then what the thread did is sent
 *   after it:         io_received(fd, buffer)    what was sent is received, then the buffer is written
 *
 * errno stays as it was.  Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_IO_H
#define LOCKHOUND_PRELOAD_INTERCEPT_IO_H

#include <sys/uio.h>

#include "preload/intercept/access.h"

void io_sends(int fd, const void *buffer, size_t size, struct caller caller);
void io_sends_parts(int fd, const struct iovec *parts, size_t count, struct caller caller);
void io_received(int fd, const void *buffer, size_t size, struct caller caller);
/* `size` bytes over all parts. */
void io_received_parts(int fd, const struct iovec *parts, size_t count, size_t size, struct caller caller);
/* The signal is about to be sent, or a handler of it installed. */
void io_sends_signal(int number, struct caller caller);

#endif

/* trace_write.h: writes one event as a line of a trace (docs/trace-format.md) into the caller's buffer.
 *
 *   struct event --trace_write_event()--> "T1|acq(0x7ffe10,shared)|app+0x1234\n"
 *
 * Context: signal, in-malloc, early: no allocation, no stdio, no locale; a few hundred nanoseconds.
 */
#ifndef LOCKHOUND_DETECTOR_TRACE_WRITE_H
#define LOCKHOUND_DETECTOR_TRACE_WRITE_H

#include "detector/event.h"

/* Units: bytes that hold any event without its site. */
#define TRACE_EVENT_MAX 320

/* Writes a line that ends with a newline and is not terminated by a zero.  `site` says where in the program, or is NULL:
 * then the number of event->at is written.  Bytes of it that would break the line are written as '_', and what does not
 * fit of it is left out.
 * Returns: the length of the line, or 0 when `size` is less than TRACE_EVENT_MAX. */
size_t trace_write_event(char *buffer, size_t size, const struct event *event, const char *site);

#endif

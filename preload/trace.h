/* trace.h: --trace FILE: every event of the process as a line of text (docs/trace-format.md).
 *
 *   emit.h --struct event--> trace_event() --detector/trace_write.h--> one append --> FILE
 *
 * FILE belongs to the first process of a run that is still there; every other writes FILE.PID.
 *
 * Invariant: each line is written at once, so that the trace of a killed program is whole up to its end.
 * Threads:   OWN_RANK_TRACE around each line; the order of lines is an order in which the events can have happened,
 *            for a release is written before it is done and an acquisition after.
 */
#ifndef LOCKHOUND_PRELOAD_TRACE_H
#define LOCKHOUND_PRELOAD_TRACE_H

#include "detector/event.h"
#include "detector/object.h"
#include "preload/self.h"

/* Opens the file if the options name one.  Context: early. */
void trace_init(void);
/* Records the event as done by the calling thread.  Context: signal, in-malloc, takes(OWN_RANK_TRACE). */
void trace_event(struct self *self, const struct event *event);
/* The same of an access, made at the place `site`.  Context: signal, in-malloc, takes(OWN_RANK_TRACE). */
struct frame;
void trace_access(struct self *self, const struct event *event, const struct frame *site);
/* The child goes on in a file of its own, which begins with what its thread holds.  Context: fork-child. */
void trace_fork_child(struct self *self);

/* ---- for emit.h: one kind of operand each.  Context of all: signal, in-malloc, takes(OWN_RANK_TRACE). ---- */

void trace_plain(struct self *self, enum event_kind kind, struct stack_id at);
void trace_number(struct self *self, enum event_kind kind, uint64_t number);
void trace_thread(struct self *self, enum event_kind kind, uint32_t flags, const struct self *target,
                  struct stack_id at);
void trace_object(struct self *self, enum event_kind kind, uint32_t flags, const struct object *object,
                  struct stack_id at);
void trace_condition(struct self *self, enum event_kind kind, uint32_t flags, const struct object *cond,
                     const struct object *mutex, struct stack_id at);
void trace_memory(struct self *self, enum event_kind kind, uint64_t low, uint64_t high, struct stack_id at);
void trace_traits(struct self *self, enum object_kind kind, uint64_t address, const struct object_traits *traits,
                  struct stack_id at);
/* An acquisition that this thread did not ask for before is a try. */
void trace_semaphore(struct self *self, enum event_kind kind, uint32_t flags, const struct object *sem,
                     struct stack_id at);
void trace_lock(struct self *self, enum event_kind kind, uint32_t flags, const struct object *object,
                enum lock_mode mode, struct stack_id at);

#endif

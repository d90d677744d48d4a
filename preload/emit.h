/* emit.h: the detector's verbs as the hooks call them.
 *
 *   intercept/ *.c --> emit_<verb>(self, ...) --+--> <verb>(detector, thread, ...)
 *                                               +--> trace_*()   with --trace only
 *
 * Invariant: an event is in the trace before the detector acts on it, so that a trace that ends in a deadlock holds the
 *            event that closed it.
 */
#ifndef LOCKHOUND_PRELOAD_EMIT_H
#define LOCKHOUND_PRELOAD_EMIT_H

#include "preload/lockhound.h"
#include "preload/self.h"

static inline struct object *emit_object_init(struct self *self, enum object_kind kind, uint64_t address,
                                              const struct object_traits *traits, struct stack_id at)
{
    self->events++;
    return object_init(lockhound.detector, self->thread, kind, address, traits, at);
}

static inline struct object *emit_object_adopt(struct self *self, enum object_kind kind, uint64_t address,
                                               const struct object_traits *traits, struct stack_id at)
{
    return object_adopt(lockhound.detector, self->thread, kind, address, traits, at);
}

static inline bool emit_object_check_kind(struct self *self, struct object *object, enum object_kind kind,
                                          struct stack_id at)
{
    return object_check_kind(lockhound.detector, self->thread, object, kind, at);
}

static inline void emit_object_destroy(struct self *self, struct object *object, struct stack_id at)
{
    self->events++;
    object_destroy(lockhound.detector, self->thread, object, at);
}

#endif

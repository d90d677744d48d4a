#include "detector/object.h"

#include <sched.h>

#define SPINS_BEFORE_YIELDING 64

void object_enter(struct object *o)
{
    uint32_t spins = 0;
    /* acquire: what the last one changed is seen; partner: object_leave() */
    while (atomic_exchange_explicit(&o->busy, 1, memory_order_acquire) != 0) {
        while (relaxed_load(&o->busy) != 0) {
            if (++spins % SPINS_BEFORE_YIELDING == 0)
                sched_yield(); /* the holder may have lost its processor */
            __builtin_ia32_pause();
        }
    }
}

void object_leave(struct object *o)
{
    atomic_store_explicit(&o->busy, 0, memory_order_release); /* partner: object_enter() */
}

struct object_ref object_reference(const struct object *o)
{
    return (struct object_ref){
        .id = object_identity(o),
        .kind = (enum object_kind)o->kind,
        .address = relaxed_load(&o->address),
        .init_thread = o->init_thread,
        .init_stack = o->init_stack,
    };
}

bool object_is_live_at(const struct object *o, uint64_t address)
{
    /* acquire: a live object is complete, also for one who found it in the table; partner: object_start() */
    return atomic_load_explicit(&o->live_address, memory_order_acquire) == address;
}

#include "preload/abi/request.h"

#include <stddef.h>

#include "detector/thread.h"
#include "preload/abi/annotate.h"
#include "preload/abi/ignored.h"
#include "preload/intercept/objects.h"
#include "preload/weave/blocks.h"
#include "preload/weave/memory_events.h"

/* What the upper half of a request's number says, and where Helgrind's for locks begin. */
enum { HELGRIND = 'H' << 24 | 'G' << 16, LOCKS = HELGRIND + 256, DRD = 'D' << 24 | 'R' << 16 };

enum deed {
    DEED_MAKE_SEMAPHORE, /* semaphore, value */
    DEED_MAKE_BARRIER,   /* barrier, number of parties */
    DEED_MAKE,           /* object */
    DEED_END,
    DEED_WANT, /* lock, whether it is only tried */
    DEED_TAKE,
    DEED_TAKE_MODE, /* lock, whether for writing */
    DEED_LEAVE,
    DEED_POST,
    DEED_WAITED,
    DEED_ARRIVE,
    DEED_SEND,
    DEED_RECEIVE,
    DEED_FORGET,
    DEED_FRESH,       /* address, size */
    DEED_FRESH_BLOCK, /* address of a heap block */
    DEED_IGNORE,      /* address, size */
    DEED_WATCH,       /* address, size */
    DEED_READS,       /* 0: ignored from now on; 1: no more */
    DEED_WRITES,
    DEED_NAME
};

static const struct request {
    uint32_t number;
    uint8_t deed; /* enum deed */
    uint8_t kind; /* enum object_kind, of what the first argument points to */
} requests[] = {
    {HELGRIND, DEED_FRESH, 0},
    {LOCKS + 3, DEED_MAKE, OBJECT_MUTEX},
    {LOCKS + 4, DEED_END, OBJECT_MUTEX},
    {LOCKS + 5, DEED_LEAVE, OBJECT_MUTEX},
    {LOCKS + 7, DEED_WANT, OBJECT_MUTEX},
    {LOCKS + 8, DEED_TAKE, OBJECT_MUTEX},
    {LOCKS + 9, DEED_SEND, OBJECT_FUTEX},     /* a condition is signalled, ... */
    {LOCKS + 10, DEED_SEND, OBJECT_FUTEX},    /* ... broadcast, ... */
    {LOCKS + 12, DEED_RECEIVE, OBJECT_FUTEX}, /* ... and was waited for */
    {LOCKS + 14, DEED_MAKE, OBJECT_RWLOCK},
    {LOCKS + 15, DEED_END, OBJECT_RWLOCK},
    {LOCKS + 17, DEED_TAKE_MODE, OBJECT_RWLOCK},
    {LOCKS + 18, DEED_LEAVE, OBJECT_RWLOCK},
    {LOCKS + 20, DEED_MAKE_SEMAPHORE, OBJECT_SEMAPHORE},
    {LOCKS + 21, DEED_END, OBJECT_SEMAPHORE},
    {LOCKS + 22, DEED_POST, OBJECT_SEMAPHORE},
    {LOCKS + 23, DEED_WAITED, OBJECT_SEMAPHORE},
    {LOCKS + 24, DEED_MAKE_BARRIER, OBJECT_FUTEX},
    {LOCKS + 25, DEED_ARRIVE, OBJECT_FUTEX},
    {LOCKS + 26, DEED_END, OBJECT_FUTEX},
    {LOCKS + 33, DEED_SEND, OBJECT_FUTEX},
    {LOCKS + 34, DEED_RECEIVE, OBJECT_FUTEX},
    {LOCKS + 35, DEED_FORGET, OBJECT_FUTEX},
    {LOCKS + 39, DEED_IGNORE, 0},
    {LOCKS + 40, DEED_WATCH, 0},
    {LOCKS + 41, DEED_MAKE_BARRIER, OBJECT_FUTEX}, /* another number of parties */
    {LOCKS + 42, DEED_FRESH_BLOCK, 0},
    {DRD + 2, DEED_IGNORE, 0},
    {DRD + 3, DEED_WATCH, 0},
    {DRD + 6, DEED_READS, 0},
    {DRD + 7, DEED_WRITES, 0},
    {DRD + 8, DEED_NAME, 0},
    {DRD + 10, DEED_MAKE_SEMAPHORE, OBJECT_SEMAPHORE},
    {DRD + 11, DEED_END, OBJECT_SEMAPHORE},
    {DRD + 13, DEED_WAITED, OBJECT_SEMAPHORE},
    {DRD + 14, DEED_POST, OBJECT_SEMAPHORE},
};

struct call {
    struct self *self;
    enum object_kind kind;
    uint64_t place, second;
    struct stack_id at;
};

/* ---- objects ------------------------------------------------------------------------------------------------------ */

/* What happens to a thread that takes such a lock twice is the program's affair: it is not said to wait for itself. */
static const struct object_traits unknown = {.was_initialised = true, .type = MUTEX_RECURSIVE};

static struct object *known(const struct call *call)
{
    return hook_object(call->self, (const void *)(uintptr_t)call->place);
}

static bool is_of_another_kind(const struct call *call)
{
    const struct object *object = known(call);
    return object != NULL && object->kind != call->kind;
}

static void end(const struct call *call)
{
    if (known(call) != NULL)
        emit_object_range_gone(call->self, call->place, call->place + 1, false, call->at);
}

static void make(const struct call *call, const struct object_traits *traits)
{
    end(call);
    struct object *object = emit_object_init(call->self, call->kind, call->place, traits, call->at);
    if (object != NULL)
        hook_remember_object(call->self, call->place, object);
}

/* Returns: the object, known from now on; NULL without memory. */
static struct object *object_of(const struct call *call)
{
    struct object *object = known(call);
    if (object != NULL)
        return object;
    object = emit_object_adopt(call->self, call->kind, call->place, &unknown, call->at);
    if (object != NULL)
        hook_remember_object(call->self, call->place, object);
    return object;
}

static void leave(struct self *self, struct object *object, struct stack_id at)
{
    if (held_find(&self->thread->seat->held, object) != NULL)
        emit_lock_released(self, object, at);
    else
        emit_channel_send(self, object, at); /* taken unseen, or by another thread: it orders all the same */
}

/* Two that arrive at once see the same round: nobody can be in the next one before both have left. */
static void arrive(struct self *self, struct object *barrier, struct stack_id at)
{
    uint64_t before = (uint64_t)relaxed_load(&barrier->value), parties = barrier->count;
    emit_channel_send(self, barrier, at);
    self->plane->awaited = (struct plane_awaited){
        .barrier = barrier,
        .id = object_identity(barrier).v,
        .ticket = parties == 0 ? UINT64_MAX : (before / parties + 1) * parties,
    };
}

void request_meet(struct self *self)
{
    struct plane_awaited *awaited = &self->plane->awaited;
    struct object *barrier = awaited->barrier;
    bool is_known = awaited->ticket != UINT64_MAX;
    if (object_identity(barrier).v != awaited->id) {
        awaited->barrier = NULL;
    } else if (!is_known || (uint64_t)relaxed_load(&barrier->value) >= awaited->ticket) {
        awaited->barrier = is_known ? NULL : barrier;
        emit_channel_receive(self, barrier);
    }
}

static void do_to_object(const struct call *call, enum deed deed, struct object *object)
{
    struct self *self = call->self;
    bool is_shared = deed == DEED_TAKE_MODE && call->second == 0;
    switch (deed) {
    case DEED_WANT:
        if (call->second == 0)
            emit_lock_request(self, object, LOCK_EXCLUSIVE, false, call->at);
        break;
    case DEED_TAKE:
    case DEED_TAKE_MODE:
        emit_lock_acquired(self, object, is_shared ? LOCK_SHARED : LOCK_EXCLUSIVE, false, call->at);
        break;
    case DEED_LEAVE:
        leave(self, object, call->at);
        break;
    case DEED_POST:
        emit_sem_post(self, object, false, call->at);
        break;
    case DEED_WAITED:
        emit_sem_acquired(self, object, call->at);
        break;
    case DEED_ARRIVE:
        arrive(self, object, call->at);
        break;
    case DEED_SEND:
        emit_channel_send(self, object, call->at);
        break;
    default:
        emit_channel_receive(self, object);
    }
}

static void to_object(const struct call *call, enum deed deed)
{
    if (is_of_another_kind(call))
        return;
    switch (deed) {
    case DEED_MAKE_BARRIER:
    case DEED_MAKE_SEMAPHORE:
        make(call, &(struct object_traits){.was_initialised = true, .count = (uint32_t)call->second});
        break;
    case DEED_MAKE:
        make(call, &unknown);
        break;
    case DEED_END:
    case DEED_FORGET:
        end(call);
        break;
    default: {
        struct object *object = object_of(call);
        if (object != NULL)
            do_to_object(call, deed, object);
    }
    }
}

/* ---- memory and the thread ---------------------------------------------------------------------------------------- */

static void fresh_block(const struct call *call)
{
    struct block block;
    if (blocks_find_containing(call->place, &block) && block.address == call->place)
        memory_fresh(call->self, block.address, block.address + block.size);
}

static void to_memory(const struct call *call, enum deed deed)
{
    uint64_t high = call->place + call->second;
    int change = call->place == 0 ? 1 : -1;
    switch (deed) {
    case DEED_FRESH:
        memory_fresh(call->self, call->place, high);
        break;
    case DEED_FRESH_BLOCK:
        fresh_block(call);
        break;
    case DEED_IGNORE:
        ignored_add(call->place, high);
        break;
    case DEED_WATCH:
        ignored_remove(call->place, high > call->place ? high : call->place + 1);
        break;
    case DEED_READS:
        annotate_ignore(SELF_IGNORES_READS, change);
        break;
    case DEED_WRITES:
        annotate_ignore(SELF_IGNORES_WRITES, change);
        break;
    default:
        self_set_name(call->self, (const char *)(uintptr_t)call->place);
    }
}

void request_do(struct self *self, const uint64_t *words, uintptr_t frame, struct stack_id at)
{
    hook_check_stack(self, frame);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const struct request *request = &requests[i];
        if (request->number != words[0])
            continue;
        const struct call call = {self, (enum object_kind)request->kind, words[1], words[2], at};
        if (request->deed < DEED_FRESH)
            to_object(&call, (enum deed)request->deed);
        else
            to_memory(&call, (enum deed)request->deed);
    }
}

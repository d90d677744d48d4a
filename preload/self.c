#include "preload/self.h"

#include <string.h>
#include <sys/syscall.h>

#include "preload/arena.h"
#include "preload/contention.h"
#include "preload/emit.h"
#include "preload/lockhound.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/runtimes/cpython.h"
#include "preload/thread_records.h"
#include "preload/unwind.h"

__thread struct self *self_current __attribute__((tls_model("initial-exec")));

/* Of a stack's size, what libc's record of the thread, thread-local storage and the guard may take. */
enum { HANDLE_BUCKETS = 1024, STACK_MARGIN = 64 << 10 };

/* Every self that can be named by a handle: born, live, or ended and not yet joined.  Under OWN_RANK_SELVES. */
static struct self *by_handle[HANDLE_BUCKETS];
static size_t live_count;
_Atomic uint32_t self_known_count;
static uint64_t ended_events, ended_handlers_unseen; /* of threads whose memory is gone */

static struct self **bucket_of(pthread_t handle)
{
    return &by_handle[(handle >> 12 ^ handle >> 6) % HANDLE_BUCKETS];
}

static void enlist(struct self *self, pthread_t handle)
{
    struct self **bucket = bucket_of(handle);
    self->handle = handle;
    self->next = *bucket;
    self->link = bucket;
    if (self->next != NULL)
        self->next->link = &self->next;
    *bucket = self;
}

static void delist(struct self *self)
{
    if (self->link == NULL)
        return;
    *self->link = self->next;
    if (self->next != NULL)
        self->next->link = self->link;
    self->link = NULL;
}

static size_t self_size(void)
{
    size_t own = (sizeof(struct self) + 63) / 64 * 64;
    return own + thread_size();
}

struct self *self_new(struct self *creator, bool detached, struct stack_id created_at)
{
    struct self *self = arena_alloc(self_size());
    if (self == NULL)
        return NULL;
    self->thread = (struct thread *)(void *)((char *)self + self_size() - thread_size());
    self->lowest_stack_object = UINTPTR_MAX;
    self->stack_watch = UINTPTR_MAX;
    self->detached = detached;
    /* relaxed, here and below: the creator itself sees it, and that others have ended it may see late */
    atomic_fetch_add_explicit(&self_known_count, 1, memory_order_relaxed);
    if (creator != NULL)
        emit_thread_create(creator, self, detached, created_at);
    else
        detector_thread_create(lockhound.detector, self->thread, NULL, detached, created_at);
    self->pins = creator != NULL;
    thread_records_add(&(struct thread_record){
        .id = thread_identity(self->thread),
        .creator = creator == NULL ? (struct thread_id){0} : thread_identity(creator->thread),
        .created_at = created_at,
    });
    return self;
}

static void release_memory(struct self *self)
{
    rank_enter(OWN_RANK_SELVES);
    ended_events += relaxed_load(&self->events);
    ended_handlers_unseen += relaxed_load(&self->handlers_unseen);
    rank_leave(OWN_RANK_SELVES);
    if (self->cpython != NULL)
        cpython_forget_thread(self->cpython);
    sharing_forget_thread(self);
    contention_forget_thread(self);
    if (self->last_walk != NULL)
        arena_free(self->last_walk, sizeof *self->last_walk);
    arena_free(self, self_size());
}

void self_abandon(struct self *self)
{
    atomic_fetch_sub_explicit(&self_known_count, 1, memory_order_relaxed);
    detector_thread_forget(lockhound.detector, self->thread);
    release_memory(self);
}

void self_publish(struct self *self, const pthread_t *handle)
{
    rank_enter(OWN_RANK_SELVES);
    if (self->link == NULL && self->life == SELF_BORN)
        enlist(self, *handle);
    rank_leave(OWN_RANK_SELVES);
}

void self_start(struct self *self)
{
    self->tid = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    /* libc lays out what the handle points to, and thread-local storage, at the top of a stack. */
    self->stack_high = self->foreign ? (uintptr_t)__builtin_frame_address(0) : pthread_self();
    self->stack_low = self->stack_high - THREAD_STACK_SURE;
    if (self->stack_size > THREAD_STACK_SURE)
        self->stack_low = self->stack_high - (self->stack_size - STACK_MARGIN);
    const pthread_t handle = pthread_self();
    self_publish(self, &handle);
    rank_enter(OWN_RANK_SELVES);
    self->life = SELF_LIVE;
    live_count++;
    rank_leave(OWN_RANK_SELVES);
    thread_records_set_tid(thread_identity(self->thread), self->tid);
    self_current = self;
    emit_thread_start(self);
}

struct self *self_adopt(void)
{
    if (!lockhound.ready)
        return NULL;
    struct self *self = self_new(NULL, true, (struct stack_id){0});
    if (self == NULL)
        return NULL;
    self->foreign = true;
    self->inside = true;
    self->inside_frame = UINTPTR_MAX;
    self_start(self);
    return self;
}

/* What stood on the thread's stack, and in its thread-local storage above it, is gone. */
static void forget_own_objects(struct self *self)
{
    uintptr_t low = (uintptr_t)__builtin_frame_address(0);
    if (self->lowest_stack_object < low)
        low = self->lowest_stack_object;
    if (self->stack_high == self->handle && object_may_live_in(lockhound.detector, low, self->handle))
        object_range_gone(lockhound.detector, self->thread, low, self->handle, false, (struct stack_id){0});
}

/* Takes it out of the registry.  Returns: true when its memory may go now. */
static bool retire(struct self *self)
{
    rank_enter(OWN_RANK_SELVES);
    delist(self);
    self->orphan = true;
    bool unpinned = self->pins == 0;
    rank_leave(OWN_RANK_SELVES);
    return unpinned;
}

static void dispose(struct self *self)
{
    detector_thread_forget(lockhound.detector, self->thread);
    release_memory(self);
}

void self_unpin(struct self *self)
{
    rank_enter(OWN_RANK_SELVES);
    bool last = --self->pins == 0 && self->orphan;
    rank_leave(OWN_RANK_SELVES);
    if (last)
        dispose(self);
}

bool self_end(struct self *self, struct thread_past *past)
{
    forget_own_objects(self);
    emit_thread_end(self, (struct stack_id){0});
    self_current = SELF_GONE;
    atomic_fetch_sub_explicit(&self_known_count, 1, memory_order_relaxed);
    rank_enter(OWN_RANK_SELVES);
    self->life = SELF_ENDED;
    live_count--;
    bool detached = self->detached; /* else whoever joins or detaches it later releases it */
    rank_leave(OWN_RANK_SELVES);
    if (!detached)
        return false;
    *past = thread_past(self->thread);
    self_release(self);
    return true;
}

void self_release(struct self *self)
{
    if (retire(self))
        dispose(self);
}

bool self_mark_detached(struct self *self)
{
    rank_enter(OWN_RANK_SELVES);
    self->detached = true;
    bool ended = self->life == SELF_ENDED;
    rank_leave(OWN_RANK_SELVES);
    return ended;
}

struct self *self_by_handle(pthread_t handle)
{
    rank_enter(OWN_RANK_SELVES);
    struct self *self = *bucket_of(handle);
    while (self != NULL && self->handle != handle)
        self = self->next;
    rank_leave(OWN_RANK_SELVES);
    return self;
}

size_t self_live_count(void)
{
    rank_enter(OWN_RANK_SELVES);
    size_t live = live_count;
    rank_leave(OWN_RANK_SELVES);
    return live;
}

bool self_is_anothers(const struct self *self)
{
    return self->is_shared && (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0) != self->tid;
}

void self_set_name(struct self *self, const char *name)
{
    thread_records_set_name(thread_identity(self->thread), name);
}

bool self_is_spinning(pid_t tid)
{
    bool result = false;
    rank_enter(OWN_RANK_SELVES);
    for (unsigned i = 0; i < HANDLE_BUCKETS; i++)
        for (const struct self *self = by_handle[i]; self != NULL; self = self->next)
            result = result || (self->tid == tid && relaxed_load(&self->spins));
    rank_leave(OWN_RANK_SELVES);
    return result;
}

void self_sum_events(uint64_t *events, uint64_t *handlers_unseen)
{
    rank_enter(OWN_RANK_SELVES);
    *events = ended_events;
    *handlers_unseen = ended_handlers_unseen;
    for (unsigned i = 0; i < HANDLE_BUCKETS; i++)
        for (const struct self *self = by_handle[i]; self != NULL; self = self->next) {
            *events += relaxed_load(&self->events);
            *handlers_unseen += relaxed_load(&self->handlers_unseen);
        }
    rank_leave(OWN_RANK_SELVES);
}

struct thread_id self_with_stack_in(uintptr_t low, uintptr_t high)
{
    struct thread_id found = {0};
    rank_enter(OWN_RANK_SELVES);
    for (unsigned i = 0; i < HANDLE_BUCKETS && found.v == 0; i++)
        for (struct self *self = by_handle[i]; self != NULL; self = self->next)
            if (self->life != SELF_ENDED && self->stack_high >= low && self->stack_high < high)
                found = thread_identity(self->thread);
    rank_leave(OWN_RANK_SELVES);
    return found;
}

/* The stack of a thread that does not exist in the child is given to the next that is made: what lived there is no
 * more, held or not. */
static void forget_objects_of_others(struct self *self)
{
    for (unsigned i = 0; i < HANDLE_BUCKETS; i++)
        for (const struct self *other = by_handle[i]; other != NULL; other = other->next)
            if (other != self && other->stack_high == other->handle && other->lowest_stack_object < other->handle)
                object_range_gone(lockhound.detector, self->thread, other->lowest_stack_object, other->handle, false,
                                  (struct stack_id){0});
}

void self_fork_child(struct self *self)
{
    /* Other threads do not exist here.  Their memory is left alone: something of theirs may be referred to. */
    forget_objects_of_others(self);
    memset(by_handle, 0, sizeof by_handle);
    self->link = NULL;
    self->next = NULL;
    enlist(self, pthread_self());
    live_count = 1;
    atomic_store_explicit(&self_known_count, 1, memory_order_relaxed);
    self->is_shared = false;
    self->tid = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    thread_records_set_tid(thread_identity(self->thread), self->tid);
}

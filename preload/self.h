/* self.h: what the library knows of the calling thread, one pointer away in thread-local storage.
 *
 *   born (creator made it) -> live (runs the program's code) -> dying (exit handlers, TLS destructors) -> gone
 *
 * Invariant: self_current is NULL before the thread is known and SELF_GONE after it has ended; hook_enter() sees to it
 *            that a hook then passes straight through.
 * Threads:   a struct self is written by its own thread, except `name`, `handle` and `life`, under the registry's lock.
 * Memory:    from the arena; recycled when the thread is gone and nobody can name it any more.
 */
#ifndef LOCKHOUND_PRELOAD_SELF_H
#define LOCKHOUND_PRELOAD_SELF_H

#include "detector/detector.h"
#include "preload/libc_types.h"
#include "preload/stack_cache.h"

enum self_life { SELF_BORN, SELF_LIVE, SELF_DYING, SELF_ENDED };

enum { OBJECT_CACHE_SIZE = 256, THREAD_NAME_SIZE = 32 };

struct object_cache_line {
    uint64_t address;
    struct object *object;
};

struct self {
    struct thread *thread;  /* the detector's part */
    bool inside;            /* in one of our hooks: whatever we call passes through */
    uintptr_t inside_frame; /* where on the stack that hook stands */
    uint64_t passed_inside; /* calls not seen because of it */
    uint64_t events;        /* calls seen */

    uintptr_t stack_low, stack_high;   /* the thread's own stack */
    uintptr_t lowest_stack_object;     /* the lowest object that lives there; UINTPTR_MAX when none does */

    enum self_life life;
    bool detached, joined, foreign;
    pthread_t handle;
    pid_t tid;
    char name[THREAD_NAME_SIZE];
    struct stack_id created_at;
    struct thread_id creator;
    struct self *next; /* in the registry */

    struct object_cache_line objects[OBJECT_CACHE_SIZE];
    struct stack_cache stacks;
};

extern __thread struct self *self_current __attribute__((tls_model("initial-exec")));

/* Stands in self_current after the thread has ended: late calls pass through. */
#define SELF_GONE ((struct self *)1)

/* Makes the calling thread known: the first thread, or one that was created behind our back.
 * Returns: NULL when there is no memory.  Context: early, reentrant, takes(registry). */
struct self *self_adopt(void);

/* Returns: a self for a thread about to be created by `creator`, or NULL.  Context: takes(registry). */
struct self *self_new(struct self *creator, bool detached, struct stack_id created_at);
/* The creation failed.  Context: takes(registry). */
void self_abandon(struct self *self);
/* First and last act of a thread on itself.  Context: takes(registry). */
void self_start(struct self *self);
void self_end(struct self *self);

#endif

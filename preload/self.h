/* self.h: what the library knows of the calling thread, one pointer away in thread-local storage.
 *
 *   born (creator made it) -> live (runs the program's code) -> dying (exit handlers, TLS destructors) -> gone
 *
 * Invariant: self_current is NULL before the thread is known and SELF_GONE after it has ended; hook_enter() sees to it
 *            that a hook then passes straight through.
 * Threads:   a struct self is written by its creator until it is live, then by its own thread; except `handle`, `life`,
 *            `detached`, `orphan`, `pins`, `next` and `link`, which several write, under OWN_RANK_SELVES.
 * Memory:    from the arena; recycled when the thread is gone and nobody can name it any more.
 */
#ifndef LOCKHOUND_PRELOAD_SELF_H
#define LOCKHOUND_PRELOAD_SELF_H

#include "detector/detector.h"
#include "detector/relaxed.h"
#include "preload/call_path.h"
#include "preload/futex_word.h"
#include "preload/libc_types.h"
#include "preload/stack_cache.h"

/* What a thread may be annotated to do unseen: indices of `ignored`. */
enum { SELF_IGNORES_READS, SELF_IGNORES_WRITES, SELF_IGNORES_KINDS };

enum self_life { SELF_BORN, SELF_LIVE, SELF_ENDED };

enum { OBJECT_CACHE_SIZE = 256, SIGNAL_LEVELS_MAX = 8 };

/* How much of its stack a thread surely has for itself.  Units: bytes.  Below the first one's the kernel maps nothing
 * within 128 MiB (mmap_base() in arch/x86/mm/mmap.c). */
enum { FIRST_STACK_SURE = 120 << 20, THREAD_STACK_SURE = 256 << 10 };

/* A signal handler that runs: where its return address stands on the stack, and what it is. */
struct signal_level {
    uintptr_t place, value;
};

struct object_cache_line {
    uint64_t address;
    struct object *object;
    uint64_t uses; /* since it stands here, while accesses are checked */
};

struct contention_thread;
struct cpython_thread;
struct once_run;
struct plane;
struct plane_header;
struct sharing_thread;

struct self {
    struct thread *thread;  /* the detector's part */
    bool inside;            /* in one of our hooks: whatever we call passes through */
    bool is_shared;         /* threads of clone() have its thread-local storage: `inside` for good, see self_leave() */
    uintptr_t inside_frame; /* where on the stack that hook stands */
    struct signal_level interrupter;  /* the handler that has interrupted it; place 0: none has; see nesting.h */
    _Atomic uint64_t handlers_unseen; /* signal handlers that interrupted a hook: their calls passed through */
    _Atomic uint64_t events;          /* calls seen */

    uintptr_t stack_low;           /* the thread's own frames lie between; the lowest may lie below, so that */
    uintptr_t stack_high;          /* no fiber's and no signal's stack is taken for the thread's own */
    uintptr_t lowest_stack_object; /* no object on it lies below; UINTPTR_MAX when there is none at all */
    uintptr_t stack_watch;         /* the same, but 0 while a signal handler runs: every hook looks then */

    struct signal_level signal_levels[SIGNAL_LEVELS_MAX]; /* outermost first; see intercept/signals.h */
    unsigned signal_depth;

    struct sharing_thread *sharing;       /* what it holds that other processes may want; see sharing.h */
    uint32_t shared_signals;              /* of a shared condition, before it began to wait */
    struct plane *plane;                  /* of tags, when the program is woven; see weave/plane.h */
    struct plane_header *plane_header;    /* the same, or a blind thread's */
    struct contention_thread *contention; /* of contention.c; NULL unless it counts */
    struct once_run *once;                /* innermost call of a once function; see intercept/once.c */
    struct futex_word futex_word;         /* that it sleeps on, or did last */
    const struct object *traced_request;  /* of the trace: asked for and not yet taken; see trace.h */

    enum self_life life;
    bool detached, foreign;
    bool orphan;        /* nobody can name it any more: its memory goes with the last pin */
    unsigned pins;      /* its creator, until it has learned the handle */
    size_t stack_size;  /* that its creator asked for; 0 when not known */
    bool holds_signals; /* it begins with its signals blocked, and not with the mask that it is to have */
    atomic_bool spins;  /* waits for a spin lock, which the kernel takes for running */
    bool creates;       /* libc makes a thread for it */
    uint64_t signal_mask;
    unsigned destructor_rounds;
    uint16_t ignored[SELF_IGNORES_KINDS]; /* depth of what an annotation asks not to look at */
    void *(*routine)(void *);             /* what it was created to run; one of the two */
    int (*c11_routine)(void *);
    void *argument;
    pthread_t handle;
    pid_t tid;
    struct self *next, **link; /* in the registry */

    struct cpython_thread *cpython; /* see runtimes/cpython.h; NULL until it has held the interpreter's lock */

    struct object_cache_line objects[OBJECT_CACHE_SIZE];
    struct stack_cache stacks;
    struct call_path path;     /* of the program's frames */
    struct unwound *last_walk; /* of libunwind_walk.c; NULL before the first */
};

extern __thread struct self *self_current __attribute__((tls_model("initial-exec")));

/* Stands in self_current after the thread has ended: late calls pass through. */
#define SELF_GONE ((struct self *)1)

/* Makes the calling thread known: the first thread, or one that was created behind our back.
 * Returns: NULL when there is no memory.  Context: early, reentrant, takes(OWN_RANK_SELVES). */
struct self *self_adopt(void);

/* Returns: a self for a thread about to be created by `creator`, or NULL.  Context: takes(OWN_RANK_SELVES). */
struct self *self_new(struct self *creator, bool detached, struct stack_id created_at);
/* The thread is known by this handle from now on, unless it has made itself known: then `handle`, which libc wrote before
 * the thread began, may be gone, and is not looked at.  Context: takes(OWN_RANK_SELVES). */
void self_publish(struct self *self, const pthread_t *handle);
/* The creator needs it no longer.  Context: takes(OWN_RANK_SELVES). */
void self_unpin(struct self *self);
/* Returns: true when it has already ended, and the caller should self_release() it.  Context: takes(OWN_RANK_SELVES). */
bool self_mark_detached(struct self *self);
/* The creation failed.  Context: takes(OWN_RANK_SELVES). */
void self_abandon(struct self *self);
/* Returns: the thread whose handle this is, born or live or ended but not yet joined; NULL otherwise.
 * Context: takes(OWN_RANK_SELVES). */
struct self *self_by_handle(pthread_t handle);
/* Threads that are known: being made, born or live; for struct race_host. */
extern _Atomic uint32_t self_known_count;
/* Returns: threads that have started and not ended.  Context: takes(OWN_RANK_SELVES). */
size_t self_live_count(void);
/* Returns: true for a thread of this process that waits for a spin lock.  Context: takes(OWN_RANK_SELVES). */
bool self_is_spinning(pid_t tid);
/* Adds up what all threads counted so far.  Context: takes(OWN_RANK_SELVES). */
void self_sum_events(uint64_t *events, uint64_t *handlers_unseen);
/* The calling thread is the only one of this process now.  Context: fork-child. */
void self_fork_child(struct self *self);
/* It was joined, or ended detached: its memory may serve another thread.  Context: takes(OWN_RANK_SELVES). */
void self_release(struct self *self);

/* A hook, or a routine of woven code, is left.  Where others share the storage every hook goes the slow way, and 0 is the frame of
 * none.  Context: signal, in-malloc. */
static inline void self_count_event(struct self *self)
{
    relaxed_count(&self->events);
}

static inline void self_leave(struct self *self)
{
    if (__builtin_expect(self->is_shared, 0))
        self->inside_frame = 0;
    else
        self->inside = false;
}
/* Returns: true when `address` is on the thread's own stack.  Context: signal, in-malloc, loader-lock. */
static inline bool self_owns_stack(const struct self *self, uintptr_t address)
{
    return address >= self->stack_low && address < self->stack_high;
}
/* Returns: true in a thread of clone() that has the storage of the one that `self` is.  Context: signal, in-malloc, loader-lock. */
bool self_is_anothers(const struct self *self);

/* First and last act of a thread on itself.  Context: takes(OWN_RANK_SELVES). */
void self_start(struct self *self);
/* Returns: true when it was detached, and nobody else releases it; *past is then what is to be known of it.
 * Context: takes(OWN_RANK_SELVES). */
bool self_end(struct self *self, struct thread_past *past);

/* Context: signal, takes(OWN_RANK_SELVES). */
void self_set_name(struct self *self, const char *name);
/* Returns: the thread whose own stack reaches up to an address in [low, high), or 0.
 * Context: takes(OWN_RANK_SELVES). */
struct thread_id self_with_stack_in(uintptr_t low, uintptr_t high);

#endif

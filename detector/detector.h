/* detector.h: the events of a threaded program, as verbs; behind them the engines.
 *
 *   intercept/mutex.c --+                                   +--> clocks      happens-before, hand-over order
 *   intercept/cond.c  --+--> detector_*() --> per event  ---+--> lock_order  cycles of held -> requested
 *   trace text        --+                                   +--> wait_for    who waits for whom, now
 *                                                           +--> usage       misuse automata
 *                                                                   |
 *                                                                   +--> host->report(finding)
 *
 * The verbs are the vocabulary of event.h; a live process calls them directly, a trace is parsed into them, and the
 * engines cannot tell the two apart.
 *
 * Threads:   a verb may be called by many threads at once, each with its own `struct thread`; only detector.c takes
 *            ranks.  In the steady state (known object, known nesting, same thread again) a lock's request, acquired
 *            and released take no rank, allocate nothing and write only memory of the calling thread and of the
 *            lock's own object.  A verb is not re-entrant: a signal handler that interrupts a verb of its own thread
 *            calls none, and a fork happens with every rank held by the forking thread.
 * Protocol:  request before the real call, acquired after it succeeded, released before the real release.
 * Stacks:    `at` is the stack of the program's call, interned by the host.
 */
#ifndef LOCKHOUND_DETECTOR_DETECTOR_H
#define LOCKHOUND_DETECTOR_DETECTOR_H

#include "detector/finding.h"
#include "detector/host.h"

struct detector; /* one a process or trace; detector.c */
struct thread;   /* one a thread; thread.h */
struct object;   /* one a synchronisation object, generation by generation; object.h */

struct detector_options {
    bool enabled[FINDING_COUNT];
    bool hybrid_races;               /* keep what --races=hybrid needs: loose.h */
    uint32_t lock_held_threshold_ms; /* for lock-held-too-long */
    uint32_t max_dependencies;       /* budget of the lock-order engine; 0 for the default of 65536 */
};

/* What the detector has seen and what it had to give up; for the summary of a run. */
struct detector_counts {
    uint64_t findings[FINDING_COUNT]; /* distinct, as reported */
    uint64_t repeats;                 /* found again and not reported */
    uint64_t threads, threads_live_max;
    uint64_t objects[OBJECT_KIND_COUNT];
    uint64_t order_edges, order_dependencies, order_cycles_filtered;
    uint64_t lost_dependencies; /* lock-order evidence not kept: budget spent */
    uint64_t lost_objects;      /* objects not tracked: memory budget spent */
    uint64_t lost_history;      /* clocks or cycle searches cut short */
};

void detector_options_default(struct detector_options *options);

/* Returns: a detector on memory of `host`, which must outlive it, or NULL when there is none. */
struct detector *detector_new(const struct detector_host *host, const struct detector_options *options);
void detector_delete(struct detector *d);
void detector_counts(struct detector *d, struct detector_counts *counts);

/* ---- threads --------------------------------------------------------------------------------------------------- */

size_t thread_size(void); /* Units: bytes that a struct thread takes, a multiple of 64 */

/* Makes `t` (thread_size() zeroed bytes of the host) a thread created by `parent` at `at`; orders what the parent did
 * so far before everything the thread does.  parent is NULL for the first thread and for foreign ones.  Call it in
 * the parent, before the real creation; on failure undo with detector_thread_forget(). */
void detector_thread_create(struct detector *d, struct thread *t, struct thread *parent, bool detached,
                            struct stack_id at);
void detector_thread_start(struct detector *d, struct thread *t);
/* The thread runs no more code of the program.  Reports locks it still holds. */
void detector_thread_end(struct detector *d, struct thread *t, struct stack_id at);
/* `target` is about to be asked to end: its waits that are cancellation points end by themselves from now on. */
void detector_thread_cancelled(struct thread *target);
/* Checks join-self, double-join, a join that closes a circle.  `target` NULL when the identifier names nobody. */
void detector_join_request(struct detector *d, struct thread *t, struct thread *target, bool timed, struct stack_id at);
void detector_joined(struct detector *d, struct thread *t, struct thread *target);
void detector_join_failed(struct detector *d, struct thread *t, struct thread *target);
void detector_detach(struct detector *d, struct thread *t, struct thread *target, struct stack_id at);
/* A use of an identifier whose thread has already been joined or detached and is gone. */
void detector_stale_join(struct detector *d, struct thread *t, const struct thread_past *gone, struct stack_id at);
void detector_stale_detach(struct detector *d, struct thread *t, const struct thread_past *gone, struct stack_id at);
/* Returns: what those two are to know of `t`, which was joined or detached and is about to be forgotten. */
struct thread_past thread_past(const struct thread *t);
/* The host will reuse the memory of `t`: it never started, or ended and was joined or detached. */
void detector_thread_forget(struct detector *d, struct thread *t);
/* At the end of the process: reports thread-leak for each thread that ended unjoined. */
void detector_process_end(struct detector *d, struct thread *t);
/* In the child of a fork: `t` is the only thread.  Locks that others held are orphaned: wanting one is a finding. */
void detector_fork_child(struct detector *d, struct thread *t);

struct thread_id thread_identity(const struct thread *t);
bool thread_holds_any(const struct thread *t);

/* A signal handler begins or ends on this thread; nests. */
void detector_signal_enter(struct detector *d, struct thread *t, int signal_number);
void detector_signal_leave(struct detector *d, struct thread *t);
/* What signals may do to a sleeping program. */
enum signal_handlers {
    HANDLERS_NONE,
    HANDLERS_INSTALLED, /* one may post a semaphore: an untimed wait for one may end */
    HANDLERS_INTERRUPT, /* only an interpreter's own: it posts nothing, but the user may break the wait off by Ctrl-C */
};
#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))
/* The program has set handlers for these: from now on locks that are taken while one of them may arrive are remembered. */
void detector_expect_signals(struct detector *d, uint64_t signals);
void detector_set_handlers_installed(struct detector *d, enum signal_handlers handlers);
enum signal_handlers detector_handlers_installed(const struct detector *d);

/* ---- objects --------------------------------------------------------------------------------------------------- */

enum mutex_type { MUTEX_NORMAL, MUTEX_RECURSIVE, MUTEX_ERRORCHECK, MUTEX_ADAPTIVE };

/* What the host knows of an object beyond its address; zero is a plain private one. */
struct object_traits {
    enum mutex_type type;
    bool robust;
    bool process_shared;
    bool prefers_writers; /* rwlock of PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP */
    bool is_static;       /* lives in a module's data, so that its address is never reused for another object */
    bool schedules;       /* condition: its signals say whose turn it is (an interpreter lock), not what was done */
    bool was_initialised; /* it may have been initialised unseen (static initialiser, before we were loaded) */
    uint32_t count;       /* initial value of a semaphore, parties of a barrier */
};

/* Returns: the live object at `address`, or NULL.  Takes no rank, writes nothing. */
struct object *object_find(struct detector *d, uint64_t address);
/* Returns: true when `o`, found earlier at `address`, is still that same live object.  One load and a compare. */
bool object_is_live_at(const struct object *o, uint64_t address);
/* The program initialises an object: a new generation.  Checks double-init and re-initialisation while in use.
 * Returns: the object, or NULL when it cannot be tracked. */
struct object *object_init(struct detector *d, struct thread *t, enum object_kind kind, uint64_t address,
                           const struct object_traits *traits, struct stack_id at);
/* First use of an object whose initialisation was not seen, or whose address belongs to an object of another kind.
 * Checks use-after-destroy, use-uninitialized (when traits->was_initialised is false) and invalid-object.  Where the
 * address is not static and the content may be that of a static initialiser, memory was reused: no finding.
 * Returns: the object, or NULL when it cannot be tracked. */
struct object *object_adopt(struct detector *d, struct thread *t, enum object_kind kind, uint64_t address,
                            const struct object_traits *traits, struct stack_id at);
/* Checks kind against what lives there.  Returns: false when they differ; reports invalid-object when the address cannot
 * have been reused unseen (is_static), otherwise go on with object_adopt(). */
bool object_check_kind(struct detector *d, struct thread *t, struct object *o, enum object_kind kind,
                       struct stack_id at);
/* Returns: true when `o` is held or waited for: its end would be reported for that. */
bool object_is_in_use(struct detector *d, struct object *o);
/* pthread_*_destroy, sem_destroy, sem_close. */
void object_destroy(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
/* The memory [low, high) of the program was freed, unmapped or popped off a stack: objects in it are gone.
 * `was_freed`: an explicit free, where a held lock is destroy-locked; else silence. */
void object_range_gone(struct detector *d, struct thread *t, uint64_t low, uint64_t high, bool was_freed,
                       struct stack_id at);
/* Returns: false when surely no object lives in the page(s) of [low, high): a cheap filter for free(). */
bool object_may_live_in(const struct detector *d, uint64_t low, uint64_t high);

/* ---- locks: mutex, rwlock, spinlock; semaphores used as locks join in by themselves ----------------------------- */

/* The thread is about to take the lock by a call that may block.  Feeds the lock order; checks self-deadlock. */
void detector_lock_request(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                           struct stack_id at);
/* It took it.  `owner_died` for EOWNERDEAD. */
void detector_lock_acquired(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode,
                            bool owner_died, struct stack_id at);
/* It is about to unlock.  The lock's mode is what it holds.  Checks unlock-not-owned and the like.  When the host's
 * real unlock then fails, it calls detector_lock_unrelease() and the state is as before. */
void detector_lock_released(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
/* As detector_lock_released(), where nothing can be found: the thread's innermost lock is `o`, of this kind, and its own.
 * Returns: false when it did nothing, for the other then to be called with a stack. */
bool detector_lock_release_quickly(struct thread *t, struct object *o, enum object_kind kind);
void detector_lock_unrelease(struct detector *d, struct thread *t, struct object *o);
void detector_mutex_consistent(struct detector *d, struct thread *t, struct object *o);

/* The thread is about to sleep on `o` until another thread acts (a try failed).  Publishes the wait, then looks for a
 * circle, then for a process in which everybody sleeps.  For OBJECT_THREAD waits use join_request. */
void detector_block(struct detector *d, struct thread *t, struct object *o, enum lock_mode mode, bool timed,
                    struct stack_id at);
void detector_unblock(struct detector *d, struct thread *t);
/* Opt-in: the thread enters a call that may block for long (read, sleep, ...), named by a static string. */
void detector_blocking_call(struct detector *d, struct thread *t, const char *what, struct stack_id at);

/* ---- condition variables ---------------------------------------------------------------------------------------- */

/* Releases `m`, sleeps.  Checks cond-wait-unlocked, cond-two-mutexes. */
void detector_cond_wait(struct detector *d, struct thread *t, struct object *c, struct object *m, bool timed,
                        struct stack_id at);
/* Returned, timed out or was cancelled: `m` is held again.  `woken`: by a signal, not by time or cancellation. */
void detector_cond_woken(struct detector *d, struct thread *t, struct object *c, struct object *m, bool woken,
                         bool owner_died, struct stack_id at);
void detector_cond_signal(struct detector *d, struct thread *t, struct object *c, bool broadcast, struct stack_id at);

/* ---- semaphores, barriers, once, futexes ------------------------------------------------------------------------ */

void detector_sem_request(struct detector *d, struct thread *t, struct object *s, bool timed, struct stack_id at);
void detector_sem_acquired(struct detector *d, struct thread *t, struct object *s, struct stack_id at);
/* The taker will post it itself, at the end of a block of the program's source (Python's `with`): it is a lock. */
void detector_sem_scoped(struct detector *d, struct thread *t, struct object *s);
/* Before the real post.  `overflows`: the value is at its maximum. */
void detector_sem_post(struct detector *d, struct thread *t, struct object *s, bool overflows, struct stack_id at);

void detector_barrier_arrive(struct detector *d, struct thread *t, struct object *b, struct stack_id at);
void detector_barrier_leave(struct detector *d, struct thread *t, struct object *b);
/* Returns: true while threads of a full round, and none of another, have not called detector_barrier_leave() yet.  The end of
 * the barrier waits for them; what they are to hear in there must not be gone by then. */
bool detector_barrier_is_being_left(const struct object *b);

/* once: begin when this thread runs the routine, done when it returned (or `aborted` by cancellation or an exception),
 * passed when the call returned without running it. */
void detector_once_begin(struct detector *d, struct thread *t, struct object *o, struct stack_id at);
void detector_once_done(struct detector *d, struct thread *t, struct object *o, bool aborted);
void detector_once_passed(struct detector *d, struct thread *t, struct object *o);

/* A channel orders its sends before its receives: futex words, pipes, annotations. */
void detector_channel_send(struct detector *d, struct thread *t, struct object *channel);
void detector_channel_receive(struct detector *d, struct thread *t, struct object *channel);

#endif

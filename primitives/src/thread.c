#include <lhp/thread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shutdown.h"
#include "timing.h"

enum thread_state { THREAD_NEW, THREAD_ALIVE, THREAD_FINISHED, THREAD_JOINED };

/* The registry's mutex guards the list, the references and the names; the thread's own guards its state. */
struct lhp_thread {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum thread_state state;
    bool joining; /* a thread is in pthread_join() for all others */
    bool asked;   /* somebody waits for the thread to have begun */
    bool foreign; /* not made here: main, or pthread_create() by somebody else */
    bool daemon;
    int error;
    int (*fn)(void *arg);
    void *arg;
    size_t stack_size;
    unsigned forks; /* how many forks lay before the start: after one more the thread is not there */
    pthread_t ident;
    pid_t native_id;
    char name[32];
    unsigned refs;
    struct lhp_thread *prev, *next; /* in the registry while alive */
    struct lhp_thread *next_waited; /* in the list of those that the end of the process waits for */
};

static struct {
    pthread_mutex_t mutex;
    struct lhp_thread *first;
    size_t count;
    struct lhp_thread *main;
    unsigned names; /* handed out as Thread-N */
    void (*hook)(struct lhp_thread *thread, int error);
    pthread_key_t foreign_ends;
    unsigned forks;
} registry = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct lhp_thread main_thread;
static _Thread_local struct lhp_thread *current;

static void registry_add(struct lhp_thread *t)
{
    t->prev = NULL;
    t->next = registry.first;
    if (t->next)
        t->next->prev = t;
    registry.first = t;
    registry.count++;
}

static void registry_remove(struct lhp_thread *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        registry.first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    registry.count--;
}

static void thread_init(struct lhp_thread *t, enum thread_state state)
{
    pthread_mutex_init(&t->mutex, NULL);
    timing_cond_init(&t->changed);
    t->state = state;
    t->refs = 1;
    t->forks = registry.forks;
}

static void thread_free(struct lhp_thread *t)
{
    if (!t->foreign && t->state == THREAD_FINISHED && t->forks == registry.forks)
        pthread_detach(t->ident);
    /* In a child, waiters that are not there would be waited for. */
    if (t->forks == registry.forks)
        pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->mutex);
    if (t != &main_thread)
        free(t);
}

struct lhp_thread *lhp_thread_retain(struct lhp_thread *thread)
{
    pthread_mutex_lock(&registry.mutex);
    thread->refs++;
    pthread_mutex_unlock(&registry.mutex);
    return thread;
}

void lhp_thread_release(struct lhp_thread *thread)
{
    pthread_mutex_lock(&registry.mutex);
    bool last = --thread->refs == 0;
    pthread_mutex_unlock(&registry.mutex);
    if (last)
        thread_free(thread);
}

static void foreign_ended(void *thread)
{
    struct lhp_thread *t = thread;
    pthread_mutex_lock(&registry.mutex);
    registry_remove(t);
    pthread_mutex_unlock(&registry.mutex);
    pthread_mutex_lock(&t->mutex);
    t->state = THREAD_JOINED;
    pthread_mutex_unlock(&t->mutex);
    current = NULL;
    lhp_thread_release(t);
}

static struct lhp_thread *foreign_adopt(void)
{
    struct lhp_thread *t = calloc(1, sizeof(*t));
    if (!t)
        abort(); /* a thread cannot go on without knowing itself, and there is no one to tell */
    thread_init(t, THREAD_ALIVE);
    t->foreign = t->daemon = true;
    t->ident = pthread_self();
    t->native_id = gettid();
    pthread_mutex_lock(&registry.mutex);
    snprintf(t->name, sizeof(t->name), "Dummy-%u", ++registry.names);
    registry_add(t);
    pthread_mutex_unlock(&registry.mutex);
    pthread_setspecific(registry.foreign_ends, t);
    return t;
}

struct lhp_thread *lhp_thread_current(void)
{
    if (!current)
        current = foreign_adopt();
    return current;
}

struct lhp_thread *lhp_thread_main(void)
{
    pthread_mutex_lock(&registry.mutex);
    struct lhp_thread *main = registry.main;
    pthread_mutex_unlock(&registry.mutex);
    return main;
}

static void fork_prepare(void)
{
    pthread_mutex_lock(&registry.mutex);
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&registry.mutex);
}

/* The other threads are not in the child; what they had locked will never be unlocked. */
static void fork_child(void)
{
    struct lhp_thread *next;
    registry.forks++;
    lhp_shutdown_forget_calls();
    for (struct lhp_thread *t = registry.first; t; t = next) {
        next = t->next;
        if (t == current)
            continue;
        registry_remove(t);
        t->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        t->state = THREAD_JOINED;
        if (--t->refs == 0 && t != &main_thread)
            free(t);
    }
    if (current) {
        current->native_id = gettid();
        current->forks = registry.forks;
        registry.main = current;
    }
    pthread_mutex_unlock(&registry.mutex);
}

__attribute__((constructor)) static void thread_module_init(void)
{
    thread_init(&main_thread, THREAD_ALIVE);
    main_thread.foreign = true;
    main_thread.ident = pthread_self();
    main_thread.native_id = gettid();
    strcpy(main_thread.name, "MainThread");
    registry.main = current = &main_thread;
    registry_add(&main_thread);
    pthread_key_create(&registry.foreign_ends, foreign_ended);
    pthread_atfork(fork_prepare, fork_parent, fork_child);
    atexit(lhp_thread_shutdown);
}

struct lhp_thread *lhp_thread_new(int (*fn)(void *arg), void *arg, const struct lhp_thread_options *options)
{
    static const struct lhp_thread_options defaults;
    const struct lhp_thread_options *o = options ? options : &defaults;
    struct lhp_thread *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    thread_init(t, THREAD_NEW);
    t->fn = fn;
    t->arg = arg;
    t->stack_size = o->stack_size;
    t->daemon = o->daemon == LHP_DAEMON_YES;
    if (o->daemon == LHP_DAEMON_INHERIT)
        t->daemon = !lhp_thread_current()->foreign && lhp_thread_current()->daemon;
    pthread_mutex_lock(&registry.mutex);
    if (o->name)
        snprintf(t->name, sizeof(t->name), "%s", o->name);
    else
        snprintf(t->name, sizeof(t->name), "Thread-%u", ++registry.names);
    pthread_mutex_unlock(&registry.mutex);
    return t;
}

static void thread_set_state(struct lhp_thread *t, enum thread_state state)
{
    pthread_mutex_lock(&t->mutex);
    t->state = state;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

static void thread_finished(void *thread)
{
    struct lhp_thread *t = thread;
    pthread_mutex_lock(&registry.mutex);
    registry_remove(t);
    pthread_mutex_unlock(&registry.mutex);
    current = NULL;
    thread_set_state(t, THREAD_FINISHED);
    lhp_thread_release(t);
}

static void thread_failed(struct lhp_thread *t, int error)
{
    pthread_mutex_lock(&t->mutex);
    t->error = error;
    pthread_mutex_unlock(&t->mutex);
    pthread_mutex_lock(&registry.mutex);
    void (*hook)(struct lhp_thread *, int) = registry.hook;
    pthread_mutex_unlock(&registry.mutex);
    if (hook) {
        hook(t, error);
        return;
    }
    char name[sizeof(t->name)];
    lhp_thread_name(t, name, sizeof(name));
    fprintf(stderr, "Exception in thread %s: error %d\n", name, error);
}

static void thread_apply_name(struct lhp_thread *t)
{
    char name[16]; /* the kernel's limit */
    snprintf(name, sizeof(name), "%.15s", t->name);
    pthread_setname_np(t->ident, name);
}

static void thread_introduce(struct lhp_thread *t)
{
    current = t;
    pthread_mutex_lock(&registry.mutex);
    t->ident = pthread_self(); /* the starter may not have stored it yet */
    thread_apply_name(t);
    pthread_mutex_unlock(&registry.mutex);
    pthread_mutex_lock(&t->mutex);
    t->native_id = gettid();
    if (t->asked)
        pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
}

static void *thread_body(void *thread)
{
    struct lhp_thread *t = thread;
    pthread_cleanup_push(thread_finished, t);
    thread_introduce(t);
    int error = t->fn(t->arg);
    if (error)
        thread_failed(t, error);
    pthread_cleanup_pop(1);
    return NULL;
}

/* Registered before it exists, so that nobody sees a started thread that is not in the list; a fork in between finds a
 * thread that is not there, as it finds all others. */
static enum lhp_status thread_create(struct lhp_thread *t)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    if (t->stack_size)
        pthread_attr_setstacksize(&attr, t->stack_size);
    pthread_mutex_lock(&registry.mutex);
    t->refs++; /* the running thread's own */
    t->forks = registry.forks;
    registry_add(t);
    pthread_mutex_unlock(&registry.mutex);
    pthread_t ident;
    int err = pthread_create(&ident, &attr, thread_body, t);
    pthread_attr_destroy(&attr);
    pthread_mutex_lock(&registry.mutex);
    if (err)
        registry_remove(t);
    else
        t->ident = ident;
    pthread_mutex_unlock(&registry.mutex);
    if (!err)
        return LHP_OK;
    thread_set_state(t, THREAD_NEW);
    lhp_thread_release(t);
    errno = err;
    return LHP_SYSTEM;
}

enum lhp_status lhp_thread_start(struct lhp_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    bool fresh = thread->state == THREAD_NEW;
    if (fresh)
        thread->state = THREAD_ALIVE;
    pthread_mutex_unlock(&thread->mutex);
    return fresh ? thread_create(thread) : LHP_BAD_STATE;
}

static void join_cancelled(void *thread)
{
    struct lhp_thread *t = thread;
    pthread_mutex_lock(&t->mutex);
    t->joining = false;
    pthread_cond_broadcast(&t->changed);
}

/* With the mutex held: one joiner asks the system, for all.  Cancelled, it leaves that to another. */
static void thread_join_system(struct lhp_thread *t, pthread_t ident)
{
    t->joining = true;
    pthread_mutex_unlock(&t->mutex);
    pthread_cleanup_push(join_cancelled, t);
    pthread_join(ident, NULL);
    pthread_cleanup_pop(0);
    pthread_mutex_lock(&t->mutex);
    t->state = THREAD_JOINED;
    pthread_cond_broadcast(&t->changed);
}

/* With the mutex held.  A joiner with all the time in the world lets the system do the waiting. */
static enum lhp_status thread_await_end(struct lhp_thread *t, const struct deadline *d)
{
    int err = 0;
    if (t->forks != registry.forks)
        return LHP_OK; /* a thread of the process this one was forked from */
    while (t->state < THREAD_JOINED) {
        pthread_t ident = lhp_thread_ident(t); /* none yet while another thread is in the middle of starting it */
        if (t->state == THREAD_NEW)
            return LHP_BAD_STATE;
        if (ident && !t->joining && (t->state == THREAD_FINISHED || d->forever)) {
            thread_join_system(t, ident);
            continue;
        }
        if (err == ETIMEDOUT)
            return LHP_TIMEOUT;
        t->asked = true;
        err = timing_cond_wait_until(&t->changed, &t->mutex, d);
    }
    return LHP_OK;
}

static enum lhp_status thread_join_until(struct lhp_thread *t, const struct deadline *d)
{
    enum lhp_status status;
    pthread_mutex_lock(&t->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &t->mutex);
    status = thread_await_end(t, d);
    pthread_cleanup_pop(1);
    return status;
}

enum lhp_status lhp_thread_join(struct lhp_thread *thread)
{
    return lhp_thread_join_for(thread, LHP_FOREVER);
}

enum lhp_status lhp_thread_join_for(struct lhp_thread *thread, int64_t timeout_ns)
{
    if (thread == current)
        return LHP_DEADLOCK;
    pthread_mutex_lock(&thread->mutex);
    bool joinable = thread->state != THREAD_NEW && (!thread->foreign || thread->state == THREAD_JOINED);
    pthread_mutex_unlock(&thread->mutex);
    if (!joinable)
        return LHP_BAD_STATE;
    struct deadline d = deadline_after(timeout_ns);
    return thread_join_until(thread, &d);
}

bool lhp_thread_is_alive(struct lhp_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    bool alive = thread->state == THREAD_ALIVE;
    pthread_mutex_unlock(&thread->mutex);
    return alive;
}

void lhp_thread_name(struct lhp_thread *thread, char *name, size_t size)
{
    pthread_mutex_lock(&registry.mutex);
    snprintf(name, size, "%s", thread->name);
    pthread_mutex_unlock(&registry.mutex);
}

void lhp_thread_set_name(struct lhp_thread *thread, const char *name)
{
    pthread_mutex_lock(&thread->mutex);
    bool alive = thread->state == THREAD_ALIVE;
    pthread_mutex_lock(&registry.mutex);
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    /* Alive and its mutex held: the identifier stays valid, for the thread must pass this mutex to end. */
    if (alive)
        thread_apply_name(thread);
    pthread_mutex_unlock(&registry.mutex);
    pthread_mutex_unlock(&thread->mutex);
}

pthread_t lhp_thread_ident(struct lhp_thread *thread)
{
    pthread_mutex_lock(&registry.mutex);
    pthread_t ident = thread->ident;
    pthread_mutex_unlock(&registry.mutex);
    return ident;
}

pid_t lhp_thread_native_id(struct lhp_thread *thread)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&thread->mutex);
    while (thread->native_id == 0 && thread->state == THREAD_ALIVE) {
        thread->asked = true;
        pthread_cond_wait(&thread->changed, &thread->mutex);
    }
    pid_t id = thread->native_id;
    pthread_mutex_unlock(&thread->mutex);
    pthread_setcancelstate(cancel, NULL);
    return id;
}

bool lhp_thread_daemon(struct lhp_thread *thread)
{
    return thread->daemon;
}

int lhp_thread_error(struct lhp_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    int error = thread->error;
    pthread_mutex_unlock(&thread->mutex);
    return error;
}

size_t lhp_thread_enumerate(struct lhp_thread **threads, size_t capacity)
{
    size_t n = 0;
    pthread_mutex_lock(&registry.mutex);
    for (struct lhp_thread *t = registry.first; t; t = t->next, n++) {
        if (n >= capacity)
            continue;
        t->refs++;
        threads[n] = t;
    }
    pthread_mutex_unlock(&registry.mutex);
    return n;
}

size_t lhp_thread_active_count(void)
{
    return lhp_thread_enumerate(NULL, 0);
}

void lhp_thread_set_exception_hook(void (*hook)(struct lhp_thread *thread, int error))
{
    pthread_mutex_lock(&registry.mutex);
    registry.hook = hook;
    pthread_mutex_unlock(&registry.mutex);
}

/* Returns: references to the threads that the process waits for, as a list; NULL when none is left. */
static struct lhp_thread *shutdown_waited_threads(void)
{
    struct lhp_thread *waited = NULL;
    pthread_mutex_lock(&registry.mutex);
    for (struct lhp_thread *t = registry.first; t; t = t->next) {
        if (!t->daemon && !t->foreign && t != current) {
            t->refs++;
            t->next_waited = waited;
            waited = t;
        }
    }
    pthread_mutex_unlock(&registry.mutex);
    return waited;
}

void lhp_thread_shutdown(void)
{
    /* Before the calls: they may let a thread end, and an ended one is no longer listed. */
    struct lhp_thread *waited = shutdown_waited_threads();
    lhp_shutdown_run_calls();
    do {
        for (struct lhp_thread *next; waited; waited = next) {
            next = waited->next_waited;
            lhp_thread_join(waited);
            lhp_thread_release(waited);
        }
        waited = shutdown_waited_threads();
    } while (waited);
}

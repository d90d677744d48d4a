#include "thread_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shutdown.h"
#include "timing.h"

struct lhp_thread *lhp_thread_new(int (*fn)(void *arg), void *arg, const struct lhp_thread_options *options)
{
    static const struct lhp_thread_options defaults;
    const struct lhp_thread_options *o = options ? options : &defaults;
    struct lhp_thread *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    lhp_registry_init(t, THREAD_NEW);
    t->fn = fn;
    t->arg = arg;
    t->stack_size = o->stack_size;
    t->daemon = o->daemon == LHP_DAEMON_YES;
    if (o->daemon == LHP_DAEMON_INHERIT)
        t->daemon = !lhp_thread_current()->foreign && lhp_thread_current()->daemon;
    pthread_mutex_lock(&lhp_registry.mutex);
    if (o->name)
        snprintf(t->name, sizeof(t->name), "%s", o->name);
    else
        snprintf(t->name, sizeof(t->name), "Thread-%u", ++lhp_registry.names);
    pthread_mutex_unlock(&lhp_registry.mutex);
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
    pthread_mutex_lock(&lhp_registry.mutex);
    lhp_registry_remove(t);
    pthread_mutex_unlock(&lhp_registry.mutex);
    lhp_registry_current = NULL;
    thread_set_state(t, THREAD_FINISHED);
    lhp_thread_release(t);
}

static void thread_failed(struct lhp_thread *t, int error)
{
    pthread_mutex_lock(&t->mutex);
    t->error = error;
    pthread_mutex_unlock(&t->mutex);
    pthread_mutex_lock(&lhp_registry.mutex);
    void (*hook)(struct lhp_thread *, int) = lhp_registry.hook;
    pthread_mutex_unlock(&lhp_registry.mutex);
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
    lhp_registry_current = t;
    pthread_mutex_lock(&lhp_registry.mutex);
    t->ident = pthread_self(); /* the starter may not have stored it yet */
    thread_apply_name(t);
    pthread_mutex_unlock(&lhp_registry.mutex);
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
    pthread_mutex_lock(&lhp_registry.mutex);
    t->refs++; /* the running thread's own */
    t->forks = lhp_registry.forks;
    lhp_registry_add(t);
    pthread_mutex_unlock(&lhp_registry.mutex);
    pthread_t ident;
    int err = pthread_create(&ident, &attr, thread_body, t);
    pthread_attr_destroy(&attr);
    pthread_mutex_lock(&lhp_registry.mutex);
    if (err)
        lhp_registry_remove(t);
    else
        t->ident = ident;
    pthread_mutex_unlock(&lhp_registry.mutex);
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
    if (t->forks != lhp_registry.forks)
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
    if (thread == lhp_registry_current)
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
    pthread_mutex_lock(&lhp_registry.mutex);
    snprintf(name, size, "%s", thread->name);
    pthread_mutex_unlock(&lhp_registry.mutex);
}

void lhp_thread_set_name(struct lhp_thread *thread, const char *name)
{
    pthread_mutex_lock(&thread->mutex);
    bool alive = thread->state == THREAD_ALIVE;
    pthread_mutex_lock(&lhp_registry.mutex);
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    /* Alive and its mutex held: the identifier stays valid, for the thread must pass this mutex to end. */
    if (alive)
        thread_apply_name(thread);
    pthread_mutex_unlock(&lhp_registry.mutex);
    pthread_mutex_unlock(&thread->mutex);
}

pthread_t lhp_thread_ident(struct lhp_thread *thread)
{
    pthread_mutex_lock(&lhp_registry.mutex);
    pthread_t ident = thread->ident;
    pthread_mutex_unlock(&lhp_registry.mutex);
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

void lhp_thread_set_exception_hook(void (*hook)(struct lhp_thread *thread, int error))
{
    pthread_mutex_lock(&lhp_registry.mutex);
    lhp_registry.hook = hook;
    pthread_mutex_unlock(&lhp_registry.mutex);
}

void lhp_thread_shutdown(void)
{
    /* Before the calls: they may let a thread end, and an ended one is no longer listed. */
    struct lhp_thread *waited = lhp_registry_waited();
    lhp_shutdown_run_calls();
    do {
        for (struct lhp_thread *next; waited; waited = next) {
            next = waited->next_waited;
            lhp_thread_join(waited);
            lhp_thread_release(waited);
        }
        waited = lhp_registry_waited();
    } while (waited);
}

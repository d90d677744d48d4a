#include "thread_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shutdown.h"
#include "timing.h"

struct lhp_thread_registry lhp_registry = {.mutex = PTHREAD_MUTEX_INITIALIZER};
_Thread_local struct lhp_thread *lhp_registry_current;

static struct lhp_thread main_thread;

void lhp_registry_add(struct lhp_thread *t)
{
    t->prev = NULL;
    t->next = lhp_registry.first;
    if (t->next)
        t->next->prev = t;
    lhp_registry.first = t;
    lhp_registry.count++;
}

void lhp_registry_remove(struct lhp_thread *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        lhp_registry.first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    lhp_registry.count--;
}

void lhp_registry_init(struct lhp_thread *t, enum thread_state state)
{
    pthread_mutex_init(&t->mutex, NULL);
    timing_cond_init(&t->changed);
    t->state = state;
    t->refs = 1;
    t->forks = lhp_registry.forks;
}

static void thread_free(struct lhp_thread *t)
{
    if (!t->foreign && t->state == THREAD_FINISHED && t->forks == lhp_registry.forks)
        pthread_detach(t->ident);
    /* In a child, waiters that are not there would be waited for. */
    if (t->forks == lhp_registry.forks)
        pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->mutex);
    if (t != &main_thread)
        free(t);
}

struct lhp_thread *lhp_thread_retain(struct lhp_thread *thread)
{
    pthread_mutex_lock(&lhp_registry.mutex);
    thread->refs++;
    pthread_mutex_unlock(&lhp_registry.mutex);
    return thread;
}

void lhp_thread_release(struct lhp_thread *thread)
{
    pthread_mutex_lock(&lhp_registry.mutex);
    bool last = --thread->refs == 0;
    pthread_mutex_unlock(&lhp_registry.mutex);
    if (last)
        thread_free(thread);
}

static void foreign_ended(void *thread)
{
    struct lhp_thread *t = thread;
    pthread_mutex_lock(&lhp_registry.mutex);
    lhp_registry_remove(t);
    pthread_mutex_unlock(&lhp_registry.mutex);
    pthread_mutex_lock(&t->mutex);
    t->state = THREAD_JOINED;
    pthread_mutex_unlock(&t->mutex);
    lhp_registry_current = NULL;
    lhp_thread_release(t);
}

static struct lhp_thread *foreign_adopt(void)
{
    struct lhp_thread *t = calloc(1, sizeof(*t));
    if (!t)
        abort(); /* a thread cannot go on without knowing itself, and there is no one to tell */
    lhp_registry_init(t, THREAD_ALIVE);
    t->foreign = t->daemon = true;
    t->ident = pthread_self();
    t->native_id = gettid();
    pthread_mutex_lock(&lhp_registry.mutex);
    snprintf(t->name, sizeof(t->name), "Dummy-%u", ++lhp_registry.names);
    lhp_registry_add(t);
    pthread_mutex_unlock(&lhp_registry.mutex);
    pthread_setspecific(lhp_registry.foreign_ends, t);
    return t;
}

struct lhp_thread *lhp_thread_current(void)
{
    if (!lhp_registry_current)
        lhp_registry_current = foreign_adopt();
    return lhp_registry_current;
}

struct lhp_thread *lhp_thread_main(void)
{
    pthread_mutex_lock(&lhp_registry.mutex);
    struct lhp_thread *main = lhp_registry.main;
    pthread_mutex_unlock(&lhp_registry.mutex);
    return main;
}

static void fork_prepare(void)
{
    pthread_mutex_lock(&lhp_registry.mutex);
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&lhp_registry.mutex);
}

/* The other threads are not in the child; what they had locked will never be unlocked. */
static void fork_child(void)
{
    struct lhp_thread *next;
    lhp_registry.forks++;
    lhp_shutdown_forget_calls();
    for (struct lhp_thread *t = lhp_registry.first; t; t = next) {
        next = t->next;
        if (t == lhp_registry_current)
            continue;
        lhp_registry_remove(t);
        t->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        t->state = THREAD_JOINED;
        if (--t->refs == 0 && t != &main_thread)
            free(t);
    }
    if (lhp_registry_current) {
        lhp_registry_current->native_id = gettid();
        lhp_registry_current->forks = lhp_registry.forks;
        lhp_registry.main = lhp_registry_current;
    }
    pthread_mutex_unlock(&lhp_registry.mutex);
}

__attribute__((constructor)) static void thread_module_init(void)
{
    lhp_registry_init(&main_thread, THREAD_ALIVE);
    main_thread.foreign = true;
    main_thread.ident = pthread_self();
    main_thread.native_id = gettid();
    strcpy(main_thread.name, "MainThread");
    lhp_registry.main = lhp_registry_current = &main_thread;
    lhp_registry_add(&main_thread);
    pthread_key_create(&lhp_registry.foreign_ends, foreign_ended);
    pthread_atfork(fork_prepare, fork_parent, fork_child);
    atexit(lhp_thread_shutdown);
}

size_t lhp_thread_enumerate(struct lhp_thread **threads, size_t capacity)
{
    size_t n = 0;
    pthread_mutex_lock(&lhp_registry.mutex);
    for (struct lhp_thread *t = lhp_registry.first; t; t = t->next, n++) {
        if (n >= capacity)
            continue;
        t->refs++;
        threads[n] = t;
    }
    pthread_mutex_unlock(&lhp_registry.mutex);
    return n;
}

size_t lhp_thread_active_count(void)
{
    return lhp_thread_enumerate(NULL, 0);
}

struct lhp_thread *lhp_registry_waited(void)
{
    struct lhp_thread *waited = NULL;
    pthread_mutex_lock(&lhp_registry.mutex);
    for (struct lhp_thread *t = lhp_registry.first; t; t = t->next) {
        if (!t->daemon && !t->foreign && t != lhp_registry_current) {
            t->refs++;
            t->next_waited = waited;
            waited = t;
        }
    }
    pthread_mutex_unlock(&lhp_registry.mutex);
    return waited;
}

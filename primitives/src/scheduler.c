#include <lhp/coroutine.h>

#include <stdlib.h>

#include "timing.h"

/* Tasks that may run stand in line; those that sleep are kept in the order of their times, and join the line in it. */
struct task {
    struct lhp_generator *generator;
    struct lhp_scheduler *scheduler;
    void (*fn)(struct lhp_scheduler *scheduler, void *arg);
    void *arg;
    int64_t wake_ns; /* 0 when it does not sleep */
    struct task *next;
};

struct lhp_scheduler {
    struct task *first, **last;
    struct task *sleepers;
    struct task *running;
};

struct lhp_scheduler *lhp_scheduler_new(void)
{
    struct lhp_scheduler *s = calloc(1, sizeof(*s));
    if (s)
        s->last = &s->first;
    return s;
}

static void *task_body(struct lhp_generator *self, void *arg)
{
    struct task *t = arg;
    (void)self;
    t->fn(t->scheduler, t->arg);
    return NULL;
}

static void scheduler_append(struct lhp_scheduler *s, struct task *t)
{
    t->next = NULL;
    *s->last = t;
    s->last = &t->next;
}

static struct task *scheduler_take_first(struct lhp_scheduler *s)
{
    struct task *t = s->first;
    if (t && !(s->first = t->next))
        s->last = &s->first;
    return t;
}

/* Behind those that wake at the same time. */
static void scheduler_put_to_sleep(struct lhp_scheduler *s, struct task *t)
{
    struct task **at = &s->sleepers;
    while (*at && (*at)->wake_ns <= t->wake_ns)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

static void scheduler_wake(struct lhp_scheduler *s, int64_t now_ns)
{
    while (s->sleepers && s->sleepers->wake_ns <= now_ns) {
        struct task *t = s->sleepers;
        s->sleepers = t->next;
        scheduler_append(s, t);
    }
}

enum lhp_status lhp_scheduler_spawn(struct lhp_scheduler *scheduler,
                                    void (*fn)(struct lhp_scheduler *scheduler, void *arg), void *arg)
{
    struct task *t = calloc(1, sizeof(*t));
    if (!t)
        return LHP_NO_MEMORY;
    *t = (struct task){.scheduler = scheduler, .fn = fn, .arg = arg};
    t->generator = lhp_generator_new(task_body, t, 0);
    if (!t->generator) {
        free(t);
        return LHP_NO_MEMORY;
    }
    scheduler_append(scheduler, t);
    return LHP_OK;
}

static void task_free(struct lhp_scheduler *s, struct task *t)
{
    s->running = t; /* closing lets it run once more */
    lhp_generator_release(t->generator);
    s->running = NULL;
    free(t);
}

void lhp_scheduler_release(struct lhp_scheduler *scheduler)
{
    struct task *t;
    scheduler_wake(scheduler, INT64_MAX);
    while ((t = scheduler_take_first(scheduler)))
        task_free(scheduler, t);
    free(scheduler);
}

static void scheduler_sleep_until(int64_t at_ns)
{
    struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static void scheduler_run_first(struct lhp_scheduler *s)
{
    struct task *t = scheduler_take_first(s);
    void *value;
    s->running = t;
    enum lhp_status status = lhp_generator_next(t->generator, &value);
    s->running = NULL;
    if (status != LHP_OK)
        task_free(s, t);
    else if (t->wake_ns > 0)
        scheduler_put_to_sleep(s, t);
    else
        scheduler_append(s, t);
}

void lhp_scheduler_run(struct lhp_scheduler *scheduler)
{
    while (scheduler->first || scheduler->sleepers) {
        if (!scheduler->first)
            scheduler_sleep_until(scheduler->sleepers->wake_ns);
        if (scheduler->sleepers)
            scheduler_wake(scheduler, timing_now_ns());
        if (scheduler->first)
            scheduler_run_first(scheduler);
    }
}

enum lhp_status lhp_task_yield(struct lhp_scheduler *scheduler)
{
    return lhp_yield(scheduler->running->generator, NULL, NULL);
}

enum lhp_status lhp_task_sleep(struct lhp_scheduler *scheduler, int64_t duration_ns)
{
    struct task *t = scheduler->running;
    t->wake_ns = timing_now_ns() + duration_ns;
    enum lhp_status status = lhp_yield(t->generator, NULL, NULL);
    t->wake_ns = 0;
    return status;
}

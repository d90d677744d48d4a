#include <lhp/semaphore.h>

#include "timing.h"

enum lhp_status lhp_semaphore_init(struct lhp_semaphore *semaphore, unsigned permits)
{
    return sem_init(&semaphore->permits, 0, permits) == 0 ? LHP_OK : LHP_INVALID;
}

void lhp_semaphore_destroy(struct lhp_semaphore *semaphore)
{
    sem_destroy(&semaphore->permits);
}

void lhp_semaphore_acquire(struct lhp_semaphore *semaphore)
{
    pthread_cleanup_push(timing_sem_pass_on, &semaphore->permits);
    while (sem_wait(&semaphore->permits) != 0) /* EINTR */
        ;
    pthread_cleanup_pop(0);
}

enum lhp_status lhp_semaphore_try_acquire(struct lhp_semaphore *semaphore)
{
    return lhp_semaphore_acquire_for(semaphore, 0);
}

enum lhp_status lhp_semaphore_acquire_for(struct lhp_semaphore *semaphore, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    int err;
    pthread_cleanup_push(timing_sem_pass_on, &semaphore->permits);
    err = timing_sem_wait_until(&semaphore->permits, &d);
    pthread_cleanup_pop(0);
    return err == 0 ? LHP_OK : LHP_TIMEOUT;
}

enum lhp_status lhp_semaphore_release(struct lhp_semaphore *semaphore, unsigned n)
{
    NOTE_BEFORE(&semaphore->permits);
    if (n == 1)
        return sem_post(&semaphore->permits) == 0 ? LHP_OK : LHP_OVER_BOUND;
    if (n == 0)
        return LHP_INVALID;
    for (; n > 0; n--)
        if (sem_post(&semaphore->permits) != 0)
            return LHP_OVER_BOUND;
    return LHP_OK;
}

unsigned lhp_semaphore_value(struct lhp_semaphore *semaphore)
{
    int value = 0;
    sem_getvalue(&semaphore->permits, &value);
    return value > 0 ? (unsigned)value : 0;
}

enum lhp_status lhp_bounded_init(struct lhp_bounded *semaphore, unsigned permits)
{
    enum lhp_status status = lhp_semaphore_init(&semaphore->permits, permits);
    if (status != LHP_OK)
        return status;
    pthread_mutex_init(&semaphore->releasing, NULL);
    semaphore->bound = permits;
    return LHP_OK;
}

void lhp_bounded_destroy(struct lhp_bounded *semaphore)
{
    pthread_mutex_destroy(&semaphore->releasing);
    lhp_semaphore_destroy(&semaphore->permits);
}

/* What is passed on is out for a moment, and nobody must take that for room. */
static void bounded_cancelled(void *semaphore)
{
    struct lhp_bounded *b = semaphore;
    pthread_mutex_lock(&b->releasing);
    timing_sem_pass_on(&b->permits.permits);
    pthread_mutex_unlock(&b->releasing);
}

void lhp_bounded_acquire(struct lhp_bounded *semaphore)
{
    (void)!lhp_bounded_acquire_for(semaphore, LHP_FOREVER);
}

enum lhp_status lhp_bounded_try_acquire(struct lhp_bounded *semaphore)
{
    return lhp_bounded_acquire_for(semaphore, 0);
}

enum lhp_status lhp_bounded_acquire_for(struct lhp_bounded *semaphore, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    int err;
    pthread_cleanup_push(bounded_cancelled, semaphore);
    err = timing_sem_wait_until(&semaphore->permits.permits, &d);
    pthread_cleanup_pop(0);
    return err == 0 ? LHP_OK : LHP_TIMEOUT;
}

enum lhp_status lhp_bounded_release(struct lhp_bounded *semaphore, unsigned n)
{
    if (n == 0)
        return LHP_INVALID;
    enum lhp_status status = LHP_OVER_BOUND;
    pthread_mutex_lock(&semaphore->releasing);
    /* Acquirers only make the value smaller meanwhile, so what fits now still fits at the post. */
    unsigned value = lhp_semaphore_value(&semaphore->permits);
    if (n <= semaphore->bound - value)
        status = lhp_semaphore_release(&semaphore->permits, n);
    pthread_mutex_unlock(&semaphore->releasing);
    return status;
}

unsigned lhp_bounded_value(struct lhp_bounded *semaphore)
{
    return lhp_semaphore_value(&semaphore->permits);
}

#include "shared_monitor.h"

#include <string.h>

void lhp_robust_mutex_init(pthread_mutex_t *mutex, bool recursive)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (recursive)
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
}

void lhp_monitor_init(struct lhp_shared_monitor *m)
{
    memset(m, 0, sizeof(*m));
    lhp_robust_mutex_init(&m->guard, false);
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++)
        sem_init(&m->slots[i].wake, 1, 0);
}

void lhp_monitor_destroy(struct lhp_shared_monitor *m)
{
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++)
        sem_destroy(&m->slots[i].wake);
    pthread_mutex_destroy(&m->guard);
}

/* Never sleeps for long: when a waiter of the guard is killed between being woken and taking it, nobody else is woken
 * (the kernel sees a mutex that a third process owns), and only looking again helps. */
void lhp_monitor_enter(struct lhp_shared_monitor *m)
{
    int err = pthread_mutex_trylock(&m->guard);
    while (err == EBUSY || err == ETIMEDOUT) {
        struct deadline look = deadline_after(LHP_SHARED_CHECK_NS);
        err = timing_mutex_lock_until(&m->guard, &look);
    }
    if (err == EOWNERDEAD)
        pthread_mutex_consistent(&m->guard);
}

void lhp_monitor_leave(struct lhp_shared_monitor *m)
{
    pthread_mutex_unlock(&m->guard);
}

unsigned lhp_monitor_bury(struct lhp_shared_monitor *m)
{
    unsigned buried = 0;
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_slot *slot = &m->slots[i];
        if (slot->who.pid == 0 || lhp_identity_is_self(&slot->who) || lhp_identity_alive(&slot->who))
            continue;
        int told = slot->told;
        lhp_monitor_free_slot(m, slot);
        if (told && slot->kind != LHP_SLOT_OUTCOME)
            lhp_monitor_wake(m, slot->kind, 1);
        buried++;
    }
    return buried;
}

static struct lhp_shared_slot *monitor_find_free(struct lhp_shared_monitor *m)
{
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++)
        if (m->slots[i].who.pid == 0)
            return &m->slots[i];
    return NULL;
}

struct lhp_shared_slot *lhp_monitor_take_slot(struct lhp_shared_monitor *m, int kind)
{
    struct lhp_shared_slot *slot = monitor_find_free(m);
    if (!slot && lhp_monitor_bury(m) > 0)
        slot = monitor_find_free(m);
    if (!slot)
        return NULL;
    while (sem_trywait(&slot->wake) == 0) /* what its last user left */
        ;
    m->waiting++;
    slot->kind = kind;
    slot->told = 0;
    slot->ticket = ++m->tickets;
    slot->who = lhp_identity_self(); /* last: from here on it is in the line */
    return slot;
}

void lhp_monitor_free_slot(struct lhp_shared_monitor *m, struct lhp_shared_slot *slot)
{
    slot->who.pid = 0;
    m->waiting--; /* last, as it is counted first: dying in between only makes it too large */
}

static struct lhp_shared_slot *monitor_oldest(struct lhp_shared_monitor *m, int kind)
{
    struct lhp_shared_slot *oldest = NULL;
    for (unsigned i = 0; i < LHP_SHARED_WAITERS; i++) {
        struct lhp_shared_slot *slot = &m->slots[i];
        if (slot->who.pid != 0 && slot->kind == kind && !slot->told && (!oldest || slot->ticket < oldest->ticket))
            oldest = slot;
    }
    return oldest;
}

void lhp_monitor_wake(struct lhp_shared_monitor *m, int kind, unsigned n)
{
    struct lhp_shared_slot *slot;
    while (m->waiting > 0 && n > 0 && (slot = monitor_oldest(m, kind))) {
        slot->told = 1;
        sem_post(&slot->wake);
        n--;
    }
}

void lhp_slot_sleep(struct lhp_shared_slot *slot, const struct deadline *d)
{
    struct deadline look = deadline_after(LHP_SHARED_CHECK_NS);
    int64_t left = deadline_left_ns(d);
    if (left >= 0 && left < LHP_SHARED_CHECK_NS)
        look = deadline_after(left);
    timing_sem_wait_until(&slot->wake, &look);
}

struct sleep {
    struct lhp_shared_monitor *monitor;
    struct lhp_shared_slot *slot;
};

static void sleep_cancelled(void *sleep)
{
    struct sleep *s = sleep;
    lhp_monitor_enter(s->monitor);
    if (s->slot->told)
        lhp_monitor_wake(s->monitor, s->slot->kind, 1);
    lhp_monitor_free_slot(s->monitor, s->slot);
    lhp_monitor_leave(s->monitor);
}

void lhp_monitor_sleep(struct lhp_shared_monitor *m, int kind, const struct deadline *d)
{
    struct sleep s = {m, lhp_monitor_take_slot(m, kind)};
    lhp_monitor_leave(m);
    if (s.slot) {
        pthread_cleanup_push(sleep_cancelled, &s);
        lhp_slot_sleep(s.slot, d);
        pthread_cleanup_pop(0);
    } else {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    lhp_monitor_enter(m);
    if (!s.slot)
        return;
    if (!s.slot->told)
        lhp_monitor_bury(m);
    lhp_monitor_free_slot(m, s.slot);
}

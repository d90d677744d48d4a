/* validate_locks.c: one validator for everything that excludes: Lock, RLock, Semaphore(1), BoundedSemaphore(1), the
 * exclusive side of RWLock, and the lock inside a Condition.
 *
 * Each is driven through one table of operations: mutual exclusion over plain memory (which race detectors watch),
 * agreement with a sequential model, time limits, cancellation at the blocking point, and a fork while it is held.
 */
#include <string.h>
#include <sys/wait.h>

#include <lhp/condition.h>
#include <lhp/lock.h>
#include <lhp/rlock.h>
#include <lhp/rwlock.h>
#include <lhp/semaphore.h>

#include "check.h"

union any_lock {
    struct lhp_lock lock;
    struct lhp_rlock rlock;
    struct lhp_semaphore semaphore;
    struct lhp_bounded bounded;
    struct lhp_rwlock rwlock;
    struct lhp_condition condition;
};

struct lock_kind {
    const char *name;
    void (*init)(union any_lock *l);
    void (*destroy)(union any_lock *l);
    enum lhp_status (*acquire_for)(union any_lock *l, int64_t timeout_ns);
    enum lhp_status (*release)(union any_lock *l);
    enum lhp_status release_free;     /* what releasing it free answers; LHP_OK when that is allowed */
    enum lhp_status release_stranger; /* what a release by another thread answers */
    bool recursive;
    bool cancellable;
};

#define LOCK_KIND(kind, member, type, acquire)                                                                         \
    static void kind##_destroy(union any_lock *l)                                                                      \
    {                                                                                                                  \
        lhp_##type##_destroy(&l->member);                                                                              \
    }                                                                                                                  \
    static enum lhp_status kind##_acquire(union any_lock *l, int64_t timeout_ns)                                       \
    {                                                                                                                  \
        return acquire(&l->member, timeout_ns);                                                                        \
    }

LOCK_KIND(lock, lock, lock, lhp_lock_acquire_for)
LOCK_KIND(rlock, rlock, rlock, lhp_rlock_acquire_for)
LOCK_KIND(semaphore, semaphore, semaphore, lhp_semaphore_acquire_for)
LOCK_KIND(bounded, bounded, bounded, lhp_bounded_acquire_for)
LOCK_KIND(rwlock, rwlock, rwlock, lhp_rwlock_acquire_exclusive_for)

static void lock_init(union any_lock *l)
{
    lhp_lock_init(&l->lock);
}

static enum lhp_status lock_release(union any_lock *l)
{
    return lhp_lock_release(&l->lock);
}

static void rlock_init(union any_lock *l)
{
    lhp_rlock_init(&l->rlock);
}

static enum lhp_status rlock_release(union any_lock *l)
{
    return lhp_rlock_release(&l->rlock);
}

static void semaphore_init(union any_lock *l)
{
    CHECK_IS(lhp_semaphore_init(&l->semaphore, 1), LHP_OK);
}

static enum lhp_status semaphore_release(union any_lock *l)
{
    return lhp_semaphore_release(&l->semaphore, 1);
}

static void bounded_init(union any_lock *l)
{
    CHECK_IS(lhp_bounded_init(&l->bounded, 1), LHP_OK);
}

static enum lhp_status bounded_release(union any_lock *l)
{
    return lhp_bounded_release(&l->bounded, 1);
}

static void rwlock_init(union any_lock *l)
{
    lhp_rwlock_init(&l->rwlock);
}

static enum lhp_status rwlock_release(union any_lock *l)
{
    return lhp_rwlock_release_exclusive(&l->rwlock);
}

static const struct lock_kind kinds[] = {
    {"Lock", lock_init, lock_destroy, lock_acquire, lock_release, LHP_NOT_HELD, LHP_OK, false, true},
    {"RLock", rlock_init, rlock_destroy, rlock_acquire, rlock_release, LHP_NOT_OWNER, LHP_NOT_OWNER, true, false},
    {"Semaphore", semaphore_init, semaphore_destroy, semaphore_acquire, semaphore_release, LHP_OK, LHP_OK, false, true},
    {"BoundedSemaphore", bounded_init, bounded_destroy, bounded_acquire, bounded_release, LHP_OVER_BOUND, LHP_OK, false,
     true},
    {"RWLock", rwlock_init, rwlock_destroy, rwlock_acquire, rwlock_release, LHP_NOT_OWNER, LHP_NOT_OWNER, false, false},
};

struct trial {
    const struct lock_kind *kind;
    union any_lock lock;
    unsigned rounds;
    unsigned inside; /* plain on purpose: a race here is a lock that does not exclude */
    unsigned long entries;
};

struct member {
    struct trial *trial;
    unsigned number;
    unsigned long entries;
};

static enum lhp_status enter_somehow(struct trial *t, struct random *r)
{
    switch (random_below(r, 4)) {
    case 0:
        return t->kind->acquire_for(&t->lock, 0);
    case 1:
        return t->kind->acquire_for(&t->lock, LHP_MS(random_below(r, 3)));
    default:
        return t->kind->acquire_for(&t->lock, LHP_FOREVER);
    }
}

static void *exclusion_body(void *arg)
{
    struct member *m = arg;
    struct trial *t = m->trial;
    struct random r = random_for(m->number);
    for (unsigned i = 0; i < t->rounds; i++) {
        if (enter_somehow(t, &r) != LHP_OK)
            continue;
        unsigned depth = t->kind->recursive ? random_below(&r, 3) : 0;
        for (unsigned d = 0; d < depth; d++)
            CHECK_IS(t->kind->acquire_for(&t->lock, LHP_FOREVER), LHP_OK);
        CHECK(t->inside++ == 0);
        random_yield(&r);
        t->entries++;
        m->entries++;
        CHECK(--t->inside == 0);
        for (unsigned d = 0; d < depth; d++)
            CHECK_IS(t->kind->release(&t->lock), LHP_OK);
        CHECK_IS(t->kind->release(&t->lock), LHP_OK);
        random_yield(&r);
    }
    return NULL;
}

static void validate_exclusion(const struct lock_kind *kind)
{
    enum { THREADS = 4 };
    struct trial t = {.kind = kind, .rounds = check_scaled(8000)};
    struct member members[THREADS];
    pthread_t threads[THREADS];
    unsigned long sum = 0;
    kind->init(&t.lock);
    for (unsigned i = 0; i < THREADS; i++) {
        members[i] = (struct member){&t, i + 1, 0};
        CHECK(pthread_create(&threads[i], NULL, exclusion_body, &members[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += members[i].entries;
    }
    CHECK(sum == t.entries && sum > 0);
    kind->destroy(&t.lock);
}

/* One thread against the obvious model: how often it holds, whether it may. */
static void validate_model(const struct lock_kind *kind)
{
    union any_lock lock;
    struct random r = random_for(0);
    unsigned level = 0;
    kind->init(&lock);
    for (unsigned i = 0; i < check_scaled(5000); i++) {
        bool may = level == 0 || kind->recursive;
        if (random_below(&r, 2)) {
            CHECK_IS(kind->acquire_for(&lock, 0), may ? LHP_OK : LHP_TIMEOUT);
            level += may;
        } else if (level > 0 || kind->release_free != LHP_OK) {
            CHECK_IS(kind->release(&lock), level ? LHP_OK : kind->release_free);
            level -= level > 0;
        }
    }
    for (; level; level--)
        CHECK_IS(kind->release(&lock), LHP_OK);
    kind->destroy(&lock);
}

struct visit {
    struct trial *trial;
    int64_t timeout_ns;
    enum lhp_status status;
    int64_t took_ns;
};

static void *visit_acquire(void *arg)
{
    struct visit *v = arg;
    int64_t start = check_now_ns();
    v->status = v->trial->kind->acquire_for(&v->trial->lock, v->timeout_ns);
    v->took_ns = check_now_ns() - start;
    return NULL;
}

static void *visit_release(void *arg)
{
    struct visit *v = arg;
    v->status = v->trial->kind->release(&v->trial->lock);
    return NULL;
}

static void run_visit(struct visit *v, void *(*body)(void *))
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, v) == 0);
    pthread_join(thread, NULL);
}

static void validate_time_limits(const struct lock_kind *kind)
{
    struct trial t = {.kind = kind};
    kind->init(&t.lock);
    CHECK_IS(kind->acquire_for(&t.lock, LHP_FOREVER), LHP_OK);
    struct visit v = {.trial = &t, .timeout_ns = LHP_MS(20)};
    run_visit(&v, visit_acquire);
    CHECK_IS(v.status, LHP_TIMEOUT);
    CHECK(v.took_ns >= LHP_MS(20));
    v.timeout_ns = 0;
    run_visit(&v, visit_acquire);
    CHECK_IS(v.status, LHP_TIMEOUT);
    run_visit(&v, visit_release);
    CHECK_IS(v.status, kind->release_stranger);
    if (v.status != LHP_OK)
        CHECK_IS(kind->release(&t.lock), LHP_OK);
    CHECK_IS(kind->acquire_for(&t.lock, LHP_SECONDS(1)), LHP_OK);
    CHECK_IS(kind->release(&t.lock), LHP_OK);
    kind->destroy(&t.lock);
}

/* A thread is cancelled while it waits, or at the very moment the lock is released: it has the lock or it has not,
 * and never takes it into its grave. */
static void *cancel_body(void *arg)
{
    struct trial *t = arg;
    int state;
    if (t->kind->acquire_for(&t->lock, LHP_FOREVER) != LHP_OK)
        return NULL;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    t->entries++;
    CHECK_IS(t->kind->release(&t->lock), LHP_OK);
    return NULL;
}

static void validate_cancellation(const struct lock_kind *kind)
{
    struct trial t = {.kind = kind};
    struct random r = random_for(99);
    kind->init(&t.lock);
    for (unsigned i = 0; i < check_scaled(300); i++) {
        pthread_t thread;
        CHECK_IS(kind->acquire_for(&t.lock, LHP_FOREVER), LHP_OK);
        CHECK(pthread_create(&thread, NULL, cancel_body, &t) == 0);
        if (random_below(&r, 2))
            sleep_ms(random_below(&r, 2));
        if (kind->cancellable && !check_under_tool())
            pthread_cancel(thread);
        CHECK_IS(kind->release(&t.lock), LHP_OK);
        pthread_join(thread, NULL);
        CHECK_IS(kind->acquire_for(&t.lock, LHP_SECONDS(5)), LHP_OK);
        CHECK_IS(kind->release(&t.lock), LHP_OK);
    }
    kind->destroy(&t.lock);
}

static void *hold_until_told(void *arg)
{
    struct lhp_lock *locks = arg;
    lhp_lock_acquire(&locks[0]);
    lhp_lock_release(&locks[1]); /* tell */
    lhp_lock_acquire(&locks[2]); /* until told */
    lhp_lock_release(&locks[0]);
    return NULL;
}

static void fork_while_another_holds(void)
{
    struct lhp_lock locks[3];
    struct lhp_rlock rlock = LHP_RLOCK_INITIALIZER;
    pthread_t thread;
    int status = -1;
    for (int i = 0; i < 3; i++)
        lhp_lock_init(&locks[i]);
    lhp_lock_acquire(&locks[1]);
    lhp_lock_acquire(&locks[2]);
    lhp_rlock_acquire(&rlock);
    CHECK(pthread_create(&thread, NULL, hold_until_told, locks) == 0);
    lhp_lock_acquire(&locks[1]);
    pid_t child = fork();
    if (child == 0) {
        if (lhp_lock_try_acquire(&locks[0]) != LHP_TIMEOUT)
            _exit(1);
        lhp_lock_at_fork_reinit(&locks[0]);
        lhp_rlock_at_fork_reinit(&rlock);
        bool ok = lhp_lock_try_acquire(&locks[0]) == LHP_OK && lhp_rlock_try_acquire(&rlock) == LHP_OK;
        _exit(ok ? 0 : 2);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_IS(lhp_rlock_release(&rlock), LHP_OK);
    lhp_lock_release(&locks[2]);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++)
        lhp_lock_destroy(&locks[i]);
    lhp_rlock_destroy(&rlock);
}

/* A release that raced with another one, as the semaphore underneath sees it, is told to the last holder. */
static void surplus_release_is_told_later(void)
{
    struct lhp_lock lock;
    lhp_lock_init(&lock);
    lhp_lock_acquire(&lock);
    sem_post(&lock.free);
    CHECK_IS(lhp_lock_try_acquire(&lock), LHP_OK);
    CHECK_IS(lhp_lock_release(&lock), LHP_OK);
    CHECK_IS(lhp_lock_release(&lock), LHP_NOT_HELD);
    CHECK_IS(lhp_lock_try_acquire(&lock), LHP_OK);
    CHECK_IS(lhp_lock_try_acquire(&lock), LHP_TIMEOUT);
    CHECK_IS(lhp_lock_release(&lock), LHP_OK);
    lhp_lock_destroy(&lock);
}

int main(void)
{
    check_init_seed();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        validate_model(&kinds[i]);
        validate_exclusion(&kinds[i]);
        validate_time_limits(&kinds[i]);
        validate_cancellation(&kinds[i]);
        printf("ok   %s\n", kinds[i].name);
    }
    if (!check_under_tool())
        RUN(fork_while_another_holds);
    RUN(surplus_release_is_told_later);
    return 0;
}

/* test_sync.c: what Lock, RLock, Event, semaphores, Once and thread-local data promise beyond exclusion. */
#include <limits.h>

#include <lhp/event.h>
#include <lhp/local.h>
#include <lhp/lock.h>
#include <lhp/once.h>
#include <lhp/rlock.h>
#include <lhp/semaphore.h>

#include "check.h"

#include <semaphore.h>

struct pulse {
    struct lhp_event event;
    struct lhp_event ready;
    struct lhp_semaphore entered;
    pid_t waiter;
    int payload;
};

static void *pulse_wait(void *arg)
{
    struct pulse *p = arg;
    lhp_semaphore_release(&p->entered, 1);
    lhp_event_wait(&p->event);
    CHECK(p->payload == 7);
    return NULL;
}

static void event_orders_and_times_out(void)
{
    struct pulse p = {.payload = 0};
    pthread_t threads[3];
    lhp_event_init(&p.event);
    CHECK_IS(lhp_semaphore_init(&p.entered, 0), LHP_OK);
    int64_t start = check_now_ns();
    CHECK_IS(lhp_event_wait_for(&p.event, LHP_MS(10)), LHP_TIMEOUT);
    CHECK(check_now_ns() - start >= LHP_MS(10));
    for (int i = 0; i < 3; i++)
        threads[i] = spawn(pulse_wait, &p);
    for (int i = 0; i < 3; i++)
        lhp_semaphore_acquire(&p.entered);
    p.payload = 7;
    lhp_event_set(&p.event);
    CHECK(lhp_event_is_set(&p.event));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_IS(lhp_event_wait_for(&p.event, 0), LHP_OK);
    lhp_event_clear(&p.event);
    CHECK(!lhp_event_is_set(&p.event));
    CHECK_IS(lhp_event_wait_for(&p.event, 0), LHP_TIMEOUT);
    lhp_event_destroy(&p.event);
    lhp_semaphore_destroy(&p.entered);
}

static void *wait_cancelled(void *arg)
{
    lhp_event_wait(arg);
    return NULL;
}

static void event_survives_cancelled_waiters(void)
{
    struct lhp_event event;
    lhp_event_init(&event);
    for (unsigned i = 0; i < check_scaled(100); i++) {
        pthread_t thread = spawn(wait_cancelled, &event);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    lhp_event_set(&event);
    CHECK_IS(lhp_event_wait_for(&event, LHP_SECONDS(1)), LHP_OK);
    lhp_event_destroy(&event);
}

static void *wait_and_say_who(void *arg)
{
    struct pulse *p = arg;
    p->waiter = gettid();
    lhp_semaphore_release(&p->entered, 1);
    lhp_event_wait(&p->event);
    return NULL;
}

/* Set and cleared before any of the sleepers can look: the set is theirs all the same. */
static void pulse_reaches_who_waits(void)
{
    struct pulse p = {.payload = 0};
    pthread_t threads[3];
    lhp_event_init(&p.event);
    CHECK_IS(lhp_semaphore_init(&p.entered, 0), LHP_OK);
    for (int i = 0; i < 3; i++) {
        threads[i] = spawn(wait_and_say_who, &p);
        lhp_semaphore_acquire(&p.entered);
        check_await_sleep(p.waiter);
    }
    lhp_event_set(&p.event);
    lhp_event_clear(&p.event);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_IS(lhp_event_wait_for(&p.event, 0), LHP_TIMEOUT);
    lhp_event_destroy(&p.event);
    lhp_semaphore_destroy(&p.entered);
}

static void semaphores_count(void)
{
    struct lhp_semaphore semaphore;
    struct lhp_bounded bounded;
    CHECK_IS(lhp_semaphore_init(&semaphore, 2), LHP_OK);
    CHECK_IS(lhp_semaphore_release(&semaphore, 0), LHP_INVALID);
    CHECK_IS(lhp_semaphore_release(&semaphore, 3), LHP_OK);
    CHECK(lhp_semaphore_value(&semaphore) == 5);
    for (int i = 0; i < 5; i++)
        CHECK_IS(lhp_semaphore_try_acquire(&semaphore), LHP_OK);
    CHECK_IS(lhp_semaphore_try_acquire(&semaphore), LHP_TIMEOUT);
    CHECK_IS(lhp_bounded_init(&bounded, 3), LHP_OK);
    lhp_bounded_acquire(&bounded);
    CHECK_IS(lhp_bounded_release(&bounded, 2), LHP_OVER_BOUND);
    CHECK(lhp_bounded_value(&bounded) == 2);
    CHECK_IS(lhp_bounded_release(&bounded, 1), LHP_OK);
    CHECK_IS(lhp_bounded_release(&bounded, 1), LHP_OVER_BOUND);
    CHECK_IS(lhp_bounded_release(&bounded, 0), LHP_INVALID);
    CHECK_IS(lhp_bounded_release(&bounded, UINT_MAX), LHP_OVER_BOUND);
    CHECK(lhp_bounded_value(&bounded) == 3);
    CHECK_IS(lhp_bounded_try_acquire(&bounded), LHP_OK);
    lhp_bounded_destroy(&bounded);
    lhp_semaphore_destroy(&semaphore);
}

static struct lhp_once once = LHP_ONCE_INITIALIZER;
static unsigned once_tries, once_value;

static int once_fails_twice(void *arg)
{
    (void)arg;
    once_value = 41;
    if (++once_tries < 3)
        return 1;
    if (!check_under_tool())
        CHECK_IS(lhp_once_call(&once, once_fails_twice, NULL), LHP_DEADLOCK);
    once_value = 42;
    return 0;
}

static void *once_body(void *arg)
{
    (void)arg;
    while (lhp_once_call(&once, once_fails_twice, NULL) != LHP_OK)
        ;
    CHECK(once_value == 42 && lhp_once_done(&once));
    return NULL;
}

static void once_runs_until_it_succeeds(void)
{
    pthread_t threads[4];
    CHECK(!lhp_once_done(&once));
    for (int i = 0; i < 4; i++)
        threads[i] = spawn(once_body, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(once_tries == 3);
}

struct returns {
    struct lhp_bounded bounded;
    struct lhp_lock stop; /* free at the end */
};

static void *return_without_pause(void *arg)
{
    struct returns *r = arg;
    while (lhp_lock_locked(&r->stop)) {
        enum lhp_status status = lhp_bounded_release(&r->bounded, 1);
        CHECK(status == LHP_OK || status == LHP_OVER_BOUND);
    }
    return NULL;
}

/* Of releases that race for one permit that is out, one is accepted: never are there two. */
static void bound_holds_when_releases_race(void)
{
    struct returns r;
    CHECK_IS(lhp_bounded_init(&r.bounded, 1), LHP_OK);
    lhp_lock_init(&r.stop);
    lhp_lock_acquire(&r.stop);
    pthread_t threads[2] = {spawn(return_without_pause, &r), spawn(return_without_pause, &r)};
    for (unsigned i = 0; i < check_scaled(50000); i++) {
        CHECK(lhp_bounded_value(&r.bounded) <= 1);
        lhp_bounded_acquire(&r.bounded);
    }
    lhp_lock_release(&r.stop);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    lhp_lock_destroy(&r.stop);
    lhp_bounded_destroy(&r.bounded);
}

static void counts_have_a_largest(void)
{
    struct lhp_semaphore semaphore;
    struct lhp_bounded bounded;
    CHECK_IS(lhp_semaphore_init(&semaphore, UINT_MAX), LHP_INVALID);
    CHECK_IS(lhp_bounded_init(&bounded, UINT_MAX), LHP_INVALID);
    CHECK_IS(lhp_semaphore_init(&semaphore, SEM_VALUE_MAX - 1), LHP_OK);
    CHECK_IS(lhp_semaphore_release(&semaphore, 1), LHP_OK);
    CHECK_IS(lhp_semaphore_release(&semaphore, 1), LHP_OVER_BOUND);
    CHECK_IS(lhp_semaphore_acquire_for(&semaphore, 0), LHP_OK);
    CHECK_IS(lhp_semaphore_release(&semaphore, 2), LHP_OVER_BOUND); /* the one that fitted was added */
    CHECK(lhp_semaphore_value(&semaphore) == SEM_VALUE_MAX);
    lhp_semaphore_destroy(&semaphore);
}

static struct lhp_once slow_once = LHP_ONCE_INITIALIZER;

static int once_for_ever(void *arg)
{
    lhp_semaphore_release(arg, 1);
    return pause();
}

static int once_at_last(void *arg)
{
    *(int *)arg = 1;
    return 0;
}

static void *once_cancelled_body(void *arg)
{
    CHECK_IS(lhp_once_call(&slow_once, once_for_ever, arg), LHP_OK);
    return NULL;
}

static void cancelled_once_does_not_count(void)
{
    struct lhp_semaphore begun;
    int done = 0;
    CHECK_IS(lhp_semaphore_init(&begun, 0), LHP_OK);
    pthread_t thread = spawn(once_cancelled_body, &begun);
    lhp_semaphore_acquire(&begun);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    CHECK(!lhp_once_done(&slow_once));
    CHECK_IS(lhp_once_call(&slow_once, once_at_last, &done), LHP_OK);
    CHECK(done == 1 && lhp_once_done(&slow_once));
    lhp_semaphore_destroy(&begun);
}

struct tally {
    struct lhp_local local;
    struct lhp_lock lock;
    int built, destroyed;
};

static void tally_construct(void *block, void *arg)
{
    struct tally *t = arg;
    *(int *)block = 5;
    lhp_lock_acquire(&t->lock);
    t->built++;
    lhp_lock_release(&t->lock);
}

static void tally_destruct(void *block, void *arg)
{
    struct tally *t = arg;
    CHECK(*(int *)block == 6);
    lhp_lock_acquire(&t->lock);
    t->destroyed++;
    lhp_lock_release(&t->lock);
}

static void *tally_body(void *arg)
{
    struct tally *t = arg;
    int *mine = lhp_local_get(&t->local);
    CHECK(*mine == 5);
    *mine = 6;
    CHECK(lhp_local_get(&t->local) == mine);
    return NULL;
}

static void local_blocks_live_and_die_with_their_thread(void)
{
    struct tally t = {.built = 0};
    pthread_t threads[3];
    lhp_lock_init(&t.lock);
    CHECK_IS(lhp_local_init(&t.local, sizeof(int), tally_construct, tally_destruct, &t), LHP_OK);
    for (int i = 0; i < 3; i++)
        threads[i] = spawn(tally_body, &t);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    tally_body(&t);
    CHECK(t.built == 4 && t.destroyed == 3);
    lhp_local_destroy(&t.local);
    CHECK(t.destroyed == 4);
    lhp_lock_destroy(&t.lock);
}

struct stay {
    struct tally *tally;
    sem_t there, leave;
    pthread_t thread;
};

static void *stay_body(void *arg)
{
    struct stay *s = arg;
    tally_body(s->tally);
    sem_post(&s->there);
    while (sem_wait(&s->leave) != 0)
        ;
    return NULL;
}

static void stay_end(struct stay *s)
{
    sem_post(&s->leave);
    pthread_join(s->thread, NULL);
    sem_destroy(&s->there);
    sem_destroy(&s->leave);
}

/* Of three threads two end, `first` and then `second`; the block of the last is destroyed with the object. */
static void local_blocks_end(int first, int second)
{
    struct tally t = {.built = 0};
    struct stay stays[3];
    lhp_lock_init(&t.lock);
    CHECK_IS(lhp_local_init(&t.local, sizeof(int), tally_construct, tally_destruct, &t), LHP_OK);
    for (int i = 0; i < 3; i++) {
        stays[i].tally = &t;
        sem_init(&stays[i].there, 0, 0);
        sem_init(&stays[i].leave, 0, 0);
        stays[i].thread = spawn(stay_body, &stays[i]);
        while (sem_wait(&stays[i].there) != 0)
            ;
    }
    stay_end(&stays[first]);
    CHECK(t.destroyed == 1);
    stay_end(&stays[second]);
    CHECK(t.destroyed == 2);
    lhp_local_destroy(&t.local);
    CHECK(t.destroyed == 3);
    stay_end(&stays[3 - first - second]);
    CHECK(t.destroyed == 3);
    lhp_lock_destroy(&t.lock);
}

static void local_blocks_end_in_any_order(void)
{
    for (int first = 0; first < 3; first++)
        for (int second = 0; second < 3; second++)
            if (first != second)
                local_blocks_end(first, second);
}

static struct lhp_local returning;
static int returned; /* by one thread alone, read after its end */

/* A destructor that asks for the data again gets a new block, which is destroyed in turn. */
static void destruct_and_ask_again(void *block, void *arg)
{
    (void)arg;
    returned += *(int *)block;
    if (returned == 1)
        *(int *)lhp_local_get(&returning) = 10;
}

static void *local_body(void *arg)
{
    int *mine = lhp_local_get(&returning);
    CHECK(*mine == 0);
    *mine = 1;
    return arg;
}

static void local_block_is_made_again_in_a_destructor(void)
{
    CHECK_IS(lhp_local_init(&returning, sizeof(int), NULL, destruct_and_ask_again, NULL), LHP_OK);
    pthread_join(spawn(local_body, NULL), NULL);
    CHECK(returned == 11);
    lhp_local_destroy(&returning);
}

static void locks_say_whether_they_are_held(void)
{
    struct lhp_lock lock;
    struct lhp_rlock rlock;
    lhp_lock_init(&lock);
    lhp_rlock_init(&rlock);
    CHECK(!lhp_lock_locked(&lock) && !lhp_rlock_owned(&rlock) && lhp_rlock_level(&rlock) == 0);
    lhp_lock_acquire(&lock);
    for (unsigned i = 1; i <= 3; i++) {
        lhp_rlock_acquire(&rlock);
        CHECK(lhp_rlock_owned(&rlock) && lhp_rlock_level(&rlock) == i);
    }
    CHECK(lhp_lock_locked(&lock));
    CHECK_IS(lhp_lock_release(&lock), LHP_OK);
    for (unsigned i = 3; i > 0; i--) {
        CHECK(lhp_rlock_level(&rlock) == i);
        CHECK_IS(lhp_rlock_release(&rlock), LHP_OK);
    }
    CHECK(!lhp_lock_locked(&lock) && !lhp_rlock_owned(&rlock));
    lhp_rlock_destroy(&rlock);
    lhp_lock_destroy(&lock);
}

int main(void)
{
    check_init_seed();
    RUN(event_orders_and_times_out);
    RUN(pulse_reaches_who_waits);
    RUN(locks_say_whether_they_are_held);
    RUN(semaphores_count);
    RUN(bound_holds_when_releases_race);
    RUN(once_runs_until_it_succeeds);
    RUN(local_blocks_live_and_die_with_their_thread);
    RUN(local_blocks_end_in_any_order);
    RUN(local_block_is_made_again_in_a_destructor);
    if (!check_under_tool()) {
        RUN(event_survives_cancelled_waiters);
        RUN(cancelled_once_does_not_count);
        RUN(counts_have_a_largest); /* which a tool may call misuse */
    }
    return 0;
}

/* test_sync.c: what Condition, Event, Barrier, semaphores, Once and thread-local data promise beyond exclusion. */
#include <lhp/barrier.h>
#include <lhp/condition.h>
#include <lhp/event.h>
#include <lhp/local.h>
#include <lhp/once.h>
#include <lhp/semaphore.h>

#include "check.h"

static pthread_t spawn(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, arg) == 0);
    return thread;
}

struct crowd {
    struct lhp_condition condition;
    struct lhp_lock lock;
    unsigned waiting, woken;
    unsigned order[8];
};

static void crowd_await(struct crowd *c, unsigned waiting)
{
    for (;;) {
        lhp_condition_acquire(&c->condition);
        bool reached = c->waiting == waiting;
        lhp_condition_release(&c->condition);
        if (reached)
            return;
        sched_yield();
    }
}

static void *crowd_wait(void *arg)
{
    struct crowd *c = arg;
    lhp_condition_acquire(&c->condition);
    unsigned me = c->waiting++;
    CHECK_IS(lhp_condition_wait(&c->condition), LHP_OK);
    c->order[c->woken++] = me;
    lhp_condition_release(&c->condition);
    return NULL;
}

static void notify_wakes_the_oldest(struct crowd *c)
{
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        threads[i] = spawn(crowd_wait, c);
        crowd_await(c, i + 1);
    }
    lhp_condition_acquire(&c->condition);
    CHECK_IS(lhp_condition_notify(&c->condition, 1), LHP_OK);
    lhp_condition_release(&c->condition);
    pthread_join(threads[0], NULL);
    lhp_condition_acquire(&c->condition);
    CHECK(c->woken == 1 && c->order[0] == 0);
    lhp_condition_notify_all(&c->condition);
    CHECK(c->woken == 1); /* the others need the lock first */
    lhp_condition_release(&c->condition);
    for (unsigned i = 1; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(c->woken == 4);
}

static void condition_over_own_rlock(void)
{
    struct crowd c = {.waiting = 0};
    lhp_condition_init(&c.condition);
    CHECK_IS(lhp_condition_wait(&c.condition), LHP_NOT_HELD);
    CHECK_IS(lhp_condition_notify(&c.condition, 1), LHP_NOT_HELD);
    notify_wakes_the_oldest(&c);
    lhp_condition_acquire(&c.condition);
    lhp_condition_acquire(&c.condition);
    CHECK_IS(lhp_condition_wait_for(&c.condition, LHP_MS(2)), LHP_TIMEOUT);
    CHECK(lhp_rlock_level(&c.condition.own) == 2);
    lhp_condition_release(&c.condition);
    lhp_condition_release(&c.condition);
    lhp_condition_destroy(&c.condition);
}

static void condition_over_shared_lock(void)
{
    struct crowd c = {.waiting = 0};
    lhp_lock_init(&c.lock);
    lhp_condition_init_lock(&c.condition, &c.lock);
    CHECK_IS(lhp_condition_notify_all(&c.condition), LHP_NOT_HELD);
    notify_wakes_the_oldest(&c);
    lhp_condition_destroy(&c.condition);
    lhp_lock_destroy(&c.lock);
}

/* Of n notifications to n waiters, some of whom are cancelled, none is lost: whoever stays gets one. */
static void *crowd_wait_cancellable(void *arg)
{
    struct crowd *c = arg;
    lhp_condition_acquire(&c->condition);
    c->waiting++;
    pthread_cleanup_push((void (*)(void *))(void *)lhp_condition_release, &c->condition);
    CHECK_IS(lhp_condition_wait(&c->condition), LHP_OK);
    c->woken++;
    pthread_cleanup_pop(1);
    return NULL;
}

static void notification_outlives_a_cancelled_waiter(void)
{
    struct random r = random_for(1);
    for (unsigned i = 0; i < check_scaled(200); i++) {
        struct crowd c = {.waiting = 0};
        lhp_condition_init(&c.condition);
        pthread_t victim = spawn(crowd_wait_cancellable, &c);
        crowd_await(&c, 1);
        pthread_t other = spawn(crowd_wait_cancellable, &c);
        crowd_await(&c, 2);
        if (random_below(&r, 2))
            pthread_cancel(victim);
        lhp_condition_acquire(&c.condition);
        lhp_condition_notify(&c.condition, 1);
        lhp_condition_release(&c.condition);
        pthread_cancel(victim);
        pthread_join(victim, NULL);
        lhp_condition_acquire(&c.condition);
        lhp_condition_notify(&c.condition, c.woken ? 1 : 0);
        lhp_condition_release(&c.condition);
        pthread_join(other, NULL);
        lhp_condition_destroy(&c.condition);
    }
}

static bool is_positive(void *arg)
{
    return *(unsigned *)arg > 0;
}

static void *make_positive(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 3; i++) {
        lhp_condition_acquire(&c->condition);
        c->woken = i == 2;
        lhp_condition_notify_all(&c->condition);
        lhp_condition_release(&c->condition);
    }
    return NULL;
}

static void wait_until_tests_the_predicate(void)
{
    struct crowd c = {.waiting = 0};
    lhp_condition_init(&c.condition);
    lhp_condition_acquire(&c.condition);
    CHECK_IS(lhp_condition_wait_until(&c.condition, is_positive, &c.woken, LHP_MS(5)), LHP_TIMEOUT);
    pthread_t helper = spawn(make_positive, &c);
    CHECK_IS(lhp_condition_wait_until(&c.condition, is_positive, &c.woken, LHP_FOREVER), LHP_OK);
    lhp_condition_release(&c.condition);
    pthread_join(helper, NULL);
    lhp_condition_destroy(&c.condition);
}

struct pulse {
    struct lhp_event event;
    struct lhp_event ready;
    struct lhp_semaphore entered;
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
    lhp_bounded_destroy(&bounded);
    lhp_semaphore_destroy(&semaphore);
}

enum { PARTIES = 3 };

struct rounds {
    struct lhp_barrier barrier;
    unsigned rounds;
    unsigned arrived[PARTIES]; /* plain: the barrier must order them */
    unsigned seen[PARTIES];
    unsigned actions; /* written by the action alone */
};

struct party {
    struct rounds *rounds;
    unsigned number;
};

/* Runs between the last arrival and the first return of a round. */
static int count_action(void *arg)
{
    struct rounds *s = arg;
    for (unsigned i = 0; i < PARTIES; i++)
        CHECK(s->arrived[i] == s->actions + 1);
    s->actions++;
    return 0;
}

static void *party_body(void *arg)
{
    struct party *p = arg;
    struct rounds *s = p->rounds;
    for (unsigned i = 1; i <= s->rounds; i++) {
        unsigned index = PARTIES;
        s->arrived[p->number] = i;
        CHECK_IS(lhp_barrier_wait(&s->barrier, &index), LHP_OK);
        /* Nobody can have ended the next round, and this one's action is over. */
        CHECK(index < PARTIES && s->seen[p->number] + 1 == i);
        s->seen[p->number] = i;
    }
    return NULL;
}

static void barrier_keeps_rounds_apart(void)
{
    struct rounds s = {.rounds = check_scaled(500)};
    struct party parties[PARTIES];
    pthread_t threads[PARTIES];
    CHECK_IS(lhp_barrier_init(&s.barrier, 0, NULL, NULL), LHP_INVALID);
    CHECK_IS(lhp_barrier_init(&s.barrier, PARTIES, count_action, &s), LHP_OK);
    for (unsigned i = 0; i < PARTIES; i++) {
        parties[i] = (struct party){&s, i};
        threads[i] = spawn(party_body, &parties[i]);
    }
    for (unsigned i = 0; i < PARTIES; i++)
        pthread_join(threads[i], NULL);
    CHECK(s.actions == s.rounds);
    CHECK(lhp_barrier_parties(&s.barrier) == PARTIES && lhp_barrier_waiting(&s.barrier) == 0);
    lhp_barrier_destroy(&s.barrier);
}

static int fail_action(void *arg)
{
    (void)arg;
    return 1;
}

static void *barrier_expect_broken(void *arg)
{
    CHECK_IS(lhp_barrier_wait(arg, NULL), LHP_BROKEN);
    return NULL;
}

static void barrier_await_waiting(struct lhp_barrier *b, unsigned n)
{
    while (lhp_barrier_waiting(b) != n)
        sched_yield();
}

static void barrier_breaks_and_resets(void)
{
    struct lhp_barrier b;
    CHECK_IS(lhp_barrier_init(&b, 2, fail_action, NULL), LHP_OK);
    CHECK_IS(lhp_barrier_wait_for(&b, LHP_MS(5), NULL), LHP_TIMEOUT);
    CHECK(lhp_barrier_broken(&b));
    CHECK_IS(lhp_barrier_wait(&b, NULL), LHP_BROKEN);
    lhp_barrier_reset(&b);
    pthread_t thread = spawn(barrier_expect_broken, &b);
    barrier_await_waiting(&b, 1);
    CHECK_IS(lhp_barrier_wait(&b, NULL), LHP_FAILED);
    pthread_join(thread, NULL);
    lhp_barrier_reset(&b);
    thread = spawn(barrier_expect_broken, &b);
    barrier_await_waiting(&b, 1);
    lhp_barrier_reset(&b);
    pthread_join(thread, NULL);
    CHECK(!lhp_barrier_broken(&b));
    thread = spawn(barrier_expect_broken, &b);
    barrier_await_waiting(&b, 1);
    lhp_barrier_abort(&b);
    pthread_join(thread, NULL);
    lhp_barrier_destroy(&b);
}

static void barrier_breaks_when_a_party_is_cancelled(void)
{
    struct lhp_barrier b;
    CHECK_IS(lhp_barrier_init(&b, 2, NULL, NULL), LHP_OK);
    pthread_t thread = spawn(barrier_expect_broken, &b);
    barrier_await_waiting(&b, 1);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    CHECK(lhp_barrier_broken(&b));
    lhp_barrier_destroy(&b);
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

int main(void)
{
    check_init_seed();
    RUN(condition_over_own_rlock);
    RUN(condition_over_shared_lock);
    RUN(wait_until_tests_the_predicate);
    RUN(event_orders_and_times_out);
    RUN(semaphores_count);
    RUN(barrier_keeps_rounds_apart);
    RUN(barrier_breaks_and_resets);
    RUN(once_runs_until_it_succeeds);
    RUN(local_blocks_live_and_die_with_their_thread);
    if (!check_under_tool()) {
        RUN(notification_outlives_a_cancelled_waiter);
        RUN(event_survives_cancelled_waiters);
        RUN(barrier_breaks_when_a_party_is_cancelled);
    }
    return 0;
}

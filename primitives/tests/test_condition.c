/* test_condition.c: what Condition promises: who is woken, in which order, over which lock, and what is an error. */
#include <lhp/condition.h>
#include <lhp/semaphore.h>

#include "check.h"

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

static void notify_wakes_as_many_as_it_says(void)
{
    struct crowd c = {.waiting = 0};
    pthread_t threads[4];
    lhp_condition_init(&c.condition);
    for (unsigned i = 0; i < 4; i++) {
        threads[i] = spawn(crowd_wait, &c);
        crowd_await(&c, i + 1);
    }
    lhp_condition_acquire(&c.condition);
    CHECK_IS(lhp_condition_notify(&c.condition, 2), LHP_OK);
    lhp_condition_release(&c.condition);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    sleep_ms(5); /* for others, who should not come */
    lhp_condition_acquire(&c.condition);
    CHECK(c.woken == 2 && c.order[0] + c.order[1] == 1);
    CHECK_IS(lhp_condition_notify(&c.condition, 100), LHP_OK);
    lhp_condition_release(&c.condition);
    pthread_join(threads[2], NULL);
    pthread_join(threads[3], NULL);
    /* Nobody was there for the rest, and it is not kept. */
    lhp_condition_acquire(&c.condition);
    CHECK_IS(lhp_condition_notify_all(&c.condition), LHP_OK);
    CHECK_IS(lhp_condition_wait_for(&c.condition, LHP_MS(5)), LHP_TIMEOUT);
    lhp_condition_release(&c.condition);
    lhp_condition_destroy(&c.condition);
}

/* One slot, two conditions over the lock that guards it: each notify reaches its own side. */
struct slot {
    struct lhp_rlock lock;
    struct lhp_condition filled, emptied;
    bool full;
    unsigned taken, rounds;
};

static void *slot_take(void *arg)
{
    struct slot *s = arg;
    for (unsigned i = 0; i < s->rounds; i++) {
        lhp_rlock_acquire(&s->lock);
        if (!s->full)
            CHECK_IS(lhp_condition_wait(&s->filled), LHP_OK);
        CHECK(s->full); /* an `if` will do: nobody else takes, and no wait ends by itself */
        s->full = false;
        s->taken++;
        CHECK_IS(lhp_condition_notify(&s->emptied, 1), LHP_OK);
        CHECK_IS(lhp_rlock_release(&s->lock), LHP_OK);
    }
    return NULL;
}

static void conditions_over_one_shared_rlock(void)
{
    struct slot s = {.rounds = check_scaled(2000)};
    lhp_rlock_init(&s.lock);
    lhp_condition_init_rlock(&s.filled, &s.lock);
    lhp_condition_init_rlock(&s.emptied, &s.lock);
    pthread_t taker = spawn(slot_take, &s);
    for (unsigned i = 0; i < s.rounds; i++) {
        lhp_condition_acquire(&s.emptied); /* the same lock by another name */
        CHECK(lhp_rlock_owned(&s.lock));
        if (s.full)
            CHECK_IS(lhp_condition_wait(&s.emptied), LHP_OK);
        CHECK(!s.full);
        s.full = true;
        CHECK_IS(lhp_condition_notify(&s.filled, 1), LHP_OK);
        CHECK_IS(lhp_condition_release(&s.emptied), LHP_OK);
    }
    pthread_join(taker, NULL);
    CHECK(s.taken == s.rounds);
    lhp_condition_destroy(&s.filled);
    lhp_condition_destroy(&s.emptied);
    lhp_rlock_destroy(&s.lock);
}

static void *use_without_the_lock(void *condition)
{
    CHECK_IS(lhp_condition_wait(condition), LHP_NOT_HELD);
    CHECK_IS(lhp_condition_wait_for(condition, LHP_SECONDS(5)), LHP_NOT_HELD);
    CHECK_IS(lhp_condition_wait_until(condition, is_positive, &(unsigned){1}, LHP_SECONDS(5)), LHP_NOT_HELD);
    CHECK_IS(lhp_condition_notify(condition, 1), LHP_NOT_HELD);
    CHECK_IS(lhp_condition_notify_all(condition), LHP_NOT_HELD);
    CHECK(lhp_condition_release(condition) != LHP_OK);
    return NULL;
}

/* With nobody as the holder, and over an RLock with somebody else. */
static void without_the_lock_it_is_an_error(void)
{
    struct lhp_condition over_rlock, over_lock;
    struct lhp_lock lock;
    lhp_lock_init(&lock);
    lhp_condition_init(&over_rlock);
    lhp_condition_init_lock(&over_lock, &lock);
    use_without_the_lock(&over_rlock);
    use_without_the_lock(&over_lock);
    lhp_condition_acquire(&over_rlock);
    pthread_join(spawn(use_without_the_lock, &over_rlock), NULL);
    CHECK_IS(lhp_condition_release(&over_rlock), LHP_OK);
    lhp_condition_destroy(&over_lock);
    lhp_condition_destroy(&over_rlock);
    lhp_lock_destroy(&lock);
}

struct nagging {
    struct crowd crowd;
    struct lhp_lock stop; /* free at the end */
};

static void *notify_in_vain(void *arg)
{
    struct nagging *n = arg;
    while (lhp_lock_locked(&n->stop)) {
        lhp_condition_acquire(&n->crowd.condition);
        lhp_condition_notify_all(&n->crowd.condition);
        lhp_condition_release(&n->crowd.condition);
        sleep_ms(1);
    }
    return NULL;
}

/* The limit is for the whole, not from one notification to the next. */
static void wait_until_has_one_limit(void)
{
    struct nagging n = {.crowd = {.woken = 0}};
    lhp_condition_init(&n.crowd.condition);
    lhp_lock_init(&n.stop);
    lhp_lock_acquire(&n.stop);
    pthread_t nag = spawn(notify_in_vain, &n);
    lhp_condition_acquire(&n.crowd.condition);
    int64_t start = check_now_ns();
    CHECK_IS(lhp_condition_wait_until(&n.crowd.condition, is_positive, &n.crowd.woken, LHP_MS(30)), LHP_TIMEOUT);
    CHECK(check_now_ns() - start >= LHP_MS(30));
    lhp_condition_release(&n.crowd.condition);
    CHECK_IS(lhp_lock_release(&n.stop), LHP_OK);
    pthread_join(nag, NULL);
    lhp_lock_destroy(&n.stop);
    lhp_condition_destroy(&n.crowd.condition);
}

struct late {
    struct lhp_condition condition;
    bool waits, is_over;
    enum lhp_status status;
    unsigned notified;
};

static void *wait_shortly(void *arg)
{
    struct late *l = arg;
    lhp_condition_acquire(&l->condition);
    l->waits = true;
    l->status = lhp_condition_wait_for(&l->condition, LHP_MS(5));
    l->is_over = true;
    lhp_condition_release(&l->condition);
    return NULL;
}

static void late_await(struct late *l)
{
    for (bool there = false; !there; sched_yield()) {
        lhp_condition_acquire(&l->condition);
        if (!(there = l->waits))
            lhp_condition_release(&l->condition);
    }
}

/* Returns: false when the waiter was through before this thread had the lock. */
static bool notify_in_the_last_moment(void)
{
    struct late l = {.waits = false};
    lhp_condition_init(&l.condition);
    pthread_t waiter = spawn(wait_shortly, &l);
    late_await(&l);
    bool is_in_time = !l.is_over;
    sleep_ms(20);
    CHECK_IS(lhp_condition_notify(&l.condition, 1), LHP_OK);
    lhp_condition_release(&l.condition);
    pthread_join(waiter, NULL);
    CHECK(!is_in_time || l.status == LHP_OK);
    lhp_condition_destroy(&l.condition);
    return is_in_time;
}

/* A waiter whose time is up needs the lock to say so.  Who has it meanwhile and notifies still reaches him. */
static void notified_in_the_last_moment(void)
{
    while (!notify_in_the_last_moment())
        ;
}

static void late_leave(void *late)
{
    struct late *l = late;
    CHECK_IS(lhp_condition_release(&l->condition), LHP_OK);
}

static void *wait_long(void *arg)
{
    struct late *l = arg;
    lhp_condition_acquire(&l->condition);
    l->waits = true;
    pthread_cleanup_push(late_leave, l);
    CHECK_IS(lhp_condition_wait(&l->condition), LHP_OK);
    l->notified++;
    pthread_cleanup_pop(1);
    return NULL;
}

/* The same for one who is cancelled: what reaches him then is for the next. */
static void notified_and_cancelled_passes_it_on(void)
{
    struct late l = {.waits = false};
    lhp_condition_init(&l.condition);
    pthread_t victim = spawn(wait_long, &l);
    late_await(&l);
    l.waits = false;
    lhp_condition_release(&l.condition);
    pthread_t next = spawn(wait_long, &l);
    late_await(&l);
    pthread_cancel(victim);
    sleep_ms(20);
    CHECK_IS(lhp_condition_notify(&l.condition, 1), LHP_OK); /* for the victim, who came first and is still in line */
    lhp_condition_release(&l.condition);
    pthread_join(victim, NULL);
    pthread_join(next, NULL);
    CHECK(l.notified == 1);
    lhp_condition_destroy(&l.condition);
}

int main(void)
{
    check_init_seed();
    RUN(condition_over_own_rlock);
    RUN(condition_over_shared_lock);
    RUN(conditions_over_one_shared_rlock);
    RUN(notify_wakes_as_many_as_it_says);
    RUN(without_the_lock_it_is_an_error);
    RUN(wait_until_tests_the_predicate);
    RUN(wait_until_has_one_limit);
    RUN(notified_in_the_last_moment);
    if (!check_under_tool()) {
        RUN(notification_outlives_a_cancelled_waiter);
        RUN(notified_and_cancelled_passes_it_on);
    }
    return 0;
}

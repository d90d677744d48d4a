/* validate_shared.c: the validator of what processes share: locks, waits, barriers, queues.
 *
 * Random loads between processes, counted; and members killed at random moments, after which the survivors must go on
 * within a bounded time.
 */
#include <signal.h>
#include <string.h>

#include <lhp/process.h>
#include <lhp/shared.h>

#include "check.h"
#include "children.h"

struct board {
    struct lhp_shared_lock lock;
    struct lhp_shared_rlock rlock;
    struct lhp_shared_semaphore permits, tickets;
    struct lhp_shared_condition condition;
    struct lhp_shared_event event;
    struct lhp_shared_barrier barrier;
    unsigned action_ms;
    int action_fails;
    unsigned acted;
    unsigned rounds;
    unsigned by_lock, by_rlock, by_permit, turn, arrived;
};

enum { MEMBERS = 3 };

static int board_action(void *arg)
{
    struct board *b = arg;
    unsigned seen = *(volatile unsigned *)&b->acted; /* plain: the barrier keeps everybody else out */
    if (b->action_ms > 0)
        sleep_ms(b->action_ms);
    *(volatile unsigned *)&b->acted = seen + 1;
    return b->action_fails;
}

static struct board *board_new(void)
{
    struct board *b = lhp_shared_alloc(sizeof(*b));
    CHECK(b);
    lhp_shared_lock_init(&b->lock);
    lhp_shared_rlock_init(&b->rlock);
    lhp_shared_semaphore_init(&b->permits, 1, true);
    lhp_shared_semaphore_init(&b->tickets, 0, false);
    lhp_shared_condition_init(&b->condition, &b->rlock);
    lhp_shared_event_init(&b->event);
    CHECK_IS(lhp_shared_barrier_init(&b->barrier, MEMBERS, board_action, b), LHP_OK);
    b->rounds = check_scaled(1500);
    return b;
}

static void board_free(struct board *b)
{
    lhp_shared_barrier_destroy(&b->barrier);
    lhp_shared_event_destroy(&b->event);
    lhp_shared_condition_destroy(&b->condition);
    lhp_shared_semaphore_destroy(&b->tickets);
    lhp_shared_semaphore_destroy(&b->permits);
    lhp_shared_rlock_destroy(&b->rlock);
    lhp_shared_lock_destroy(&b->lock);
    lhp_shared_free(b);
}

/* An increment that only exclusion keeps from losing counts. */
static void count_slowly(unsigned *counter, struct random *r)
{
    unsigned seen = *(volatile unsigned *)counter;
    random_yield(r);
    *(volatile unsigned *)counter = seen + 1;
}

static int exclude(void *arg)
{
    struct board *b = arg;
    struct random r = random_for((unsigned)getpid());
    for (unsigned i = 0; i < b->rounds; i++) {
        CHECK_IS(lhp_shared_lock_acquire(&b->lock), LHP_OK);
        count_slowly(&b->by_lock, &r);
        CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_OK);
        CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
        CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
        count_slowly(&b->by_rlock, &r);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        CHECK_IS(lhp_shared_semaphore_acquire(&b->permits), LHP_OK);
        count_slowly(&b->by_permit, &r);
        CHECK_IS(lhp_shared_semaphore_release(&b->permits, 1), LHP_OK);
    }
    return 0;
}

static void shared_locks_exclude(void)
{
    struct board *b = board_new();
    struct lhp_process *members[MEMBERS];
    for (int i = 0; i < MEMBERS; i++)
        members[i] = start(exclude, b);
    for (int i = 0; i < MEMBERS; i++)
        finish(members[i], 0);
    CHECK(b->by_lock == MEMBERS * b->rounds && b->by_rlock == b->by_lock && b->by_permit == b->by_lock);
    CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_NOT_HELD);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_semaphore_release(&b->permits, 1), LHP_OVER_BOUND);
    CHECK_IS(lhp_shared_semaphore_acquire_for(&b->tickets, LHP_MS(5)), LHP_TIMEOUT);
    CHECK_IS(lhp_shared_semaphore_release(&b->tickets, 2), LHP_OK);
    CHECK(lhp_shared_semaphore_value(&b->tickets) == 2);
    CHECK_IS(lhp_shared_condition_wait(&b->condition), LHP_NOT_OWNER);
    board_free(b);
}

/* Parties take turns under the condition, then meet at the barrier, round after round. */
static int take_turns(void *arg)
{
    struct board *b = arg;
    unsigned index;
    lhp_shared_event_wait(&b->event);
    for (unsigned i = 0; i < b->rounds / 10; i++) {
        CHECK_IS(lhp_shared_barrier_wait(&b->barrier, &index), LHP_OK);
        CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
        while (b->turn % MEMBERS != index)
            CHECK_IS(lhp_shared_condition_wait(&b->condition), LHP_OK);
        b->turn++;
        CHECK_IS(lhp_shared_condition_notify_all(&b->condition), LHP_OK);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        CHECK_IS(lhp_shared_barrier_wait(&b->barrier, NULL), LHP_OK);
        CHECK(b->turn == (i + 1) * MEMBERS);
        CHECK(b->acted == 2 * (i + 1));
    }
    return 0;
}

static void shared_waits_work(void)
{
    struct board *b = board_new();
    struct lhp_process *members[MEMBERS];
    CHECK_IS(lhp_shared_event_wait_for(&b->event, LHP_MS(5)), LHP_TIMEOUT);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = start(take_turns, b);
    sleep_ms(5);
    lhp_shared_event_set(&b->event);
    for (int i = 0; i < MEMBERS; i++)
        finish(members[i], 0);
    CHECK(b->acted == 2 * (b->rounds / 10));
    CHECK(lhp_shared_event_is_set(&b->event));
    lhp_shared_event_clear(&b->event);
    CHECK(!lhp_shared_event_is_set(&b->event));
    CHECK_IS(lhp_shared_barrier_wait_for(&b->barrier, LHP_MS(5), NULL), LHP_TIMEOUT);
    CHECK(lhp_shared_barrier_broken(&b->barrier));
    lhp_shared_barrier_reset(&b->barrier);
    CHECK(!lhp_shared_barrier_broken(&b->barrier));
    board_free(b);
}

static int die_holding(void *arg)
{
    struct board *b = arg;
    if (lhp_shared_lock_acquire(&b->lock) != LHP_OK || lhp_shared_rlock_acquire(&b->rlock) != LHP_OK ||
        lhp_shared_semaphore_acquire(&b->permits) != LHP_OK)
        return 1;
    lhp_shared_event_set(&b->event);
    return pause();
}

static void dead_holders_are_seen(void)
{
    struct board *b = board_new();
    struct lhp_process *child = start(die_holding, b);
    lhp_shared_event_wait(&b->event);
    CHECK_IS(lhp_shared_lock_acquire_for(&b->lock, LHP_MS(10)), LHP_TIMEOUT);
    CHECK_IS(lhp_shared_rlock_acquire_for(&b->rlock, LHP_MS(10)), LHP_TIMEOUT);
    CHECK_IS(lhp_shared_semaphore_acquire_for(&b->permits, LHP_MS(10)), LHP_TIMEOUT);
    kill(lhp_process_pid(child), SIGKILL); /* and not reaped: a zombie holds nothing */
    CHECK_IS(lhp_shared_lock_acquire_for(&b->lock, LHP_SECONDS(5)), LHP_OWNER_DIED);
    CHECK_IS(lhp_shared_rlock_acquire_for(&b->rlock, LHP_SECONDS(5)), LHP_OWNER_DIED);
    CHECK_IS(lhp_shared_semaphore_acquire_for(&b->permits, LHP_SECONDS(5)), LHP_OWNER_DIED);
    finish(child, -SIGKILL);
    CHECK(lhp_shared_semaphore_value(&b->permits) == 0);
    CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    CHECK_IS(lhp_shared_semaphore_release(&b->permits, 1), LHP_OK);
    CHECK(lhp_shared_semaphore_value(&b->permits) == 1);
    CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    board_free(b);
}

static int wait_at_barrier(void *arg)
{
    struct board *b = arg;
    return (int)lhp_shared_barrier_wait(&b->barrier, NULL);
}

/* The party that comes last fails in the action: it alone learns that, the others that the barrier is broken. */
static void failed_action_breaks_the_barrier(void)
{
    struct board *b = board_new();
    b->action_fails = 1;
    struct lhp_process *first = start(wait_at_barrier, b), *second = start(wait_at_barrier, b);
    int codes[MEMBERS] = {(int)lhp_shared_barrier_wait(&b->barrier, NULL), code_of(first), code_of(second)};
    int failed = 0, broken = 0;
    for (int i = 0; i < MEMBERS; i++) {
        failed += codes[i] == LHP_FAILED;
        broken += codes[i] == LHP_BROKEN;
    }
    CHECK(failed == 1 && broken == MEMBERS - 1 && b->acted == 1 && lhp_shared_barrier_broken(&b->barrier));
    board_free(b);
}

static int die_in_action(void *arg)
{
    struct board *b = arg;
    lhp_shared_event_set(&b->event);
    return pause();
}

/* Who runs the action is killed in it: those of the round, and one that came for the next, are let go. */
static void death_in_an_action_breaks_the_barrier(void)
{
    struct board *b = board_new();
    lhp_shared_barrier_destroy(&b->barrier);
    CHECK_IS(lhp_shared_barrier_init(&b->barrier, 2, die_in_action, b), LHP_OK);
    struct lhp_process *first = start(wait_at_barrier, b), *second = start(wait_at_barrier, b);
    lhp_shared_event_wait(&b->event);
    CHECK_IS(lhp_shared_barrier_wait_for(&b->barrier, LHP_MS(20), NULL), LHP_TIMEOUT); /* held up by the action */
    CHECK(!lhp_shared_barrier_broken(&b->barrier));
    struct lhp_process *late = start(wait_at_barrier, b);
    bool is_first = b->barrier.ending.pid == lhp_process_pid(first);
    lhp_process_kill(is_first ? first : second);
    finish(is_first ? second : first, LHP_BROKEN);
    finish(is_first ? first : second, -SIGKILL);
    finish(late, LHP_BROKEN);
    board_free(b);
}

/* A reset while the action runs: the round counts as broken, also for who runs the action. */
static void reset_in_an_action_is_noticed(void)
{
    struct board *b = board_new();
    b->action_ms = 300;
    struct lhp_process *members[MEMBERS];
    for (int i = 0; i < MEMBERS; i++)
        members[i] = start(wait_at_barrier, b);
    while (*(volatile pid_t *)&b->barrier.ending.pid == 0)
        sleep_ms(1);
    lhp_shared_barrier_reset(&b->barrier);
    for (int i = 0; i < MEMBERS; i++)
        finish(members[i], LHP_BROKEN);
    CHECK(!lhp_shared_barrier_broken(&b->barrier));
    board_free(b);
}

/* Only a party that has come breaks the barrier by its death. */
static void dead_party_breaks_the_barrier(void)
{
    struct board *b = board_new();
    struct lhp_process *victim = start(wait_at_barrier, b), *survivor = start(wait_at_barrier, b);
    await_line(&b->barrier.monitor, 2);
    lhp_process_kill(victim);
    finish(survivor, LHP_BROKEN);
    finish(victim, -SIGKILL);
    board_free(b);
}

/* Members are killed wherever they happen to be; the others and a last one must still get through. */
static int use_everything(void *arg)
{
    struct board *b = arg;
    struct random r = random_for((unsigned)getpid());
    alarm(60); /* should the parent be gone */
    for (;;) {
        if (lhp_shared_lock_acquire_for(&b->lock, LHP_SECONDS(20)) == LHP_TIMEOUT)
            return 1;
        random_yield(&r);
        lhp_shared_lock_release(&b->lock);
        if (lhp_shared_rlock_acquire_for(&b->rlock, LHP_SECONDS(20)) == LHP_TIMEOUT)
            return 1;
        lhp_shared_condition_notify(&b->condition, 1);
        (void)!lhp_shared_condition_wait_for(&b->condition, random_below(&r, 100000));
        lhp_shared_rlock_release(&b->rlock);
        if (lhp_shared_semaphore_acquire_for(&b->permits, LHP_SECONDS(20)) == LHP_TIMEOUT)
            return 1;
        lhp_shared_semaphore_release(&b->permits, 1);
    }
}

static void survivors_go_on(void)
{
    struct board *b = board_new();
    struct random r = random_for(3);
    for (unsigned i = 0; i < check_scaled(40); i++) {
        struct lhp_process *members[MEMBERS];
        for (int k = 0; k < MEMBERS; k++)
            members[k] = start(use_everything, b);
        for (int k = 0; k < MEMBERS; k++) {
            nanosleep(&(struct timespec){.tv_nsec = random_below(&r, 3000000)}, NULL);
            lhp_process_kill(members[k]);
        }
        for (int k = 0; k < MEMBERS; k++)
            finish(members[k], -SIGKILL);
        CHECK(lhp_shared_lock_acquire_for(&b->lock, LHP_SECONDS(5)) != LHP_TIMEOUT);
        CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_OK);
        CHECK(lhp_shared_rlock_acquire_for(&b->rlock, LHP_SECONDS(5)) != LHP_TIMEOUT);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    }
    board_free(b);
}

struct belt {
    struct lhp_shared_queue *queue;
    struct lhp_shared_value *sum;
    struct lhp_shared_array *seen;
    unsigned items;
};

static int put_items(void *arg)
{
    struct belt *t = arg;
    for (unsigned i = 1; i <= t->items; i++)
        CHECK_IS(lhp_shared_queue_put(t->queue, &i), LHP_OK);
    return 0;
}

static int get_items(void *arg)
{
    struct belt *t = arg;
    unsigned item;
    for (;;) {
        CHECK_IS(lhp_shared_queue_get(t->queue, &item), LHP_OK);
        if (item == 0)
            return 0;
        lhp_shared_value_add(t->sum, item);
        lhp_shared_rlock_acquire(&t->seen->lock);
        t->seen->items[item - 1]++;
        lhp_shared_rlock_release(&t->seen->lock);
    }
}

static void shared_queue_loses_nothing(void)
{
    struct belt t = {lhp_shared_queue_new(7, sizeof(unsigned)), lhp_shared_value_new(), NULL, check_scaled(2000)};
    struct lhp_process *putters[2], *getters[2];
    t.seen = lhp_shared_array_new(t.items, 1);
    unsigned item = 0;
    CHECK(t.queue && t.sum && t.seen);
    CHECK_IS(lhp_shared_queue_get_for(t.queue, &item, LHP_MS(5)), LHP_EMPTY);
    for (int i = 0; i < 2; i++) {
        putters[i] = start(put_items, &t);
        getters[i] = start(get_items, &t);
    }
    for (int i = 0; i < 2; i++)
        finish(putters[i], 0);
    for (int i = 0; i < 2; i++)
        CHECK_IS(lhp_shared_queue_put(t.queue, &item), LHP_OK);
    for (int i = 0; i < 2; i++)
        finish(getters[i], 0);
    CHECK(lhp_shared_value_get(t.sum) == (int64_t)t.items * (t.items + 1));
    for (unsigned i = 0; i < t.items; i++)
        CHECK(t.seen->items[i] == 2);
    for (unsigned i = 0; i < 7; i++)
        CHECK_IS(lhp_shared_queue_put_for(t.queue, &i, 0), LHP_OK);
    CHECK_IS(lhp_shared_queue_put_for(t.queue, &item, LHP_MS(5)), LHP_FULL);
    CHECK(lhp_shared_queue_size(t.queue) == 7);
    lhp_shared_queue_free(t.queue);
    lhp_shared_free(t.sum);
    lhp_shared_free(t.seen);
}

int main(void)
{
    check_init_seed();
    RUN(shared_locks_exclude);
    RUN(shared_waits_work);
    RUN(dead_holders_are_seen);
    RUN(dead_party_breaks_the_barrier);
    RUN(failed_action_breaks_the_barrier);
    RUN(death_in_an_action_breaks_the_barrier);
    RUN(reset_in_an_action_is_noticed);
    RUN(survivors_go_on);
    RUN(shared_queue_loses_nothing);
    return 0;
}

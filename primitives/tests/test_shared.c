/* test_shared.c: what the shared objects promise beyond the loads of validate_shared.c: who may release, who is woken, what
 * breaks a barrier, what more waiters than there are places do, and what becomes of a notification whose receiver dies.
 */
#include <signal.h>
#include <sys/wait.h>

#include <lhp/process.h>
#include <lhp/shared.h>

#include "check.h"
#include "children.h"

struct board {
    struct lhp_shared_lock lock;
    struct lhp_shared_rlock rlock;
    struct lhp_shared_condition condition;
    struct lhp_shared_event event;
    struct lhp_shared_barrier barrier;
    struct lhp_shared_semaphore semaphore, entered;
    unsigned waiting, woken;
};

static struct board *board_new(void)
{
    struct board *b = lhp_shared_alloc(sizeof(*b));
    CHECK(b);
    lhp_shared_lock_init(&b->lock);
    lhp_shared_rlock_init(&b->rlock);
    lhp_shared_condition_init(&b->condition, &b->rlock);
    lhp_shared_event_init(&b->event);
    CHECK_IS(lhp_shared_barrier_init(&b->barrier, 3, NULL, NULL), LHP_OK);
    lhp_shared_semaphore_init(&b->semaphore, 0, false);
    lhp_shared_semaphore_init(&b->entered, 0, false);
    return b;
}

static void board_free(struct board *b)
{
    lhp_shared_semaphore_destroy(&b->entered);
    lhp_shared_semaphore_destroy(&b->semaphore);
    lhp_shared_barrier_destroy(&b->barrier);
    lhp_shared_event_destroy(&b->event);
    lhp_shared_condition_destroy(&b->condition);
    lhp_shared_rlock_destroy(&b->rlock);
    lhp_shared_lock_destroy(&b->lock);
    lhp_shared_free(b);
}

static int release_what_others_hold(void *arg)
{
    struct board *b = arg;
    CHECK(lhp_shared_lock_locked(&b->lock));
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_rlock_acquire_for(&b->rlock, 0), LHP_TIMEOUT);
    CHECK_IS(lhp_shared_condition_notify(&b->condition, 1), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_condition_notify_all(&b->condition), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_condition_wait_for(&b->condition, LHP_SECONDS(5)), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_condition_wait_until(&b->condition, NULL, NULL, LHP_SECONDS(5)), LHP_NOT_OWNER);
    CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_OK); /* a Lock is anybody's */
    return 0;
}

static void locks_know_their_owners(void)
{
    struct board *b = board_new();
    CHECK(!lhp_shared_lock_locked(&b->lock));
    CHECK_IS(lhp_shared_lock_acquire(&b->lock), LHP_OK);
    CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
    finish(start(release_what_others_hold, b), 0);
    CHECK(!lhp_shared_lock_locked(&b->lock));
    CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_NOT_HELD);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    CHECK_IS(lhp_shared_semaphore_release(&b->semaphore, 0), LHP_INVALID);
    board_free(b);
}

static int die_with_an_rlock(void *arg)
{
    struct board *b = arg;
    for (int i = 0; i < 3; i++)
        if (lhp_shared_rlock_acquire(&b->rlock) != LHP_OK)
            return 1;
    return raise(SIGKILL);
}

static int acquire_at_once(void *arg)
{
    struct board *b = arg;
    return lhp_shared_rlock_acquire_for(&b->rlock, 0) == LHP_OK ? 0 : 1;
}

/* However often the dead one had it, the heir has it once. */
static void heir_of_an_rlock_has_it_once(void)
{
    struct board *b = board_new();
    finish(start(die_with_an_rlock, b), -SIGKILL);
    CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OWNER_DIED);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_NOT_OWNER);
    finish(start(acquire_at_once, b), 0);
    board_free(b);
}

static int wait_for_a_signal(void *arg)
{
    (void)arg;
    return pause();
}

/* A process with the holder's number that began at another time is not the holder. */
static void number_alone_is_no_identity(void)
{
    struct board *b = board_new();
    struct lhp_process *other = start(wait_for_a_signal, NULL);
    b->lock.held = 1;
    b->lock.holder = (struct lhp_shared_identity){lhp_process_pid(other), 1};
    CHECK_IS(lhp_shared_lock_acquire_for(&b->lock, LHP_SECONDS(20)), LHP_OWNER_DIED);
    CHECK_IS(lhp_process_kill(other), LHP_OK);
    finish(other, -SIGKILL);
    board_free(b);
}

/* ---- Condition --------------------------------------------------------------------------------------------------- */

static int wait_to_be_notified(void *arg)
{
    struct board *b = arg;
    if (lhp_shared_rlock_acquire(&b->rlock) != LHP_OK || lhp_shared_rlock_acquire(&b->rlock) != LHP_OK)
        return 1;
    b->waiting++;
    if (lhp_shared_condition_wait(&b->condition) != LHP_OK)
        return 2;
    b->woken++;
    /* As often as before. */
    if (lhp_shared_rlock_release(&b->rlock) != LHP_OK || lhp_shared_rlock_release(&b->rlock) != LHP_OK)
        return 3;
    return lhp_shared_rlock_release(&b->rlock) == LHP_NOT_OWNER ? 0 : 4;
}

/* Leaves with the lock. */
static void await_waiting(struct board *b, unsigned waiting)
{
    for (;; sleep_ms(1)) {
        CHECK(lhp_shared_rlock_acquire(&b->rlock) == LHP_OK);
        if (b->waiting == waiting)
            return;
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    }
}

static unsigned woken_now(struct board *b)
{
    CHECK(lhp_shared_rlock_acquire(&b->rlock) == LHP_OK);
    unsigned woken = b->woken;
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    return woken;
}

static void notify_wakes_as_many_as_it_says(void)
{
    struct board *b = board_new();
    struct lhp_process *waiters[3];
    for (unsigned i = 0; i < 3; i++) {
        waiters[i] = start(wait_to_be_notified, b);
        await_waiting(b, i + 1);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    }
    CHECK(lhp_shared_rlock_acquire(&b->rlock) == LHP_OK);
    CHECK_IS(lhp_shared_condition_notify(&b->condition, 1), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    finish(waiters[0], 0); /* who came first */
    sleep_ms(5);
    CHECK(woken_now(b) == 1);
    CHECK(lhp_shared_rlock_acquire(&b->rlock) == LHP_OK);
    CHECK_IS(lhp_shared_condition_notify_all(&b->condition), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    finish(waiters[1], 0);
    finish(waiters[2], 0);
    CHECK(woken_now(b) == 3);
    board_free(b);
}

/* The first in line is stopped, notified, and killed before he can act on it: the second gets the notification. */
static void notification_of_the_dead_goes_on(void)
{
    struct board *b = board_new();
    struct lhp_process *first = start(wait_to_be_notified, b), *second;
    int status;
    await_waiting(b, 1);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    second = start(wait_to_be_notified, b);
    await_waiting(b, 2);
    kill(lhp_process_pid(first), SIGSTOP);
    CHECK(waitpid(lhp_process_pid(first), &status, WUNTRACED) == lhp_process_pid(first) && WIFSTOPPED(status));
    CHECK_IS(lhp_shared_condition_notify(&b->condition, 1), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    CHECK_IS(lhp_process_kill(first), LHP_OK);
    finish(first, -SIGKILL);
    finish(second, 0);
    board_free(b);
}

static void relay_leave(void *board)
{
    struct board *b = board;
    b->waiting--;
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
}

static void *wait_cancellable(void *arg)
{
    struct board *b = arg;
    CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
    b->waiting++;
    pthread_cleanup_push(relay_leave, b);
    CHECK_IS(lhp_shared_condition_wait(&b->condition), LHP_OK);
    b->woken++;
    pthread_cleanup_pop(1);
    return NULL;
}

/* Notified and cancelled at one moment: the notification is the victim's, or it goes to the next. */
static void notification_of_the_cancelled_goes_on(void)
{
    for (unsigned i = 0; i < check_scaled(300); i++) {
        struct board *b = board_new();
        pthread_t victim = spawn(wait_cancellable, b), next;
        await_waiting(b, 1);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        next = spawn(wait_cancellable, b);
        await_waiting(b, 2);
        CHECK_IS(lhp_shared_condition_notify(&b->condition, 1), LHP_OK);
        pthread_cancel(victim);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        pthread_join(victim, NULL);
        CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
        if (b->woken == 1 && b->waiting == 1) /* it came through, unless that was the next */
            CHECK_IS(lhp_shared_condition_notify(&b->condition, 1), LHP_OK);
        CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
        pthread_join(next, NULL);
        board_free(b);
    }
}

/* ---- Event, Barrier, Semaphore ----------------------------------------------------------------------------------- */

static int wait_for_event(void *arg)
{
    struct board *b = arg;
    CHECK_IS(lhp_shared_semaphore_release(&b->entered, 1), LHP_OK);
    lhp_shared_event_wait(&b->event);
    return 0;
}

/* Set and cleared before any of the sleepers looks. */
static void pulse_reaches_who_waits(void)
{
    struct board *b = board_new();
    struct lhp_process *waiters[2] = {start(wait_for_event, b), start(wait_for_event, b)};
    int status;
    await_line(&b->event.monitor, 2);
    for (int i = 0; i < 2; i++) {
        kill(lhp_process_pid(waiters[i]), SIGSTOP);
        CHECK(waitpid(lhp_process_pid(waiters[i]), &status, WUNTRACED) > 0 && WIFSTOPPED(status));
    }
    lhp_shared_event_set(&b->event);
    lhp_shared_event_clear(&b->event);
    for (int i = 0; i < 2; i++)
        kill(lhp_process_pid(waiters[i]), SIGCONT);
    for (int i = 0; i < 2; i++)
        finish(waiters[i], 0);
    board_free(b);
}

static int meet(void *arg)
{
    struct board *b = arg;
    unsigned index = 77;
    enum lhp_status status = lhp_shared_barrier_wait(&b->barrier, &index);
    return status == LHP_OK ? (int)index : 100 + (int)status;
}

static void barrier_numbers_its_parties_and_can_be_aborted(void)
{
    struct board *b = board_new();
    struct lhp_shared_barrier *unused = &b->barrier;
    CHECK_IS(lhp_shared_barrier_init(unused, 0, NULL, NULL), LHP_INVALID);
    CHECK_IS(lhp_shared_barrier_init(unused, LHP_SHARED_WAITERS + 1, NULL, NULL), LHP_INVALID);
    CHECK(lhp_shared_barrier_parties(&b->barrier) == 3 && lhp_shared_barrier_waiting(&b->barrier) == 0);
    struct lhp_process *parties[3];
    for (int i = 0; i < 3; i++) {
        parties[i] = start(meet, b);
        if (i < 2)
            await_line(&b->barrier.monitor, (unsigned)i + 1);
        CHECK(i == 2 || lhp_shared_barrier_waiting(&b->barrier) == (unsigned)i + 1);
    }
    for (int i = 0; i < 3; i++)
        finish(parties[i], i);
    for (int i = 0; i < 2; i++)
        parties[i] = start(meet, b);
    await_line(&b->barrier.monitor, 2);
    lhp_shared_barrier_abort(&b->barrier);
    for (int i = 0; i < 2; i++)
        finish(parties[i], 100 + LHP_BROKEN);
    CHECK(lhp_shared_barrier_broken(&b->barrier));
    CHECK_IS(lhp_shared_barrier_wait_for(&b->barrier, LHP_SECONDS(5), NULL), LHP_BROKEN);
    lhp_shared_barrier_reset(&b->barrier);
    CHECK(!lhp_shared_barrier_broken(&b->barrier));
    parties[0] = start(meet, b);
    await_line(&b->barrier.monitor, 1);
    CHECK_IS(lhp_shared_barrier_wait_for(&b->barrier, LHP_MS(5), NULL), LHP_TIMEOUT); /* breaks it for the others */
    finish(parties[0], 100 + LHP_BROKEN);
    board_free(b);
}

static void *wait_in_a_crowd(void *arg)
{
    struct board *b = arg;
    CHECK_IS(lhp_shared_semaphore_acquire(&b->semaphore), LHP_OK);
    lhp_shared_event_wait(&b->event);
    return NULL;
}

/* More wait than there are places in line: nobody is forgotten. */
static void crowd_gets_through(void)
{
    enum { CROWD = LHP_SHARED_WAITERS + 6 };
    struct board *b = board_new();
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        threads[i] = spawn(wait_in_a_crowd, b);
    await_line(&b->semaphore.monitor, LHP_SHARED_WAITERS);
    CHECK_IS(lhp_shared_semaphore_release(&b->semaphore, CROWD), LHP_OK);
    await_line(&b->event.monitor, LHP_SHARED_WAITERS);
    lhp_shared_event_set(&b->event);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    CHECK(lhp_shared_semaphore_value(&b->semaphore) == 0);
    board_free(b);
}

static void *wait_in_line(void *arg)
{
    struct board *b = arg;
    CHECK_IS(lhp_shared_rlock_acquire(&b->rlock), LHP_OK);
    b->waiting++;
    CHECK_IS(lhp_shared_condition_wait(&b->condition), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    return NULL;
}

static void full_line_of_a_condition_is_told(void)
{
    struct board *b = board_new();
    pthread_t threads[LHP_SHARED_WAITERS];
    for (int i = 0; i < LHP_SHARED_WAITERS; i++)
        threads[i] = spawn(wait_in_line, b);
    await_waiting(b, LHP_SHARED_WAITERS);
    CHECK_IS(lhp_shared_condition_wait(&b->condition), LHP_OVER_BOUND);
    CHECK_IS(lhp_shared_condition_notify_all(&b->condition), LHP_OK); /* the lock is still held */
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    for (int i = 0; i < LHP_SHARED_WAITERS; i++)
        pthread_join(threads[i], NULL);
    board_free(b);
}

static void queue_is_first_in_first_out(void)
{
    struct lhp_shared_queue *q = lhp_shared_queue_new(3, sizeof(int));
    int item;
    CHECK(!lhp_shared_queue_new(0, 4) && !lhp_shared_queue_new(4, 0) && !lhp_shared_queue_new(SIZE_MAX / 2, 4));
    CHECK(q && lhp_shared_queue_empty(q) && !lhp_shared_queue_full(q));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            CHECK_IS(lhp_shared_queue_put(q, &(int){10 * round + i}), LHP_OK);
        CHECK(lhp_shared_queue_full(q) && !lhp_shared_queue_empty(q));
        CHECK_IS(lhp_shared_queue_put_for(q, &round, 0), LHP_FULL);
        for (int i = 0; i < 3; i++) {
            CHECK_IS(lhp_shared_queue_get(q, &item), LHP_OK);
            CHECK(item == 10 * round + i);
        }
        CHECK_IS(lhp_shared_queue_get_for(q, &item, 0), LHP_EMPTY);
    }
    lhp_shared_queue_free(q);
}

static int add_many(void *value)
{
    for (unsigned i = 0; i < check_scaled(20000); i++)
        lhp_shared_value_add(value, 1);
    return 0;
}

static void values_add_under_their_lock(void)
{
    struct lhp_shared_value *value = lhp_shared_value_new();
    CHECK(value && lhp_shared_value_get(value) == 0);
    struct lhp_process *adders[2] = {start(add_many, value), start(add_many, value)};
    for (int i = 0; i < 2; i++)
        finish(adders[i], 0);
    CHECK(lhp_shared_value_get(value) == 2 * (int64_t)check_scaled(20000));
    CHECK(lhp_shared_value_add(value, -5) == 2 * (int64_t)check_scaled(20000) - 5);
    lhp_shared_free(value);
    CHECK(!lhp_shared_array_new(SIZE_MAX / 2, 16));
}

int main(void)
{
    check_init_seed();
    RUN(locks_know_their_owners);
    RUN(heir_of_an_rlock_has_it_once);
    RUN(number_alone_is_no_identity);
    RUN(notify_wakes_as_many_as_it_says);
    RUN(notification_of_the_dead_goes_on);
    RUN(pulse_reaches_who_waits);
    RUN(barrier_numbers_its_parties_and_can_be_aborted);
    RUN(crowd_gets_through);
    RUN(full_line_of_a_condition_is_told);
    RUN(queue_is_first_in_first_out);
    if (check_may_cancel())
        RUN(notification_of_the_cancelled_goes_on);
    RUN(values_add_under_their_lock);
    return 0;
}

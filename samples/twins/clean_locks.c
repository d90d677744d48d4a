/* expect: none */
/* Every synchronisation object of the library under load from four threads: locks in one order, conditions with loops,
 * events, barriers round after round, a semaphore handed over, once and thread-local data.
 */
#include <lhp/barrier.h>
#include <lhp/condition.h>
#include <lhp/event.h>
#include <lhp/local.h>
#include <lhp/once.h>
#include <lhp/rwlock.h>
#include <lhp/semaphore.h>
#include <lhp/thread.h>
#include <lhp/timer.h>

#include "twin.h"

enum { THREADS = 4, ROUNDS = 3000 };

static struct lhp_lock outer;
static struct lhp_rlock inner;
static struct lhp_semaphore token;
static struct lhp_bounded rooms;
static struct lhp_rwlock table;
static struct lhp_condition turn;
static struct lhp_event start, rung;
static struct lhp_barrier meeting;
static struct lhp_local scratch;
static struct lhp_once once = LHP_ONCE_INITIALIZER;
static long nested, tokens, written, whose, prepared;

static int prepare(void *arg)
{
    prepared = *(long *)arg;
    return 0;
}

static void use_locks(void)
{
    lhp_lock_acquire(&outer);
    lhp_rlock_acquire(&inner);
    lhp_rlock_acquire(&inner);
    nested++;
    lhp_rlock_release(&inner);
    lhp_rlock_release(&inner);
    lhp_lock_release(&outer);
    lhp_semaphore_acquire(&token);
    tokens++;
    lhp_semaphore_release(&token, 1);
    if (lhp_bounded_acquire_for(&rooms, LHP_SECONDS(20)) == LHP_OK)
        lhp_bounded_release(&rooms, 1);
}

static void use_rwlock(long round)
{
    if (round % 8 == 0) {
        lhp_rwlock_acquire_exclusive(&table);
        written++;
        lhp_rwlock_release_exclusive(&table);
    } else {
        lhp_rwlock_acquire_shared(&table);
        must(written >= 0);
        lhp_rwlock_release_shared(&table);
    }
}

static void take_turn(long number)
{
    lhp_condition_acquire(&turn);
    while (whose % THREADS != number)
        lhp_condition_wait(&turn);
    whose++;
    lhp_condition_notify_all(&turn);
    lhp_condition_release(&turn);
}

static int body(void *arg)
{
    long number = (long)arg, mine = 7;
    lhp_event_wait(&start);
    for (long round = 0; round < ROUNDS; round++) {
        must(lhp_once_call(&once, prepare, &mine) == LHP_OK && prepared == 7);
        use_locks();
        use_rwlock(round);
        ++*(long *)lhp_local_get(&scratch);
        if (round % 10 == 0) {
            take_turn(number);
            must(lhp_barrier_wait(&meeting, NULL) == LHP_OK);
        }
    }
    return *(long *)lhp_local_get(&scratch) == ROUNDS ? 0 : 1;
}

static void ring(void *arg)
{
    lhp_event_set(arg);
}

static void set_up(void)
{
    lhp_lock_init(&outer);
    lhp_rlock_init(&inner);
    must(lhp_semaphore_init(&token, 1) == LHP_OK && lhp_bounded_init(&rooms, 2) == LHP_OK);
    lhp_rwlock_init(&table);
    lhp_condition_init(&turn);
    lhp_event_init(&start);
    lhp_event_init(&rung);
    must(lhp_barrier_init(&meeting, THREADS, NULL, NULL) == LHP_OK);
    must(lhp_local_init(&scratch, sizeof(long), NULL, NULL, NULL) == LHP_OK);
}

static void tear_down(void)
{
    lhp_local_destroy(&scratch);
    lhp_barrier_destroy(&meeting);
    lhp_event_destroy(&rung);
    lhp_event_destroy(&start);
    lhp_condition_destroy(&turn);
    lhp_rwlock_destroy(&table);
    lhp_bounded_destroy(&rooms);
    lhp_semaphore_destroy(&token);
    lhp_rlock_destroy(&inner);
    lhp_lock_destroy(&outer);
}

int main(void)
{
    struct lhp_thread *threads[THREADS];
    set_up();
    for (long i = 0; i < THREADS; i++) {
        threads[i] = lhp_thread_new(body, (void *)i, NULL);
        must(threads[i] && lhp_thread_start(threads[i]) == LHP_OK);
    }
    struct lhp_timer *timer = lhp_timer_new(LHP_MS(1), ring, &rung);
    must(timer && lhp_timer_start(timer) == LHP_OK);
    lhp_event_set(&start);
    lhp_event_wait(&rung);
    lhp_timer_join(timer);
    lhp_timer_release(timer);
    for (int i = 0; i < THREADS; i++) {
        lhp_thread_join(threads[i]);
        must(lhp_thread_error(threads[i]) == 0);
        lhp_thread_release(threads[i]);
    }
    must(nested == THREADS * ROUNDS && tokens == nested);
    tear_down();
    return 0;
}

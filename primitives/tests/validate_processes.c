/* validate_processes.c: the validator of processes, connections, shared objects and process pools.
 *
 * Random loads between processes, counted; every kind of end of a process and its code; and members killed at random
 * moments, after which the survivors must go on within a bounded time.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <lhp/connection.h>
#include <lhp/process.h>
#include <lhp/process_pool.h>
#include <lhp/shared.h>

#include "check.h"

static struct lhp_process *start(int (*fn)(void *), void *arg)
{
    struct lhp_process *p = lhp_process_new(fn, arg, NULL);
    CHECK(p);
    CHECK_IS(lhp_process_start(p), LHP_OK);
    return p;
}

static int code_of(struct lhp_process *p)
{
    int code = -1000;
    CHECK_IS(lhp_process_join_for(p, LHP_SECONDS(30)), LHP_OK);
    CHECK_IS(lhp_process_exitcode(p, &code), LHP_OK);
    CHECK_IS(lhp_process_close(p), LHP_OK);
    return code;
}

static void finish(struct lhp_process *p, int expected)
{
    CHECK(code_of(p) == expected);
}

static int return_41(void *arg)
{
    (void)arg;
    return 41;
}

static int wait_for_signal(void *arg)
{
    (void)arg;
    return pause();
}

static int abort_quietly(void *arg)
{
    (void)arg;
    signal(SIGABRT, SIG_DFL);
    return raise(SIGKILL);
}

static int start_from_daemon(void *arg)
{
    struct lhp_process *p = lhp_process_new(return_41, arg, NULL);
    return lhp_process_start(p) == LHP_BAD_STATE ? 0 : 1;
}

static void exit_codes_and_signals(void)
{
    int code;
    struct lhp_process *p = lhp_process_new(return_41, NULL, NULL);
    CHECK_IS(lhp_process_join(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_terminate(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_start(p), LHP_OK);
    CHECK_IS(lhp_process_start(p), LHP_BAD_STATE);
    CHECK(lhp_process_pid(p) > 0);
    finish(p, 41);
    p = start(wait_for_signal, NULL);
    CHECK(lhp_process_is_alive(p) && lhp_process_active_count() == 1);
    CHECK_IS(lhp_process_exitcode(p, &code), LHP_BAD_STATE);
    CHECK_IS(lhp_process_close(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_join_for(p, LHP_MS(10)), LHP_TIMEOUT);
    CHECK_IS(lhp_process_terminate(p), LHP_OK);
    finish(p, -SIGTERM);
    p = start(wait_for_signal, NULL);
    CHECK_IS(lhp_process_kill(p), LHP_OK);
    finish(p, -SIGKILL);
    finish(start(abort_quietly, NULL), -SIGKILL);
    p = lhp_process_new(start_from_daemon, NULL, &(struct lhp_process_options){.name = "d", .daemon = true});
    CHECK_IS(lhp_process_start(p), LHP_OK);
    finish(p, 0);
    CHECK(lhp_process_active_count() == 0);
}

struct pipe_ends {
    struct lhp_connection ours, theirs;
    unsigned messages;
};

/* Echoes until EOF. */
static int echo(void *arg)
{
    struct pipe_ends *p = arg;
    lhp_connection_close(&p->ours);
    for (;;) {
        void *message;
        size_t size;
        enum lhp_status status = lhp_connection_recv_new(&p->theirs, &message, &size);
        if (status != LHP_OK)
            return status == LHP_EOF ? 0 : 1;
        if (lhp_connection_send(&p->theirs, message, size) != LHP_OK)
            return 2;
        free(message);
    }
}

static void messages_keep_their_bounds(void)
{
    enum { LARGEST = 300000 };
    struct pipe_ends p;
    struct random r = random_for(1);
    unsigned char *sent = malloc(LARGEST), *got = malloc(LARGEST);
    size_t size;
    CHECK_IS(lhp_connection_pair(&p.ours, &p.theirs, true), LHP_OK);
    struct lhp_process *child = start(echo, &p);
    lhp_connection_close(&p.theirs);
    CHECK_IS(lhp_connection_poll(&p.ours, LHP_MS(2)), LHP_TIMEOUT);
    for (unsigned i = 0; i < check_scaled(200); i++) {
        size_t n = random_below(&r, 5) ? random_below(&r, 100) : random_below(&r, LARGEST);
        memset(sent, (int)(i + 1), n);
        CHECK_IS(lhp_connection_send(&p.ours, sent, n), LHP_OK);
        CHECK_IS(lhp_connection_poll(&p.ours, LHP_SECONDS(10)), LHP_OK);
        if (n > 10 && random_below(&r, 4) == 0) {
            CHECK_IS(lhp_connection_recv(&p.ours, got, n - 1, &size), LHP_TOO_LONG);
            continue;
        }
        CHECK_IS(lhp_connection_recv(&p.ours, got, LARGEST, &size), LHP_OK);
        CHECK(size == n && memcmp(sent, got, n) == 0);
    }
    lhp_connection_close(&p.ours);
    finish(child, 0);
    CHECK_IS(lhp_connection_send(&p.ours, "", 0), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_pair(&p.ours, &p.theirs, false), LHP_OK);
    CHECK_IS(lhp_connection_send(&p.ours, "", 0), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_send(&p.theirs, "", 0), LHP_OK);
    CHECK_IS(lhp_connection_recv(&p.ours, NULL, 0, &size), LHP_OK);
    lhp_connection_close(&p.ours);
    CHECK_IS(lhp_connection_send(&p.theirs, "x", 1), LHP_EOF);
    lhp_connection_close(&p.theirs);
    free(sent);
    free(got);
}

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
    CHECK_IS(lhp_shared_lock_release(&b->lock), LHP_OK);
    CHECK_IS(lhp_shared_rlock_release(&b->rlock), LHP_OK);
    CHECK_IS(lhp_shared_semaphore_release(&b->permits, 1), LHP_OK);
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
    sleep_ms(30);
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

static void dead_party_breaks_the_barrier(void)
{
    struct board *b = board_new();
    struct lhp_process *victim = start(wait_at_barrier, b), *survivor = start(wait_at_barrier, b);
    sleep_ms(30);
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

static int pool_square(const void *argument, size_t size, void **result, size_t *result_size)
{
    int64_t n;
    memcpy(&n, argument, size);
    int64_t *answer = malloc(sizeof(*answer));
    *answer = n * n;
    *result = answer;
    *result_size = sizeof(*answer);
    return n == 13 ? 113 : 0;
}

static int pool_die(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)argument, (void)size, (void)result, (void)result_size;
    return raise(SIGKILL);
}

static int pool_sleep(const void *argument, size_t size, void **result, size_t *result_size)
{
    (void)argument, (void)size, (void)result, (void)result_size;
    sleep_ms(20);
    return 0;
}

static struct lhp_process_pool *pool_of(unsigned workers, bool respawn)
{
    struct lhp_process_pool *pool =
        lhp_process_pool_new(&(struct lhp_process_pool_options){.workers = workers, .respawn = respawn});
    CHECK(pool);
    return pool;
}

static void pool_answers(void)
{
    enum { ITEMS = 40 };
    int64_t items[ITEMS];
    struct lhp_future *f[ITEMS];
    struct lhp_process_pool *pool = pool_of(2, false);
    pid_t pids[2];
    CHECK(lhp_process_pool_workers(pool, pids, 2) == 2 && pids[0] != pids[1]);
    for (int64_t i = 0; i < ITEMS; i++)
        items[i] = i;
    CHECK_IS(lhp_process_pool_submit(pool, "unknown", NULL, 0, &f[0]), LHP_INVALID);
    CHECK_IS(lhp_process_pool_map(pool, "square", items, sizeof(items[0]), ITEMS, f), LHP_OK);
    for (int64_t i = 0; i < ITEMS; i++) {
        void *result;
        CHECK_IS(lhp_future_result_for(f[i], LHP_SECONDS(20), &result), i == 13 ? LHP_FAILED : LHP_OK);
        CHECK(i != 13 || lhp_future_error(f[i]) == 113);
        if (i != 13) {
            const struct lhp_bytes *bytes = result;
            CHECK(bytes->size == sizeof(i) && *(const int64_t *)(const void *)bytes->data == i * i);
        }
        lhp_future_release(f[i]);
    }
    for (int i = 0; i < 6; i++)
        CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[i]), LHP_OK);
    lhp_process_pool_shutdown(pool, false, true);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, NULL), LHP_SHUT_DOWN);
    lhp_process_pool_delete(pool);
    for (int i = 0; i < 6; i++) {
        CHECK(lhp_future_done(f[i]));
        lhp_future_release(f[i]);
    }
}

static void dead_worker_breaks_an_executor(void)
{
    struct lhp_process_pool *pool = pool_of(1, false);
    struct lhp_future *f[3];
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[0]), LHP_OK);
    CHECK_IS(lhp_process_pool_submit(pool, "die", NULL, 0, &f[1]), LHP_OK);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f[2]), LHP_OK);
    CHECK_IS(lhp_future_result_for(f[0], LHP_SECONDS(20), NULL), LHP_OK);
    CHECK_IS(lhp_future_result_for(f[1], LHP_SECONDS(20), NULL), LHP_WORKER_DIED);
    CHECK_IS(lhp_future_result_for(f[2], LHP_SECONDS(20), NULL), LHP_BROKEN);
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, NULL), LHP_BROKEN);
    lhp_process_pool_delete(pool);
    for (int i = 0; i < 3; i++)
        lhp_future_release(f[i]);
}

static void pool_replaces_dead_workers(void)
{
    struct lhp_process_pool *pool = pool_of(2, true);
    for (int64_t i = 0; i < 10; i++) {
        struct lhp_future *f;
        bool die = i % 3 == 0;
        CHECK_IS(lhp_process_pool_submit(pool, die ? "die" : "square", &i, sizeof(i), &f), LHP_OK);
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), die ? LHP_WORKER_DIED : LHP_OK);
        lhp_future_release(f);
    }
    struct lhp_future *f;
    CHECK_IS(lhp_process_pool_submit(pool, "sleep", NULL, 0, &f), LHP_OK);
    lhp_process_pool_terminate(pool);
    enum lhp_status status = lhp_future_result_for(f, LHP_SECONDS(20), NULL);
    CHECK(status == LHP_BROKEN || status == LHP_OK);
    lhp_future_release(f);
    lhp_process_pool_delete(pool);
}

static int refuse_to_start(void *arg)
{
    (void)arg;
    return 1;
}

static void failed_initializer_breaks_the_pool(void)
{
    struct lhp_future *f;
    struct lhp_process_pool *pool = lhp_process_pool_new(
        &(struct lhp_process_pool_options){.workers = 2, .respawn = true, .initializer = refuse_to_start});
    enum lhp_status status = lhp_process_pool_submit(pool, "sleep", NULL, 0, &f);
    if (status == LHP_OK) {
        CHECK_IS(lhp_future_result_for(f, LHP_SECONDS(20), NULL), LHP_BROKEN);
        lhp_future_release(f);
    } else {
        CHECK_IS(status, LHP_BROKEN);
    }
    lhp_process_pool_delete(pool);
}

static void left_pool_ends_with_the_process(void)
{
    (void)pool_of(2, true); /* and never deleted */
}

int main(void)
{
    check_init_seed();
    CHECK_IS(lhp_process_function("square", pool_square), LHP_OK);
    CHECK_IS(lhp_process_function("die", pool_die), LHP_OK);
    CHECK_IS(lhp_process_function("sleep", pool_sleep), LHP_OK);
    RUN(exit_codes_and_signals);
    RUN(messages_keep_their_bounds);
    RUN(shared_locks_exclude);
    RUN(shared_waits_work);
    RUN(dead_holders_are_seen);
    RUN(dead_party_breaks_the_barrier);
    RUN(failed_action_breaks_the_barrier);
    RUN(death_in_an_action_breaks_the_barrier);
    RUN(reset_in_an_action_is_noticed);
    RUN(survivors_go_on);
    RUN(shared_queue_loses_nothing);
    RUN(pool_answers);
    RUN(dead_worker_breaks_an_executor);
    RUN(pool_replaces_dead_workers);
    RUN(failed_initializer_breaks_the_pool);
    RUN(left_pool_ends_with_the_process);
    return 0;
}

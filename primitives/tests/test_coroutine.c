/* test_coroutine.c: generators by Python's rules, the scheduler's order, and the GIL's fairness. */
#include <string.h>

#include <lhp/coroutine.h>
#include <lhp/gil.h>

#include "check.h"

static void *number(uintptr_t n)
{
    return (void *)n;
}

/* Yields 1, 2, ...; a value sent is where it goes on; ends when told to close. */
static void *count_up(struct lhp_generator *self, void *arg)
{
    unsigned *cleaned = arg;
    uintptr_t n = 1;
    for (;;) {
        void *sent;
        enum lhp_status status = lhp_yield(self, number(n), &sent);
        if (status != LHP_OK) {
            ++*cleaned;
            return number(status);
        }
        n = sent ? (uintptr_t)sent : n + 1;
    }
}

static void generators_yield_take_and_close(void)
{
    unsigned cleaned = 0;
    void *value;
    struct lhp_generator *g = lhp_generator_new(count_up, &cleaned, 0);
    CHECK(g);
    CHECK_IS(lhp_generator_send(g, number(5), &value), LHP_INVALID);
    for (uintptr_t i = 1; i < 1000; i++) {
        CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
        CHECK(value == number(i));
    }
    CHECK_IS(lhp_generator_send(g, number(50), &value), LHP_OK);
    CHECK(value == number(50));
    CHECK_IS(lhp_generator_throw(g, LHP_FAILED, &value), LHP_STOPPED);
    CHECK(value == number(LHP_FAILED) && cleaned == 1);
    CHECK_IS(lhp_generator_next(g, &value), LHP_STOPPED);
    CHECK(value == NULL);
    CHECK_IS(lhp_generator_close(g), LHP_OK);
    lhp_generator_release(g);
    g = lhp_generator_new(count_up, &cleaned, 0);
    CHECK_IS(lhp_generator_close(g), LHP_OK); /* never begun: nothing to clean */
    CHECK_IS(lhp_generator_next(g, &value), LHP_STOPPED);
    lhp_generator_release(g);
    CHECK(cleaned == 1);
    g = lhp_generator_new(count_up, &cleaned, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    lhp_generator_release(g);
    CHECK(cleaned == 2);
}

static void *refuse_to_close(struct lhp_generator *self, void *arg)
{
    void *value;
    CHECK_IS(lhp_generator_next(self, &value), LHP_BAD_STATE);
    while (lhp_yield(self, arg, NULL) == LHP_OK)
        ;
    (void)!lhp_yield(self, arg, NULL);
    return NULL;
}

static void refusal_to_close_is_told(void)
{
    void *value;
    struct lhp_generator *g = lhp_generator_new(refuse_to_close, NULL, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK_IS(lhp_generator_close(g), LHP_FAILED);
    CHECK_IS(lhp_generator_close(g), LHP_OK);
    lhp_generator_release(g);
}

static void *delegate(struct lhp_generator *self, void *arg)
{
    void *result;
    struct lhp_generator *other = lhp_generator_new(count_up, arg, 0);
    enum lhp_status status = lhp_yield_from(self, other, &result);
    lhp_generator_release(other);
    CHECK(result == number(status));
    return number(100 + status);
}

static void yield_from_is_transparent(void)
{
    unsigned cleaned = 0;
    void *value;
    struct lhp_generator *g = lhp_generator_new(delegate, &cleaned, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK(value == number(1));
    CHECK_IS(lhp_generator_send(g, number(9), &value), LHP_OK);
    CHECK(value == number(9));
    CHECK_IS(lhp_generator_throw(g, LHP_EMPTY, &value), LHP_STOPPED);
    CHECK(value == number(100 + LHP_EMPTY) && cleaned == 1);
    lhp_generator_release(g);
}

static void *yield_one_return_two(struct lhp_generator *self, void *arg)
{
    (void)arg;
    CHECK_IS(lhp_yield(self, number(1), NULL), LHP_OK);
    return number(2);
}

static void *delegate_and_go_on(struct lhp_generator *self, void *arg)
{
    void *result = NULL;
    struct lhp_generator *other = lhp_generator_new(yield_one_return_two, arg, 0);
    CHECK_IS(lhp_yield_from(self, other, &result), LHP_OK);
    lhp_generator_release(other);
    CHECK(result == number(2));
    CHECK_IS(lhp_yield(self, number(3), NULL), LHP_OK);
    return number(4);
}

/* What the inner one returns is the value of the yield-from; closing the outer one closes the inner one. */
static void yield_from_returns_and_closes(void)
{
    unsigned cleaned = 0;
    void *value;
    struct lhp_generator *g = lhp_generator_new(delegate_and_go_on, NULL, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK(value == number(1));
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK(value == number(3));
    CHECK_IS(lhp_generator_next(g, &value), LHP_STOPPED);
    CHECK(value == number(4));
    lhp_generator_release(g);
    g = lhp_generator_new(delegate, &cleaned, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK_IS(lhp_generator_close(g), LHP_OK);
    CHECK(cleaned == 1);
    lhp_generator_release(g);
}

/* Answers what is thrown into it by yielding it, until it is closed. */
static void *yield_what_is_thrown(struct lhp_generator *self, void *arg)
{
    uintptr_t value = 0;
    for (enum lhp_status status = LHP_OK; status != LHP_CLOSED; value = status)
        status = lhp_yield(self, number(value), NULL);
    return arg;
}

static void *delegate_to_a_catcher(struct lhp_generator *self, void *arg)
{
    void *result;
    struct lhp_generator *other = lhp_generator_new(yield_what_is_thrown, arg, 0);
    enum lhp_status status = lhp_yield_from(self, other, &result);
    lhp_generator_release(other);
    return number(status);
}

static void yield_from_throws_into_the_inner_one(void)
{
    void *value;
    struct lhp_generator *g = lhp_generator_new(delegate_to_a_catcher, NULL, 0);
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK_IS(lhp_generator_throw(g, LHP_FULL, &value), LHP_OK); /* caught inside, which goes on */
    CHECK(value == number(LHP_FULL));
    CHECK_IS(lhp_generator_next(g, &value), LHP_OK);
    CHECK(value == number(LHP_OK));
    CHECK_IS(lhp_generator_close(g), LHP_OK);
    lhp_generator_release(g);
}

static void *body_that_must_not_run(struct lhp_generator *self, void *arg)
{
    (void)self;
    CHECK(false);
    return arg;
}

static void thrown_into_a_new_one_it_stops(void)
{
    void *value;
    struct lhp_generator *g = lhp_generator_new(body_that_must_not_run, NULL, 0);
    CHECK_IS(lhp_generator_throw(g, LHP_FAILED, &value), LHP_STOPPED);
    CHECK_IS(lhp_generator_next(g, &value), LHP_STOPPED);
    lhp_generator_release(g);
}

static char trail[64];

static void leave_trail(struct lhp_scheduler *s, void *arg)
{
    const char *letter = arg;
    for (int i = 0; i < 3; i++) {
        strncat(trail, letter, 1);
        lhp_task_yield(s);
    }
    if (*letter == 'a')
        CHECK_IS(lhp_scheduler_spawn(s, leave_trail, "d"), LHP_OK);
}

enum { SLEEPERS = 4 };

/* Tasks that sleep, in the order of their spawning and of their waking.  When a task began to sleep lies between its own
 * note of the time and the next one's. */
static struct sleep_log {
    int64_t begun_ns[SLEEPERS + 1];
    int64_t sleep_ns[SLEEPERS];
    int woken[SLEEPERS], count;
} sleep_log = {.sleep_ns = {LHP_MS(9), LHP_MS(1), LHP_MS(5), LHP_MS(2)}};

static void sleep_and_note(struct lhp_scheduler *s, void *arg)
{
    int me = (int)((int64_t *)arg - sleep_log.begun_ns);
    sleep_log.begun_ns[me] = check_now_ns();
    lhp_task_sleep(s, sleep_log.sleep_ns[me]);
    sleep_log.woken[sleep_log.count++] = me;
}

/* Keeps the thread until all the others' times have come. */
static void keep_the_thread(struct lhp_scheduler *s, void *arg)
{
    (void)s;
    *(int64_t *)arg = check_now_ns();
    sleep_ms(12);
}

static void sleepers_wake_in_order_of_time(void)
{
    struct lhp_scheduler *s = lhp_scheduler_new();
    for (int i = 0; i < SLEEPERS; i++)
        CHECK_IS(lhp_scheduler_spawn(s, sleep_and_note, &sleep_log.begun_ns[i]), LHP_OK);
    CHECK_IS(lhp_scheduler_spawn(s, keep_the_thread, &sleep_log.begun_ns[SLEEPERS]), LHP_OK);
    lhp_scheduler_run(s);
    lhp_scheduler_release(s);
    CHECK(sleep_log.count == SLEEPERS);
    CHECK(check_now_ns() - sleep_log.begun_ns[0] >= sleep_log.sleep_ns[0]);
    for (int i = 1; i < SLEEPERS; i++) {
        int early = sleep_log.woken[i - 1], late = sleep_log.woken[i];
        CHECK(sleep_log.begun_ns[early] + sleep_log.sleep_ns[early] <=
              sleep_log.begun_ns[late + 1] + sleep_log.sleep_ns[late]);
    }
}

static void sleep_10_ms(struct lhp_scheduler *s, void *arg)
{
    int64_t start = check_now_ns();
    CHECK_IS(lhp_task_sleep(s, LHP_MS(10)), LHP_OK);
    *(int64_t *)arg = check_now_ns() - start;
}

static void sleep_lasts_as_long_as_it_should(void)
{
    int64_t took_ns = 0;
    struct lhp_scheduler *s = lhp_scheduler_new();
    CHECK_IS(lhp_scheduler_spawn(s, sleep_10_ms, &took_ns), LHP_OK);
    lhp_scheduler_run(s);
    lhp_scheduler_release(s);
    CHECK(took_ns >= LHP_MS(10));
}

static char order[8];

static void sleep_and_sign(struct lhp_scheduler *s, void *arg)
{
    lhp_task_sleep(s, LHP_MS(200));
    strcat(order, arg);
}

static void yield_and_sign(struct lhp_scheduler *s, void *arg)
{
    for (int i = 0; i < 5; i++)
        lhp_task_yield(s);
    strcat(order, arg);
}

/* The thread sleeps only when all of them do. */
static void others_run_while_one_sleeps(void)
{
    struct lhp_scheduler *s = lhp_scheduler_new();
    CHECK_IS(lhp_scheduler_spawn(s, sleep_and_sign, "s"), LHP_OK);
    CHECK_IS(lhp_scheduler_spawn(s, yield_and_sign, "y"), LHP_OK);
    lhp_scheduler_run(s);
    lhp_scheduler_release(s);
    CHECK(strcmp(order, "ys") == 0);
}

static void tasks_run_in_turn(void)
{
    struct lhp_scheduler *s = lhp_scheduler_new();
    CHECK_IS(lhp_scheduler_spawn(s, leave_trail, "a"), LHP_OK);
    CHECK_IS(lhp_scheduler_spawn(s, leave_trail, "b"), LHP_OK);
    CHECK_IS(lhp_scheduler_spawn(s, leave_trail, "c"), LHP_OK);
    lhp_scheduler_run(s);
    CHECK(strcmp(trail, "abcabcabcddd") == 0);
    CHECK_IS(lhp_scheduler_spawn(s, leave_trail, "a"), LHP_OK);
    lhp_scheduler_release(s);
}

struct interpreter {
    struct lhp_gil gil;
    bool stop; /* guarded by the gil, as are the counts */
    unsigned turns[3], inside;
};

struct evaluator {
    struct interpreter *interpreter;
    unsigned number;
};

static void *evaluate(void *arg)
{
    struct evaluator *e = arg;
    struct interpreter *in = e->interpreter;
    lhp_gil_acquire(&in->gil);
    in->inside++;
    while (!in->stop) {
        CHECK(in->inside == 1);
        in->inside--;
        if (lhp_gil_check(&in->gil))
            in->turns[e->number]++;
        in->inside++;
    }
    in->inside--;
    lhp_gil_release(&in->gil);
    return NULL;
}

/* Two who only ever check, with one turn after the other: a check that gives way comes back after the other's turn. */
struct duel {
    struct lhp_gil gil;
    unsigned last, turns; /* guarded by the gil */
};

static void *duel_body(void *arg)
{
    struct duel *d = arg;
    lhp_gil_acquire(&d->gil);
    unsigned me = ++d->last;
    while (d->turns < 6) {
        while (d->turns < 6 && !lhp_gil_check(&d->gil))
            ;
        if (d->turns >= 6)
            break;
        CHECK(d->last != me); /* forced: somebody else had it in between */
        d->last = me;
        d->turns++;
    }
    lhp_gil_release(&d->gil);
    return NULL;
}

static void gil_turns_are_forced_and_last_an_interval(void)
{
    struct duel d = {.turns = 0};
    lhp_gil_init(&d.gil, 0);
    CHECK(d.gil.interval_ns == LHP_MS(5) && LHP_GIL_INTERVAL_NS == LHP_MS(5));
    CHECK(!lhp_gil_check(&d.gil)); /* nobody asks */
    pthread_t threads[2] = {spawn(duel_body, &d), spawn(duel_body, &d)};
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(d.turns == 6 && lhp_gil_switches(&d.gil) >= 7);
    lhp_gil_destroy(&d.gil);
}

struct holder {
    struct lhp_gil gil;
    int64_t acquired_ns;
    pid_t id;
    pthread_barrier_t met;
};

static void *want_gil(void *arg)
{
    struct holder *h = arg;
    h->id = gettid();
    pthread_barrier_wait(&h->met);
    lhp_gil_acquire(&h->gil);
    h->acquired_ns = check_now_ns();
    lhp_gil_release(&h->gil);
    return NULL;
}

/* The holder is asked once the interval has passed, not before. */
static void gil_is_asked_for_after_the_interval(void)
{
    struct holder h = {.acquired_ns = 0};
    lhp_gil_init(&h.gil, LHP_MS(30));
    pthread_barrier_init(&h.met, NULL, 2);
    lhp_gil_acquire(&h.gil);
    int64_t start = check_now_ns();
    pthread_t other = spawn(want_gil, &h);
    pthread_barrier_wait(&h.met);
    while (!lhp_gil_check(&h.gil))
        CHECK(check_now_ns() - start < LHP_SECONDS(30));
    CHECK(h.acquired_ns - start >= LHP_MS(30));
    lhp_gil_release(&h.gil);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&h.met);
    lhp_gil_destroy(&h.gil);
}

static void gil_starves_nobody(void)
{
    struct interpreter in = {.stop = false};
    struct evaluator evaluators[3];
    pthread_t threads[3];
    lhp_gil_init(&in.gil, LHP_MS(1));
    for (unsigned i = 0; i < 3; i++) {
        evaluators[i] = (struct evaluator){&in, i};
        CHECK(pthread_create(&threads[i], NULL, evaluate, &evaluators[i]) == 0);
    }
    /* The loop of this thread is an I/O-bound one: it comes back for the lock again and again, and gets it. */
    for (unsigned i = 0; i < 20; i++) {
        lhp_gil_acquire(&in.gil);
        in.stop = i == 19;
        lhp_gil_release(&in.gil);
        sleep_ms(2);
    }
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 3; i++)
        CHECK(in.turns[i] > 0);
    CHECK(lhp_gil_switches(&in.gil) >= 20 && in.inside == 0);
    if (!check_under_tool()) {
        lhp_gil_at_fork_reinit(&in.gil, true);
        lhp_gil_release(&in.gil);
    }
    lhp_gil_destroy(&in.gil);
}

int main(void)
{
    RUN(generators_yield_take_and_close);
    RUN(refusal_to_close_is_told);
    RUN(yield_from_is_transparent);
    RUN(yield_from_returns_and_closes);
    RUN(yield_from_throws_into_the_inner_one);
    RUN(thrown_into_a_new_one_it_stops);
    RUN(tasks_run_in_turn);
    RUN(sleepers_wake_in_order_of_time);
    RUN(sleep_lasts_as_long_as_it_should);
    RUN(others_run_while_one_sleeps);
    RUN(gil_turns_are_forced_and_last_an_interval);
    RUN(gil_is_asked_for_after_the_interval);
    RUN(gil_starves_nobody);
    return 0;
}

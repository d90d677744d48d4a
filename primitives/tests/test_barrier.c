/* test_barrier.c: what Barrier promises: rounds that never mix, the action, and the ways in which it breaks. */
#include <lhp/barrier.h>
#include <lhp/event.h>

#include "check.h"

enum { PARTIES = 3 };

struct rounds {
    struct lhp_barrier barrier;
    unsigned rounds;
    unsigned arrived[PARTIES]; /* plain: the barrier must order them */
    unsigned seen[PARTIES];
    unsigned actions;           /* written by the action alone */
    unsigned by_index[PARTIES]; /* each written by whoever got that number in the round */
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
        CHECK(++s->by_index[index] == i);
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
    CHECK(lhp_barrier_broken(&b) && lhp_barrier_waiting(&b) == 0);
    CHECK_IS(lhp_barrier_wait(&b, NULL), LHP_BROKEN);
    lhp_barrier_reset(&b);
    CHECK(!lhp_barrier_broken(&b));
    CHECK_IS(lhp_barrier_wait_for(&b, 0, NULL), LHP_TIMEOUT);
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

static void time_limit_breaks_it_for_the_others(void)
{
    struct lhp_barrier b;
    pthread_t others[2];
    CHECK_IS(lhp_barrier_init(&b, 4, NULL, NULL), LHP_OK);
    for (unsigned i = 0; i < 2; i++) {
        others[i] = spawn(barrier_expect_broken, &b);
        barrier_await_waiting(&b, i + 1);
    }
    CHECK_IS(lhp_barrier_wait_for(&b, LHP_MS(5), NULL), LHP_TIMEOUT);
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
    CHECK(lhp_barrier_broken(&b) && lhp_barrier_parties(&b) == 4);
    lhp_barrier_destroy(&b);
}

/* A barrier of two whose action waits until it is told to go on. */
struct held_up {
    struct lhp_barrier barrier;
    struct lhp_event acting, go_on;
    enum lhp_status expected[2]; /* in the thread that waits for the other, and in the one that runs the action */
};

static int act_until_told(void *arg)
{
    struct held_up *h = arg;
    lhp_event_set(&h->acting);
    lhp_event_wait(&h->go_on);
    return 0;
}

static void *come_first(void *arg)
{
    struct held_up *h = arg;
    CHECK_IS(lhp_barrier_wait(&h->barrier, NULL), h->expected[0]);
    return NULL;
}

static void *come_last(void *arg)
{
    struct held_up *h = arg;
    CHECK_IS(lhp_barrier_wait(&h->barrier, NULL), h->expected[1]);
    return NULL;
}

/* Until the action runs. */
static void held_up_begin(struct held_up *h, pthread_t threads[2], enum lhp_status first, enum lhp_status last)
{
    *h = (struct held_up){.expected = {first, last}};
    CHECK_IS(lhp_barrier_init(&h->barrier, 2, act_until_told, h), LHP_OK);
    lhp_event_init(&h->acting);
    lhp_event_init(&h->go_on);
    threads[0] = spawn(come_first, h);
    barrier_await_waiting(&h->barrier, 1);
    threads[1] = spawn(come_last, h);
    lhp_event_wait(&h->acting);
}

static void held_up_end(struct held_up *h, pthread_t threads[2])
{
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    lhp_event_destroy(&h->acting);
    lhp_event_destroy(&h->go_on);
    lhp_barrier_destroy(&h->barrier);
}

static void next_round_begins_after_the_action(void)
{
    struct held_up h;
    pthread_t threads[2];
    held_up_begin(&h, threads, LHP_OK, LHP_OK);
    CHECK(lhp_barrier_waiting(&h.barrier) == 0);
    CHECK_IS(lhp_barrier_wait_for(&h.barrier, LHP_MS(5), NULL), LHP_TIMEOUT); /* not part of any round yet */
    CHECK(!lhp_barrier_broken(&h.barrier));
    pthread_t next = spawn(come_first, &h);
    sleep_ms(5);
    lhp_event_set(&h.go_on);
    barrier_await_waiting(&h.barrier, 1);
    CHECK_IS(lhp_barrier_wait(&h.barrier, NULL), LHP_OK);
    pthread_join(next, NULL);
    held_up_end(&h, threads);
}

static void reset_in_an_action_is_noticed(void)
{
    struct held_up h;
    pthread_t threads[2];
    held_up_begin(&h, threads, LHP_BROKEN, LHP_BROKEN);
    lhp_barrier_reset(&h.barrier);
    lhp_event_set(&h.go_on);
    held_up_end(&h, threads);
}

static void cancelled_action_breaks_the_barrier(void)
{
    struct held_up h;
    pthread_t threads[2];
    held_up_begin(&h, threads, LHP_BROKEN, LHP_BROKEN);
    pthread_t next = spawn(come_first, &h); /* held up until then */
    sleep_ms(5);
    pthread_cancel(threads[1]);
    pthread_join(next, NULL);
    CHECK(lhp_barrier_broken(&h.barrier));
    held_up_end(&h, threads);
}

int main(void)
{
    check_init_seed();
    RUN(barrier_keeps_rounds_apart);
    RUN(barrier_breaks_and_resets);
    RUN(time_limit_breaks_it_for_the_others);
    RUN(next_round_begins_after_the_action);
    RUN(reset_in_an_action_is_noticed);
    if (!check_under_tool()) {
        RUN(barrier_breaks_when_a_party_is_cancelled);
        RUN(cancelled_action_breaks_the_barrier);
    }
    return 0;
}

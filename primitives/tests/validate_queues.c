/* validate_queues.c: one validator for every kind of queue: nothing lost, nothing twice, order kept.
 *
 * Against a sequential model in one thread; then with many producers and consumers, where every item is counted and the
 * order of each producer's items checked at each consumer; then time limits, shutdown and cancellation.
 */
#include <string.h>

#include <lhp/lock.h>
#include <lhp/queue.h>

#include "check.h"

struct queue_case {
    const char *name;
    enum lhp_queue_kind kind;
    size_t limit;
};

/* Whoever slept has said that he does no more: a put or get must not signal to nobody for ever. */
static void queue_end(struct lhp_queue *q)
{
    CHECK(q->getters.asleep == 0 && q->putters.asleep == 0);
    lhp_queue_destroy(q);
}

static const struct queue_case cases[] = {
    {"FIFO", LHP_QUEUE_FIFO, 0},         {"FIFO bounded", LHP_QUEUE_FIFO, 5},
    {"LIFO", LHP_QUEUE_LIFO, 0},         {"LIFO bounded", LHP_QUEUE_LIFO, 5},
    {"priority", LHP_QUEUE_PRIORITY, 0}, {"priority bounded", LHP_QUEUE_PRIORITY, 5},
};

/* An item is a number in a pointer; its upper part is the priority, or the producer. */
static int compare_high(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)a >> 32, y = (uintptr_t)b >> 32;
    return (x > y) - (x < y);
}

static void init_case(struct lhp_queue *q, const struct queue_case *c)
{
    CHECK_IS(lhp_queue_init(q, c->kind, c->limit, c->kind == LHP_QUEUE_PRIORITY ? compare_high : NULL, NULL), LHP_OK);
}

struct model {
    uintptr_t items[4096];
    size_t size;
};

static size_t model_next(const struct model *m, const struct queue_case *c)
{
    if (c->kind == LHP_QUEUE_FIFO)
        return 0;
    if (c->kind == LHP_QUEUE_LIFO)
        return m->size - 1;
    size_t best = 0;
    for (size_t i = 1; i < m->size; i++)
        if (m->items[i] >> 32 < m->items[best] >> 32)
            best = i;
    return best;
}

static uintptr_t model_take(struct model *m, const struct queue_case *c)
{
    size_t at = model_next(m, c);
    uintptr_t item = m->items[at];
    memmove(&m->items[at], &m->items[at + 1], (--m->size - at) * sizeof(item));
    return item;
}

static void validate_model(const struct queue_case *c)
{
    static struct model m;
    struct lhp_queue q;
    struct random r = random_for(0);
    m.size = 0;
    init_case(&q, c);
    for (unsigned i = 0; i < check_scaled(20000); i++) {
        /* Phases of mostly puts and mostly gets, so that it fills and empties. */
        bool put = random_below(&r, 10) < (i / 700 % 2 ? 3u : 7u) && m.size < 4096;
        bool full = c->limit && m.size == c->limit;
        void *item;
        if (put) {
            uintptr_t value = (uintptr_t)random_below(&r, 16) << 32 | i;
            CHECK_IS(lhp_queue_try_put(&q, (void *)value), full ? LHP_FULL : LHP_OK);
            if (!full)
                m.items[m.size++] = value;
        } else if (m.size == 0) {
            CHECK_IS(lhp_queue_try_get(&q, &item), LHP_EMPTY);
        } else {
            CHECK_IS(lhp_queue_try_get(&q, &item), LHP_OK);
            CHECK((uintptr_t)item == model_take(&m, c));
        }
        CHECK(lhp_queue_size(&q) == m.size && lhp_queue_empty(&q) == (m.size == 0));
        CHECK(lhp_queue_full(&q) == (c->limit && m.size == c->limit));
    }
    queue_end(&q);
}

enum { PRODUCERS = 3, CONSUMERS = 3 };

struct traffic {
    const struct queue_case *queue_case;
    struct lhp_queue queue;
    unsigned items; /* a producer */
    unsigned char *seen[PRODUCERS];
};

struct role {
    struct traffic *traffic;
    unsigned number;
    unsigned taken;
};

static void *produce(void *arg)
{
    struct role *role = arg;
    struct traffic *t = role->traffic;
    struct random r = random_for(role->number + 1);
    for (unsigned i = 0; i < t->items; i++) {
        void *item = (void *)((uintptr_t)role->number << 32 | i);
        enum lhp_status status = LHP_FULL;
        while (status == LHP_FULL)
            status = lhp_queue_put_for(&t->queue, item, random_below(&r, 2) ? LHP_FOREVER : random_below(&r, 100000));
        CHECK_IS(status, LHP_OK);
        random_yield(&r);
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct role *role = arg;
    struct traffic *t = role->traffic;
    struct random r = random_for(role->number + 100);
    int64_t last[PRODUCERS] = {-1, -1, -1};
    for (;;) {
        void *item;
        enum lhp_status status =
            lhp_queue_get_for(&t->queue, &item, random_below(&r, 2) ? LHP_FOREVER : random_below(&r, 100000));
        if (status == LHP_EMPTY)
            continue;
        if (status == LHP_SHUT_DOWN)
            return NULL;
        CHECK_IS(status, LHP_OK);
        unsigned producer = (unsigned)((uintptr_t)item >> 32), i = (unsigned)(uintptr_t)item;
        CHECK(producer < PRODUCERS && i < t->items && t->seen[producer][i]++ == 0);
        if (t->queue_case->kind != LHP_QUEUE_LIFO) {
            CHECK((int64_t)i > last[producer]);
            last[producer] = i;
        }
        role->taken++;
        random_yield(&r);
        CHECK_IS(lhp_queue_task_done(&t->queue), LHP_OK);
    }
}

static void validate_traffic(const struct queue_case *c)
{
    struct traffic t = {.queue_case = c, .items = check_scaled(4000)};
    struct role roles[PRODUCERS + CONSUMERS];
    pthread_t threads[PRODUCERS + CONSUMERS];
    unsigned taken = 0;
    init_case(&t.queue, c);
    for (unsigned i = 0; i < PRODUCERS; i++)
        CHECK((t.seen[i] = calloc(t.items, 1)));
    for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++) {
        roles[i] = (struct role){&t, i < PRODUCERS ? i : i - PRODUCERS, 0};
        CHECK(pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, &roles[i]) == 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_IS(lhp_queue_join(&t.queue), LHP_OK);
    lhp_queue_shutdown(&t.queue, false);
    for (unsigned i = PRODUCERS; i < PRODUCERS + CONSUMERS; i++) {
        pthread_join(threads[i], NULL);
        taken += roles[i].taken;
    }
    CHECK(taken == PRODUCERS * t.items);
    CHECK_IS(lhp_queue_task_done(&t.queue), LHP_OVER_BOUND);
    queue_end(&t.queue);
    for (unsigned i = 0; i < PRODUCERS; i++)
        free(t.seen[i]);
}

static void limits_hold(void)
{
    struct lhp_queue q;
    void *item;
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_PRIORITY, 0, NULL, NULL), LHP_INVALID);
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_FIFO, 1, NULL, NULL), LHP_OK);
    int64_t start = check_now_ns();
    CHECK_IS(lhp_queue_get_for(&q, &item, LHP_MS(10)), LHP_EMPTY);
    CHECK(check_now_ns() - start >= LHP_MS(10));
    CHECK_IS(lhp_queue_put(&q, &q), LHP_OK);
    start = check_now_ns();
    CHECK_IS(lhp_queue_put_for(&q, &q, LHP_MS(10)), LHP_FULL);
    CHECK(check_now_ns() - start >= LHP_MS(10));
    CHECK_IS(lhp_queue_task_done(&q), LHP_OVER_BOUND);
    CHECK_IS(lhp_queue_join_for(&q, LHP_MS(5)), LHP_TIMEOUT);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_OK);
    CHECK(item == &q);
    CHECK_IS(lhp_queue_task_done(&q), LHP_OK);
    CHECK_IS(lhp_queue_join(&q), LHP_OK);
    queue_end(&q);
}

static unsigned dropped;

static void count_drop(void *item)
{
    (void)item;
    dropped++;
}

static void *get_until_shut_down(void *queue)
{
    void *item;
    CHECK_IS(lhp_queue_get(queue, &item), LHP_SHUT_DOWN);
    return NULL;
}

static void *put_until_shut_down(void *queue)
{
    CHECK_IS(lhp_queue_put(queue, queue), LHP_SHUT_DOWN);
    return NULL;
}

static void *join_queue(void *queue)
{
    CHECK_IS(lhp_queue_join(queue), LHP_OK);
    return NULL;
}

/* Three who wait at a queue of two places, of which `filled` are taken. */
static void shutdown_wakes_all(void *(*body)(void *queue), unsigned filled)
{
    struct lhp_queue q;
    pthread_t threads[3];
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_FIFO, 2, NULL, NULL), LHP_OK);
    for (; filled > 0; filled--)
        CHECK_IS(lhp_queue_try_put(&q, &q), LHP_OK);
    for (int i = 0; i < 3; i++)
        threads[i] = spawn(body, &q);
    sleep_ms(5);
    lhp_queue_shutdown(&q, false);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    queue_end(&q);
}

static void shutdown_wakes_everybody(void)
{
    struct lhp_queue q;
    pthread_t getter, putter, joiner;
    void *item;
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_FIFO, 1, NULL, count_drop), LHP_OK);
    CHECK(pthread_create(&getter, NULL, get_until_shut_down, &q) == 0);
    sleep_ms(5);
    lhp_queue_shutdown(&q, false);
    pthread_join(getter, NULL);
    queue_end(&q);
    shutdown_wakes_all(get_until_shut_down, 0);
    shutdown_wakes_all(put_until_shut_down, 2);

    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_FIFO, 1, NULL, count_drop), LHP_OK);
    CHECK_IS(lhp_queue_put(&q, &q), LHP_OK);
    CHECK(pthread_create(&putter, NULL, put_until_shut_down, &q) == 0);
    CHECK(pthread_create(&joiner, NULL, join_queue, &q) == 0);
    sleep_ms(5);
    lhp_queue_shutdown(&q, true);
    pthread_join(putter, NULL);
    pthread_join(joiner, NULL);
    CHECK(dropped == 1);
    CHECK_IS(lhp_queue_put(&q, &q), LHP_SHUT_DOWN);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_SHUT_DOWN);
    queue_end(&q);

    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_LIFO, 0, NULL, count_drop), LHP_OK);
    CHECK_IS(lhp_queue_put(&q, &q), LHP_OK);
    lhp_queue_shutdown(&q, false);
    CHECK_IS(lhp_queue_try_put(&q, &q), LHP_SHUT_DOWN);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_OK);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_SHUT_DOWN);
    CHECK_IS(lhp_queue_join_for(&q, LHP_MS(5)), LHP_TIMEOUT); /* gotten, not done: a drain waits for that */
    CHECK_IS(lhp_queue_task_done(&q), LHP_OK);
    CHECK_IS(lhp_queue_join(&q), LHP_OK);
    CHECK(dropped == 1);
    queue_end(&q);
}

/* Shut down at once: what a getter has is still his to finish, the rest is dropped and counts as done. */
static void immediate_shutdown_drops_the_rest(void)
{
    struct lhp_queue q;
    void *item;
    dropped = 0;
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_PRIORITY, 0, compare_high, count_drop), LHP_OK);
    for (uintptr_t i = 0; i < 4; i++)
        CHECK_IS(lhp_queue_put(&q, (void *)(i << 32)), LHP_OK);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_OK);
    lhp_queue_shutdown(&q, true);
    CHECK(dropped == 3 && lhp_queue_empty(&q));
    CHECK_IS(lhp_queue_join_for(&q, 0), LHP_TIMEOUT);
    CHECK_IS(lhp_queue_task_done(&q), LHP_OK);
    CHECK_IS(lhp_queue_join(&q), LHP_OK);
    CHECK_IS(lhp_queue_task_done(&q), LHP_OVER_BOUND);
    lhp_queue_shutdown(&q, true); /* again, which changes nothing */
    CHECK_IS(lhp_queue_get_for(&q, &item, LHP_SECONDS(5)), LHP_SHUT_DOWN);
    queue_end(&q);
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_LIFO, 0, NULL, count_drop), LHP_OK);
    CHECK_IS(lhp_queue_put(&q, &q), LHP_OK);
    queue_end(&q);
    CHECK(dropped == 4);
}

static void join_wakes_every_joiner(void)
{
    struct lhp_queue q;
    pthread_t joiners[3];
    void *item;
    CHECK_IS(lhp_queue_init(&q, LHP_QUEUE_FIFO, 0, NULL, NULL), LHP_OK);
    CHECK_IS(lhp_queue_join(&q), LHP_OK); /* nothing was ever put */
    CHECK_IS(lhp_queue_put(&q, &q), LHP_OK);
    for (int i = 0; i < 3; i++)
        joiners[i] = spawn(join_queue, &q);
    CHECK_IS(lhp_queue_get(&q, &item), LHP_OK);
    sleep_ms(5);
    CHECK_IS(lhp_queue_task_done(&q), LHP_OK);
    for (int i = 0; i < 3; i++)
        pthread_join(joiners[i], NULL);
    queue_end(&q);
}

struct relay {
    struct lhp_queue queue;
    unsigned gotten;
};

static void *get_one_cancellable(void *arg)
{
    struct relay *s = arg;
    void *item;
    int state;
    CHECK_IS(lhp_queue_get(&s->queue, &item), LHP_OK);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    s->gotten = 1;
    return NULL;
}

/* A getter is cancelled while items arrive: the item is with it or still in the queue, and later getters are woken. */
static void cancelled_getters_lose_nothing(void)
{
    struct random r = random_for(5);
    for (unsigned i = 0; i < check_scaled(300); i++) {
        struct relay s = {.gotten = 0};
        pthread_t thread;
        void *item;
        CHECK_IS(lhp_queue_init(&s.queue, LHP_QUEUE_FIFO, 0, NULL, NULL), LHP_OK);
        CHECK(pthread_create(&thread, NULL, get_one_cancellable, &s) == 0);
        if (random_below(&r, 2))
            nanosleep(&(struct timespec){.tv_nsec = random_below(&r, 200000)}, NULL);
        if (random_below(&r, 2)) {
            pthread_cancel(thread);
            CHECK_IS(lhp_queue_put(&s.queue, &s), LHP_OK);
        } else {
            CHECK_IS(lhp_queue_put(&s.queue, &s), LHP_OK);
            pthread_cancel(thread);
        }
        pthread_join(thread, NULL);
        CHECK_IS(lhp_queue_try_get(&s.queue, &item), s.gotten ? LHP_EMPTY : LHP_OK);
        queue_end(&s.queue);
    }
}

struct hand_over {
    struct lhp_queue queue, answers;
    struct lhp_lock stop; /* free at the end */
};

static void *get_with_short_limits(void *arg)
{
    struct hand_over *h = arg;
    struct random r = random_for(11);
    while (lhp_lock_locked(&h->stop)) {
        void *item;
        if (lhp_queue_get_for(&h->queue, &item, random_below(&r, 200000) + 1) == LHP_OK)
            CHECK_IS(lhp_queue_put(&h->answers, item), LHP_OK);
    }
    return NULL;
}

static void *get_for_ever(void *arg)
{
    struct hand_over *h = arg;
    void *item;
    while (lhp_queue_get(&h->queue, &item) == LHP_OK)
        CHECK_IS(lhp_queue_put(&h->answers, item), LHP_OK);
    return NULL;
}

/* Getters run out of time all the while; whoever waits for ever still hears of every item that they leave. */
static void timed_out_getters_lose_no_signal(void)
{
    struct hand_over h;
    pthread_t timed[2], patient;
    void *item;
    CHECK_IS(lhp_queue_init(&h.queue, LHP_QUEUE_FIFO, 0, NULL, NULL), LHP_OK);
    CHECK_IS(lhp_queue_init(&h.answers, LHP_QUEUE_FIFO, 0, NULL, NULL), LHP_OK);
    lhp_lock_init(&h.stop);
    lhp_lock_acquire(&h.stop);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&timed[i], NULL, get_with_short_limits, &h) == 0);
    CHECK(pthread_create(&patient, NULL, get_for_ever, &h) == 0);
    for (unsigned i = 0; i < check_scaled(3000); i++) {
        CHECK_IS(lhp_queue_put(&h.queue, &h), LHP_OK);
        CHECK_IS(lhp_queue_get_for(&h.answers, &item, LHP_SECONDS(20)), LHP_OK);
    }
    lhp_lock_release(&h.stop);
    for (int i = 0; i < 2; i++)
        pthread_join(timed[i], NULL);
    for (unsigned i = 0; i < check_scaled(3000); i++) { /* now only the one who is patient */
        CHECK_IS(lhp_queue_put(&h.queue, &h), LHP_OK);
        CHECK_IS(lhp_queue_get_for(&h.answers, &item, LHP_SECONDS(20)), LHP_OK);
    }
    lhp_queue_shutdown(&h.queue, false);
    pthread_join(patient, NULL);
    lhp_lock_destroy(&h.stop);
    queue_end(&h.answers);
    queue_end(&h.queue);
}

int main(void)
{
    check_init_seed();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        validate_model(&cases[i]);
        validate_traffic(&cases[i]);
        printf("ok   %s\n", cases[i].name);
    }
    RUN(limits_hold);
    RUN(shutdown_wakes_everybody);
    RUN(immediate_shutdown_drops_the_rest);
    RUN(join_wakes_every_joiner);
    RUN(timed_out_getters_lose_no_signal);
    if (!check_under_tool())
        RUN(cancelled_getters_lose_nothing);
    return 0;
}

/* validate_waits.c: one validator for everything that waits, in one process and between processes (waits.h).
 *
 * Of every kind of wait the same is asked: that it ends at its time limit and not before; that a signal handler does not
 * end it; that it ends when it may, at once, for as many as it should; and that a waiter who is cancelled takes nothing with him
 * and leaves nothing behind, at whatever moment that comes.
 */
#include "instruments.h"
#include "waits.h"

#include <semaphore.h>
#include <signal.h>

struct waiter {
    const struct wait_kind *kind;
    int64_t timeout_ns;
    pthread_t thread;
    pid_t id;
    sem_t begun, ended; /* the latter only when the wait has come back */
    enum lhp_status status;
    int64_t took_ns;
};

static void *waiter_body(void *arg)
{
    struct waiter *w = arg;
    int state;
    w->id = gettid();
    sem_post(&w->begun);
    int64_t start = check_now_ns();
    w->status = w->kind->wait(w->timeout_ns);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    w->took_ns = check_now_ns() - start;
    if (w->status == LHP_OK && w->kind->leave)
        w->kind->leave();
    sem_post(&w->ended);
    return NULL;
}

static void waiter_start(struct waiter *w, const struct wait_kind *kind, int64_t timeout_ns)
{
    *w = (struct waiter){.kind = kind, .timeout_ns = timeout_ns};
    sem_init(&w->begun, 0, 0);
    sem_init(&w->ended, 0, 0);
    w->thread = spawn(waiter_body, w);
}

static void waiter_await_sleep(struct waiter *w)
{
    while (sem_wait(&w->begun) != 0)
        ;
    check_await_sleep(w->id);
}

static bool waiter_has_ended(struct waiter *w)
{
    return sem_trywait(&w->ended) == 0;
}

/* Returns: whether its wait came back, which a cancelled one did not. */
static bool waiter_join(struct waiter *w)
{
    CHECK(pthread_join(w->thread, NULL) == 0);
    bool ended = waiter_has_ended(w);
    sem_destroy(&w->begun);
    sem_destroy(&w->ended);
    return ended;
}

static enum lhp_status waiter_answer(struct waiter *w)
{
    CHECK(waiter_join(w));
    return w->status;
}

static void ends_at_its_limit(const struct wait_kind *kind)
{
    const int64_t limits[] = {0, LHP_MS(20)};
    for (int i = 0; i < 2 && kind->late != LHP_OK; i++) {
        struct waiter w;
        kind->open();
        waiter_start(&w, kind, limits[i]);
        CHECK_IS(waiter_answer(&w), kind->late);
        CHECK(w.took_ns >= limits[i]);
        kind->mend ? kind->mend() : (void)0;
        waiter_start(&w, kind, LHP_SECONDS(60));
        kind->let_go();
        CHECK_IS(waiter_answer(&w), LHP_OK);
        kind->close();
    }
}

static void send_signals(struct waiter *w)
{
    for (int i = 0; i < 6; i++) {
        pthread_kill(w->thread, SIGUSR1);
        sleep_ms(1);
    }
}

static void signals_do_not_end_it(const struct wait_kind *kind)
{
    struct waiter w;
    kind->open();
    if (kind->late != LHP_OK) {
        waiter_start(&w, kind, LHP_MS(30));
        waiter_await_sleep(&w);
        send_signals(&w);
        CHECK_IS(waiter_answer(&w), kind->late);
        CHECK(w.took_ns >= LHP_MS(30));
        kind->mend ? kind->mend() : (void)0;
    }
    waiter_start(&w, kind, LHP_FOREVER);
    waiter_await_sleep(&w);
    send_signals(&w);
    CHECK(!waiter_has_ended(&w));
    kind->let_go();
    CHECK_IS(waiter_answer(&w), LHP_OK);
    kind->close();
}

static void reaches_whom_it_should(const struct wait_kind *kind)
{
    struct waiter waiters[3];
    if (kind->reach == REACHES_SOLE)
        return;
    kind->open();
    for (int i = 0; i < 3; i++) {
        waiter_start(&waiters[i], kind, LHP_FOREVER);
        waiter_await_sleep(&waiters[i]);
    }
    for (int i = 0; i < (kind->reach == REACHES_ONE ? 3 : 1); i++)
        kind->let_go();
    for (int i = 0; i < 3; i++)
        CHECK_IS(waiter_answer(&waiters[i]), LHP_OK);
    kind->close();
}

/* From here on the waiter runs only when this thread sleeps.  Returns: the processors it had. */
static cpu_set_t share_processor(struct waiter *w)
{
    cpu_set_t before, one;
    pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);
    pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    pthread_setaffinity_np(w->thread, sizeof(one), &one);
    pthread_setschedparam(w->thread, SCHED_IDLE, &(struct sched_param){0});
    return before;
}

static void cancel_one(const struct wait_kind *kind)
{
    struct waiter w;
    waiter_start(&w, kind, LHP_FOREVER);
    waiter_await_sleep(&w);
    pthread_cancel(w.thread);
    CHECK(!waiter_join(&w));
    kind->mend ? kind->mend() : (void)0;
}

/* What lets somebody go tells him so, also when another was cancelled before: no wait is one that merely looks again now
 * and then, which while time stands still it would do in vain. */
static void is_told(const struct wait_kind *kind, bool after_a_cancelled_one)
{
    struct waiter w;
    kind->open();
    instruments_still_time(true);
    if (after_a_cancelled_one)
        cancel_one(kind);
    waiter_start(&w, kind, LHP_FOREVER);
    waiter_await_sleep(&w);
    kind->let_go();
    CHECK_IS(waiter_answer(&w), LHP_OK);
    instruments_still_time(false);
    kind->close();
}

/* Of two who sleep the first is told, and cancelled before he can run: he gives way to all, and so finds both.  When that
 * ends his wait, the second is told. */
static void told_and_cancelled_passes_it_on(const struct wait_kind *kind)
{
    struct waiter first, second;
    if (!kind->cancellable || kind->mend || kind->reach == REACHES_SOLE)
        return;
    kind->open();
    instruments_still_time(true);
    waiter_start(&first, kind, LHP_FOREVER);
    waiter_await_sleep(&first);
    waiter_start(&second, kind, LHP_FOREVER);
    waiter_await_sleep(&second);
    cpu_set_t before = share_processor(&first);
    kind->let_go();
    pthread_cancel(first.thread);
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
    if (waiter_join(&first) && kind->reach == REACHES_ONE)
        kind->let_go();
    CHECK_IS(waiter_answer(&second), LHP_OK);
    instruments_still_time(false);
    kind->close();
}

/* Of three who sleep one gives up, by his limit or cancelled; the others are there as before. */
static void one_of_three_gives_up(const struct wait_kind *kind, int which, bool is_cancelled)
{
    struct waiter waiters[3];
    kind->open();
    for (int i = 0; i < 3; i++) {
        waiter_start(&waiters[i], kind, i == which && !is_cancelled ? LHP_MS(40) : LHP_FOREVER);
        waiter_await_sleep(&waiters[i]);
    }
    if (is_cancelled)
        pthread_cancel(waiters[which].thread);
    CHECK(waiter_join(&waiters[which]) != is_cancelled);
    CHECK(is_cancelled || waiters[which].status == kind->late);
    instruments_still_time(true);
    for (int i = 0; i < (kind->reach == REACHES_ONE ? 2 : 1); i++)
        kind->let_go();
    for (int i = 0; i < 3; i++)
        CHECK(i == which || waiter_answer(&waiters[i]) == LHP_OK);
    instruments_still_time(false);
    kind->close();
}

static void any_of_three_may_give_up(const struct wait_kind *kind)
{
    for (int which = 0; which < 3 && kind->reach != REACHES_SOLE; which++) {
        if (kind->late != LHP_OK)
            one_of_three_gives_up(kind, which, false);
        if (kind->cancellable && check_may_cancel())
            one_of_three_gives_up(kind, which, true);
    }
}

/* Who waited when he was let go comes through, though all is as before when he runs. */
static void undone_at_once_it_lets_go_all_the_same(const struct wait_kind *kind)
{
    struct waiter w;
    if (!kind->undo)
        return;
    kind->open();
    instruments_still_time(true);
    waiter_start(&w, kind, LHP_FOREVER);
    waiter_await_sleep(&w);
    cpu_set_t before = share_processor(&w);
    kind->let_go();
    kind->undo();
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
    CHECK_IS(waiter_answer(&w), LHP_OK);
    instruments_still_time(false);
    kind->close();
}

/* What let_go gave must be there for the next: at once if it was there all the time. */
static void next_gets_through(const struct wait_kind *kind)
{
    struct waiter next;
    waiter_start(&next, kind, LHP_SECONDS(60));
    if (kind->forgets)
        kind->let_go();
    CHECK_IS(waiter_answer(&next), LHP_OK);
}

static void cancelled_waiter_leaves_no_trace(const struct wait_kind *kind)
{
    struct waiter w;
    kind->open();
    waiter_start(&w, kind, LHP_FOREVER);
    waiter_await_sleep(&w);
    pthread_cancel(w.thread);
    if (kind->cancellable) {
        CHECK(!waiter_join(&w));
        kind->mend ? kind->mend() : (void)0;
        if (!kind->forgets)
            kind->let_go();
        next_gets_through(kind);
    } else {
        kind->let_go();
        CHECK_IS(waiter_answer(&w), LHP_OK);
    }
    kind->close();
}

/* Cancelled at the moment at which it may go: it came through or it did not, and then the next one does. */
static void cancelled_waiter_takes_nothing_along(const struct wait_kind *kind, struct random *r)
{
    if (kind->forgets || !kind->cancellable)
        return;
    for (unsigned i = 0; i < check_scaled(30); i++) {
        struct waiter w;
        kind->open();
        waiter_start(&w, kind, LHP_FOREVER);
        if (random_below(r, 2))
            waiter_await_sleep(&w);
        bool cancel_first = random_below(r, 2);
        if (cancel_first)
            pthread_cancel(w.thread);
        kind->let_go();
        random_yield(r);
        if (!cancel_first)
            pthread_cancel(w.thread);
        bool came_through = waiter_join(&w);
        if (!came_through || kind->reach == REACHES_ALL || kind->reach == REACHES_CHAIN)
            next_gets_through(kind);
        kind->close();
    }
}

static void validate(const struct wait_kind *kind, struct random *r)
{
    ends_at_its_limit(kind);
    signals_do_not_end_it(kind);
    reaches_whom_it_should(kind);
    if (!check_under_tool()) {
        is_told(kind, false);
        undone_at_once_it_lets_go_all_the_same(kind);
        any_of_three_may_give_up(kind);
    }
    if (check_may_cancel()) {
        if (kind->cancellable)
            is_told(kind, true);
        told_and_cancelled_passes_it_on(kind);
        cancelled_waiter_leaves_no_trace(kind);
        cancelled_waiter_takes_nothing_along(kind, r);
    }
    printf("ok   %s\n", kind->name);
    fflush(stdout);
}

static void handle_signal(int number)
{
    (void)number;
}

int main(void)
{
    check_init_seed();
    struct random r = random_for(0);
    struct sigaction action = {.sa_handler = handle_signal}; /* without SA_RESTART: system calls do end */
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    for (size_t i = 0; i < thread_waits_count; i++)
        validate(&thread_waits[i], &r);
    for (size_t i = 0; i < result_waits_count; i++)
        validate(&result_waits[i], &r);
    for (size_t i = 0; i < shared_waits_count; i++)
        validate(&shared_waits[i], &r);
    return 0;
}

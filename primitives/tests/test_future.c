/* test_future.c: what a Future promises without an executor: its states, its callbacks, and the waits for several. */
#include <lhp/event.h>
#include <lhp/future.h>

#include "check.h"

static struct lhp_future *new_future(void)
{
    struct lhp_future *f = lhp_future_new();
    CHECK(f && !lhp_future_done(f) && !lhp_future_running(f) && !lhp_future_cancelled(f));
    return f;
}

struct heard {
    char letters[8];
    unsigned count;
    pthread_t thread;
};

struct listener {
    struct heard *heard;
    char letter;
};

static void hear(struct lhp_future *future, void *arg)
{
    struct listener *l = arg;
    CHECK(lhp_future_done(future)); /* and no lock is held: anything may be asked */
    l->heard->letters[l->heard->count++] = l->letter;
    l->heard->thread = pthread_self();
}

static void listen(struct lhp_future *f, struct listener *listeners, struct heard *heard, const char *letters)
{
    for (; *letters; letters++, listeners++) {
        *listeners = (struct listener){heard, *letters};
        CHECK_IS(lhp_future_add_done_callback(f, hear, listeners), LHP_OK);
    }
}

static void *finish_it(void *future)
{
    CHECK_IS(lhp_future_set_error(future, LHP_FAILED, 5), LHP_OK);
    return NULL;
}

static void callbacks_come_in_order_and_once(void)
{
    struct heard heard = {.count = 0};
    struct listener listeners[4];
    struct lhp_future *f = new_future();
    listen(f, listeners, &heard, "abc");
    CHECK(heard.count == 0);
    pthread_t thread = spawn(finish_it, f);
    pthread_join(thread, NULL);
    CHECK(strcmp(heard.letters, "abc") == 0 && !pthread_equal(heard.thread, pthread_self()));
    listen(f, &listeners[3], &heard, "d"); /* done already: now, and here */
    CHECK(strcmp(heard.letters, "abcd") == 0 && pthread_equal(heard.thread, pthread_self()));
    CHECK_IS(lhp_future_set_error(f, LHP_BROKEN, 6), LHP_BAD_STATE);
    CHECK_IS(lhp_future_result(f, NULL), LHP_FAILED);
    CHECK(lhp_future_error(f) == 5 && heard.count == 4);
    lhp_future_release(f);
}

static void cancelled_only_while_pending(void)
{
    struct heard heard = {.count = 0};
    struct listener listener;
    void *result = &heard;
    struct lhp_future *f = new_future();
    listen(f, &listener, &heard, "a");
    CHECK_IS(lhp_future_cancel(f), LHP_OK);
    CHECK(lhp_future_cancelled(f) && lhp_future_done(f) && heard.count == 1);
    CHECK_IS(lhp_future_cancel(f), LHP_OK); /* again: it is */
    CHECK(!lhp_future_set_running(f) && !lhp_future_running(f) && heard.count == 1);
    CHECK_IS(lhp_future_set_result(f, &heard, NULL), LHP_BAD_STATE);
    CHECK_IS(lhp_future_result(f, &result), LHP_CANCELLED);
    CHECK(result == &heard && lhp_future_error(f) == 0);
    lhp_future_release(f);
    f = new_future();
    CHECK(lhp_future_set_running(f) && lhp_future_running(f));
    CHECK_IS(lhp_future_cancel(f), LHP_BAD_STATE);
    CHECK(!lhp_future_set_running(f));
    CHECK_IS(lhp_future_set_result(f, NULL, NULL), LHP_OK);
    CHECK_IS(lhp_future_cancel(f), LHP_BAD_STATE);
    CHECK(!lhp_future_cancelled(f) && !lhp_future_running(f));
    lhp_future_release(f);
}

static unsigned dropped;

static void drop(void *result)
{
    CHECK(result == &dropped);
    dropped++;
}

static void result_lives_as_long_as_the_future(void)
{
    void *result = NULL;
    struct lhp_future *f = new_future();
    CHECK_IS(lhp_future_set_result(f, &dropped, drop), LHP_OK);
    lhp_future_retain(f);
    lhp_future_release(f);
    CHECK_IS(lhp_future_result_for(f, 0, &result), LHP_OK);
    CHECK(result == &dropped && dropped == 0);
    lhp_future_release(f);
    CHECK(dropped == 1);
    f = new_future(); /* never done: its callbacks go with it, unheard */
    struct heard heard = {.count = 0};
    struct listener listener;
    listen(f, &listener, &heard, "a");
    lhp_future_release(f);
    CHECK(heard.count == 0);
}

static void release_in_callback(struct lhp_future *future, void *arg)
{
    (void)arg;
    lhp_future_release(future);
}

static void callback_may_give_back_the_last_reference(void)
{
    struct lhp_future *f = new_future();
    CHECK_IS(lhp_future_add_done_callback(f, release_in_callback, NULL), LHP_OK);
    CHECK_IS(lhp_future_set_result(f, NULL, NULL), LHP_OK);
}

/* What is cancelled is done, and has not failed. */
static void waits_tell_errors_from_the_rest(void)
{
    struct lhp_future *f[3] = {new_future(), new_future(), new_future()};
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_COMPLETED, 0), LHP_TIMEOUT);
    CHECK_IS(lhp_future_cancel(f[0]), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_COMPLETED, 0), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_ERROR, LHP_MS(2)), LHP_TIMEOUT);
    CHECK_IS(lhp_future_set_result(f[1], NULL, NULL), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_ERROR, LHP_MS(2)), LHP_TIMEOUT);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_ALL_COMPLETED, LHP_MS(2)), LHP_TIMEOUT);
    CHECK_IS(lhp_futures_wait(f, 2, LHP_FIRST_ERROR, LHP_FOREVER), LHP_OK); /* all done, none failed */
    CHECK_IS(lhp_future_set_error(f[2], LHP_FAILED, 1), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_FIRST_ERROR, LHP_FOREVER), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 3, LHP_ALL_COMPLETED, LHP_FOREVER), LHP_OK);
    CHECK_IS(lhp_futures_wait(f, 0, LHP_FIRST_COMPLETED, LHP_FOREVER), LHP_OK);
    for (int i = 0; i < 3; i++)
        lhp_future_release(f[i]);
}

struct change {
    struct lhp_future *future;
    enum lhp_status outcome;
    struct lhp_event go;
    pid_t waiter; /* who will sleep by then */
};

static void *change_when_told(void *arg)
{
    struct change *c = arg;
    lhp_event_wait(&c->go);
    check_await_sleep(c->waiter);
    if (c->outcome == LHP_CANCELLED)
        CHECK_IS(lhp_future_cancel(c->future), LHP_OK);
    else
        CHECK_IS(lhp_future_set_error(c->future, c->outcome, 1), LHP_OK);
    return NULL;
}

/* The same while somebody waits. */
static void waits_hear_errors_as_they_come(void)
{
    struct lhp_future *f[2] = {new_future(), new_future()};
    struct change c = {.future = f[0], .outcome = LHP_CANCELLED, .waiter = gettid()};
    struct change d = {.future = f[1], .outcome = LHP_FAILED, .waiter = gettid()};
    lhp_event_init(&c.go);
    lhp_event_init(&d.go);
    pthread_t first = spawn(change_when_told, &c), second = spawn(change_when_told, &d);
    struct lhp_as_completed *it = lhp_as_completed_new(f, 2, LHP_SECONDS(20)), *hurried;
    CHECK(it && (hurried = lhp_as_completed_new(f, 2, LHP_MS(5))));
    struct lhp_future *next;
    CHECK_IS(lhp_as_completed_next(hurried, &next), LHP_TIMEOUT);
    lhp_event_set(&c.go);
    CHECK_IS(lhp_futures_wait(f, 2, LHP_FIRST_ERROR, LHP_MS(100)), LHP_TIMEOUT);
    lhp_event_set(&d.go);
    CHECK_IS(lhp_futures_wait(f, 2, LHP_FIRST_ERROR, LHP_SECONDS(20)), LHP_OK);
    for (int i = 0; i < 2; i++) { /* in the order in which they got done */
        CHECK_IS(lhp_as_completed_next(it, &next), LHP_OK);
        CHECK(next == f[i]);
    }
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_STOPPED);
    lhp_as_completed_release(hurried);
    lhp_as_completed_release(it);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    for (int i = 0; i < 2; i++)
        lhp_future_release(f[i]);
    lhp_event_destroy(&c.go);
    lhp_event_destroy(&d.go);
}

static void future_given_twice_is_one(void)
{
    struct lhp_future *f[2] = {new_future(), new_future()}, *next;
    struct lhp_future *given[5] = {f[1], f[0], f[1], f[1], f[0]};
    CHECK_IS(lhp_future_set_result(f[1], NULL, NULL), LHP_OK);
    CHECK_IS(lhp_futures_wait(given, 5, LHP_ALL_COMPLETED, 0), LHP_TIMEOUT);
    CHECK_IS(lhp_future_set_result(f[0], NULL, NULL), LHP_OK);
    CHECK_IS(lhp_futures_wait(given, 5, LHP_ALL_COMPLETED, 0), LHP_OK);
    struct lhp_as_completed *it = lhp_as_completed_new(given, 5, LHP_SECONDS(20));
    CHECK(it);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_OK);
    CHECK(next == f[1]);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_OK);
    CHECK(next == f[0]);
    CHECK_IS(lhp_as_completed_next(it, &next), LHP_STOPPED);
    lhp_as_completed_release(it);
    for (int i = 0; i < 2; i++)
        lhp_future_release(f[i]);
}

int main(void)
{
    check_init_seed();
    RUN(callbacks_come_in_order_and_once);
    RUN(cancelled_only_while_pending);
    RUN(result_lives_as_long_as_the_future);
    RUN(callback_may_give_back_the_last_reference);
    RUN(waits_tell_errors_from_the_rest);
    RUN(waits_hear_errors_as_they_come);
    RUN(future_given_twice_is_one);
    return 0;
}

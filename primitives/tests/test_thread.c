/* test_thread.c: Thread and Timer: states, names, joins, failure, fork, and who keeps the process alive. */
#include <string.h>
#include <sys/wait.h>

#include <lhp/event.h>
#include <lhp/thread.h>
#include <lhp/timer.h>

#include "check.h"

static struct lhp_event go;

static int wait_for_go(void *arg)
{
    struct lhp_thread **self = arg;
    if (self)
        CHECK(*self == lhp_thread_current());
    lhp_event_wait(&go);
    return 0;
}

static void states_and_names(void)
{
    struct lhp_thread *t;
    char name[32];
    lhp_event_clear(&go);
    CHECK((t = lhp_thread_new(wait_for_go, &t, &(struct lhp_thread_options){.name = "worker"})) != NULL);
    CHECK(!lhp_thread_is_alive(t) && lhp_thread_native_id(t) == 0);
    CHECK_IS(lhp_thread_join(t), LHP_BAD_STATE);
    CHECK_IS(lhp_thread_start(t), LHP_OK);
    CHECK_IS(lhp_thread_start(t), LHP_BAD_STATE);
    CHECK(lhp_thread_is_alive(t) && lhp_thread_native_id(t) != gettid());
    CHECK(!pthread_equal(lhp_thread_ident(t), pthread_self()));
    lhp_thread_name(t, name, sizeof(name));
    CHECK(strcmp(name, "worker") == 0);
    lhp_thread_set_name(t, "renamed");
    lhp_thread_name(t, name, sizeof(name));
    CHECK(strcmp(name, "renamed") == 0);
    CHECK(lhp_thread_active_count() == 2);
    CHECK_IS(lhp_thread_join_for(t, LHP_MS(5)), LHP_TIMEOUT);
    lhp_event_set(&go);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK(!lhp_thread_is_alive(t) && lhp_thread_active_count() == 1);
    lhp_thread_release(t);
    CHECK_IS(lhp_thread_join(lhp_thread_current()), LHP_DEADLOCK);
    CHECK(lhp_thread_main() == lhp_thread_current());
}

static void enumerate_gives_references(void)
{
    struct lhp_thread *all[8], *t = lhp_thread_new(wait_for_go, NULL, NULL);
    lhp_event_clear(&go);
    CHECK(t && lhp_thread_start(t) == LHP_OK);
    lhp_thread_release(t); /* running on, detached */
    CHECK(lhp_thread_enumerate(all, 8) == 2);
    CHECK(all[0] == t || all[1] == t);
    lhp_event_set(&go);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    lhp_thread_release(all[0]);
    lhp_thread_release(all[1]);
}

static int hook_error;

static void note_error(struct lhp_thread *thread, int error)
{
    CHECK(thread == lhp_thread_current());
    hook_error = error;
}

static int fail_with_7(void *arg)
{
    (void)arg;
    return 7;
}

static void hook_hears_of_failure(void)
{
    struct lhp_thread *t = lhp_thread_new(fail_with_7, NULL, NULL);
    lhp_thread_set_exception_hook(note_error);
    CHECK(t && lhp_thread_start(t) == LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK(hook_error == 7 && lhp_thread_error(t) == 7);
    lhp_thread_release(t);
    lhp_thread_set_exception_hook(NULL);
}

static int join_it(void *arg)
{
    CHECK_IS(lhp_thread_join(arg), LHP_OK);
    CHECK(!lhp_thread_is_alive(arg));
    return 0;
}

static void many_join_one(void)
{
    struct lhp_thread *t, *joiners[3];
    lhp_event_clear(&go);
    CHECK((t = lhp_thread_new(wait_for_go, NULL, NULL)) && lhp_thread_start(t) == LHP_OK);
    for (int i = 0; i < 3; i++)
        CHECK((joiners[i] = lhp_thread_new(join_it, t, NULL)) && lhp_thread_start(joiners[i]) == LHP_OK);
    if (!check_under_tool())
        pthread_cancel(lhp_thread_ident(joiners[0]));
    lhp_event_set(&go);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(lhp_thread_join(joiners[i]), LHP_OK);
        lhp_thread_release(joiners[i]);
    }
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    lhp_thread_release(t);
}

static void *foreign_body(void *arg)
{
    struct lhp_thread *me = lhp_thread_current();
    (void)arg;
    CHECK(me == lhp_thread_current() && lhp_thread_is_alive(me) && lhp_thread_daemon(me));
    CHECK(lhp_thread_active_count() == 2);
    return NULL;
}

static void foreign_threads_have_an_object(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, foreign_body, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(lhp_thread_active_count() == 1);
}

static int note_daemon(void *arg)
{
    struct lhp_thread *child = lhp_thread_new(fail_with_7, NULL, NULL);
    *(bool *)arg = lhp_thread_daemon(child);
    lhp_thread_release(child);
    return 0;
}

static void daemon_is_inherited(void)
{
    bool daemon = false;
    struct lhp_thread *t = lhp_thread_new(note_daemon, &daemon, &(struct lhp_thread_options){.daemon = LHP_DAEMON_YES});
    CHECK(t && lhp_thread_start(t) == LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK(daemon);
    lhp_thread_release(t);
}

static int write_later(void *arg)
{
    sleep_ms(30);
    CHECK(write(*(int *)arg, "x", 1) == 1);
    return 0;
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return pause();
}

/* The child returns from exit() only after its non-daemon thread has written, daemon or no daemon. */
static void exit_waits_for_all_but_daemons(void)
{
    int ends[2], status;
    char byte;
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct lhp_thread *daemon =
            lhp_thread_new(sleep_for_ever, NULL, &(struct lhp_thread_options){.daemon = LHP_DAEMON_YES});
        struct lhp_thread *writer = lhp_thread_new(write_later, &ends[1], NULL);
        if (lhp_thread_start(daemon) != LHP_OK || lhp_thread_start(writer) != LHP_OK)
            _exit(9);
        exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
}

static int fork_here(void *arg)
{
    int status;
    (void)arg;
    pid_t child = fork();
    if (child == 0)
        _exit(lhp_thread_main() == lhp_thread_current() && lhp_thread_active_count() == 1 ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}

static void forking_thread_becomes_main(void)
{
    struct lhp_thread *t = lhp_thread_new(fork_here, NULL, NULL);
    CHECK(t && lhp_thread_start(t) == LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    lhp_thread_release(t);
}

static void set_event(void *arg)
{
    lhp_event_set(arg);
}

static void timers_fire_or_are_cancelled(void)
{
    int64_t start = check_now_ns();
    lhp_event_clear(&go);
    struct lhp_timer *t = lhp_timer_new(LHP_MS(20), set_event, &go);
    CHECK(t && lhp_timer_start(t) == LHP_OK);
    CHECK_IS(lhp_timer_start(t), LHP_BAD_STATE);
    lhp_event_wait(&go);
    CHECK(check_now_ns() - start >= LHP_MS(20));
    CHECK_IS(lhp_timer_join(t), LHP_OK);
    CHECK_IS(lhp_timer_cancel(t), LHP_BAD_STATE);
    lhp_timer_release(t);
    lhp_event_clear(&go);
    t = lhp_timer_new(LHP_SECONDS(60), set_event, &go);
    CHECK(t && lhp_timer_start(t) == LHP_OK);
    CHECK_IS(lhp_timer_cancel(t), LHP_OK);
    CHECK_IS(lhp_timer_join(t), LHP_OK);
    CHECK(!lhp_event_is_set(&go));
    lhp_timer_release(t);
}

int main(void)
{
    check_init_seed();
    lhp_event_init(&go);
    RUN(states_and_names);
    RUN(enumerate_gives_references);
    RUN(hook_hears_of_failure);
    RUN(many_join_one);
    RUN(foreign_threads_have_an_object);
    RUN(daemon_is_inherited);
    RUN(exit_waits_for_all_but_daemons);
    RUN(forking_thread_becomes_main);
    RUN(timers_fire_or_are_cancelled);
    return 0;
}

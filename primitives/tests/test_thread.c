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
    if (self) {
        CHECK(*self == lhp_thread_current());
        CHECK(pthread_equal(lhp_thread_ident(*self), pthread_self()) && lhp_thread_native_id(*self) == gettid());
    }
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
    CHECK(lhp_thread_main() == lhp_thread_current() && lhp_thread_native_id(lhp_thread_main()) == getpid());
    CHECK(!lhp_thread_daemon(lhp_thread_main()));
}

static void names_are_given_and_kept_apart(void)
{
    struct lhp_thread *a = lhp_thread_new(wait_for_go, NULL, NULL), *b = lhp_thread_new(wait_for_go, NULL, NULL);
    char first[32], second[32], shortened[4];
    lhp_thread_name(a, first, sizeof(first));
    lhp_thread_name(b, second, sizeof(second));
    CHECK(strncmp(first, "Thread-", 7) == 0 && strncmp(second, "Thread-", 7) == 0 && strcmp(first, second) != 0);
    lhp_thread_set_name(a, "before the start");
    lhp_thread_name(a, shortened, sizeof(shortened));
    CHECK(strcmp(shortened, "bef") == 0);
    lhp_thread_name(lhp_thread_main(), first, sizeof(first));
    CHECK(strcmp(first, "MainThread") == 0);
    lhp_thread_release(a); /* never started */
    lhp_thread_release(b);
}

static int note_stack_size(void *size)
{
    pthread_attr_t attr;
    CHECK(pthread_getattr_np(pthread_self(), &attr) == 0 && pthread_attr_getstacksize(&attr, size) == 0);
    pthread_attr_destroy(&attr);
    return 0;
}

static void stack_is_as_large_as_asked(void)
{
    size_t size = 0, wanted = 1 << 20;
    struct lhp_thread *t = lhp_thread_new(note_stack_size, &size, &(struct lhp_thread_options){.stack_size = wanted});
    CHECK(t && lhp_thread_start(t) == LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK(size == wanted);
    lhp_thread_release(t);
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

static int exit_thread(void *arg)
{
    pthread_exit(arg);
}

/* An end by pthread_exit() or by cancellation is an end, and no failure. */
static void left_threads_have_not_failed(void)
{
    struct lhp_thread *left = lhp_thread_new(exit_thread, NULL, NULL), *cancelled;
    hook_error = 0;
    lhp_event_clear(&go);
    lhp_thread_set_exception_hook(note_error);
    CHECK(left && lhp_thread_start(left) == LHP_OK);
    CHECK_IS(lhp_thread_join(left), LHP_OK);
    if (!check_under_tool()) {
        CHECK((cancelled = lhp_thread_new(wait_for_go, NULL, NULL)) && lhp_thread_start(cancelled) == LHP_OK);
        pthread_cancel(lhp_thread_ident(cancelled));
        CHECK_IS(lhp_thread_join(cancelled), LHP_OK);
        CHECK(!lhp_thread_is_alive(cancelled) && lhp_thread_error(cancelled) == 0);
        lhp_thread_release(cancelled);
    }
    CHECK(hook_error == 0 && lhp_thread_error(left) == 0 && lhp_thread_active_count() == 1);
    lhp_thread_release(left);
    lhp_thread_set_exception_hook(NULL);
}

/* What a child writes to `number`, as text. */
static void written_by_a_child(int number, void (*body)(void), char *text, size_t size)
{
    int ends[2], status;
    size_t length = 0;
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], number);
        close(ends[0]);
        close(ends[1]);
        body();
        exit(0);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)n;
    text[length] = 0;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void start_one_that_fails(void)
{
    struct lhp_thread *t = lhp_thread_new(fail_with_7, NULL, &(struct lhp_thread_options){.name = "loser"});
    if (!t || lhp_thread_start(t) != LHP_OK)
        _exit(1);
    lhp_thread_release(t);
}

static void failure_is_told_without_a_hook(void)
{
    char text[256];
    written_by_a_child(2, start_one_that_fails, text, sizeof(text));
    CHECK(strcmp(text, "Exception in thread loser: error 7\n") == 0);
}

static void say(void *word)
{
    CHECK(write(1, word, strlen(word)) > 0);
}

static int say_later(void *word)
{
    lhp_event_wait(&go);
    say(word);
    return 0;
}

static void let_go_and_say(void *word)
{
    say(word);
    lhp_event_set(&go);
}

/* Functions for the end of the process: the latest first, all before threads are waited for, and those before atexit(). */
static void say_at_shutdown(void)
{
    lhp_event_clear(&go);
    struct lhp_thread *t = lhp_thread_new(say_later, "thread ", NULL);
    if (!t || lhp_thread_start(t) != LHP_OK || lhp_thread_at_shutdown(let_go_and_say, "second ") != LHP_OK ||
        lhp_thread_at_shutdown(say, "first ") != LHP_OK)
        _exit(1);
    lhp_thread_release(t);
}

static void shutdown_has_an_order(void)
{
    char text[256];
    written_by_a_child(1, say_at_shutdown, text, sizeof(text));
    CHECK(strcmp(text, "first second thread ") == 0);
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
    CHECK(daemon && lhp_thread_daemon(t));
    lhp_thread_release(t);
    t = lhp_thread_new(note_daemon, &daemon, NULL);
    CHECK(t && !lhp_thread_daemon(t) && lhp_thread_start(t) == LHP_OK);
    CHECK_IS(lhp_thread_join(t), LHP_OK);
    CHECK(!daemon);
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

static void *join_with_a_limit(void *arg)
{
    CHECK_IS(lhp_thread_join_for(arg, LHP_SECONDS(30)), LHP_OK);
    return NULL;
}

/* Who waits for the thread in the parent is not in the child, where he would be waited for. */
static void a_child_lets_go_what_another_thread_waits_for(void)
{
    struct lhp_thread *t;
    if (check_under_tool()) /* they do not know that the parent's threads are not in the child */
        return;
    lhp_event_clear(&go);
    CHECK((t = lhp_thread_new(wait_for_go, NULL, NULL)) && lhp_thread_start(t) == LHP_OK);
    pthread_t joiner = spawn(join_with_a_limit, t);
    sleep_ms(20);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        lhp_thread_release(t);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    lhp_event_set(&go);
    pthread_join(joiner, NULL);
    lhp_thread_release(t);
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
    CHECK_IS(lhp_timer_join_for(t, LHP_MS(10)), LHP_TIMEOUT); /* asleep by now */
    CHECK_IS(lhp_timer_cancel(t), LHP_OK);
    CHECK_IS(lhp_timer_join(t), LHP_OK);
    CHECK(!lhp_event_is_set(&go));
    lhp_timer_release(t);
    t = lhp_timer_new(0, set_event, &go); /* cancelled before the start */
    CHECK_IS(lhp_timer_join(t), LHP_BAD_STATE);
    CHECK_IS(lhp_timer_cancel(t), LHP_OK);
    CHECK(t && lhp_timer_start(t) == LHP_OK);
    CHECK_IS(lhp_timer_join(t), LHP_OK);
    CHECK(!lhp_event_is_set(&go));
    lhp_timer_release(t);
    t = lhp_timer_new(LHP_MS(1), set_event, &go); /* goes on without its reference */
    CHECK(t && lhp_timer_start(t) == LHP_OK);
    lhp_timer_release(t);
    CHECK_IS(lhp_event_wait_for(&go, LHP_SECONDS(20)), LHP_OK);
}

int main(void)
{
    check_init_seed();
    lhp_event_init(&go);
    RUN(states_and_names);
    RUN(enumerate_gives_references);
    RUN(names_are_given_and_kept_apart);
    RUN(stack_is_as_large_as_asked);
    RUN(hook_hears_of_failure);
    RUN(left_threads_have_not_failed);
    RUN(failure_is_told_without_a_hook);
    RUN(shutdown_has_an_order);
    RUN(many_join_one);
    RUN(foreign_threads_have_an_object);
    RUN(daemon_is_inherited);
    RUN(exit_waits_for_all_but_daemons);
    RUN(a_child_lets_go_what_another_thread_waits_for);
    RUN(forking_thread_becomes_main);
    RUN(timers_fire_or_are_cancelled);
    return 0;
}

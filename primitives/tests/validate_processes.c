/* validate_processes.c: the validator of processes and connections: random messages, counted; every kind of end of a process
 * and its code.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <lhp/connection.h>
#include <lhp/process.h>
#include <lhp/thread.h>

#include "check.h"
#include "children.h"

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

static int say_nothing(void *arg)
{
    (void)arg;
    return 300; /* an exit status has eight bits */
}

static void names_daemons_and_strange_ends(void)
{
    char name[32], other[32];
    int code;
    struct lhp_process *p = lhp_process_new(say_nothing, NULL, &(struct lhp_process_options){.name = "worker"});
    lhp_process_name(p, name, sizeof(name));
    CHECK(strcmp(name, "worker") == 0 && !lhp_process_daemon(p) && lhp_process_pid(p) == 0);
    CHECK(!lhp_process_is_alive(p));
    CHECK_IS(lhp_process_exitcode(p, &code), LHP_BAD_STATE);
    CHECK_IS(lhp_process_kill(p), LHP_BAD_STATE);
    CHECK_IS(lhp_process_close(p), LHP_OK); /* never started */
    p = lhp_process_new(say_nothing, NULL, &(struct lhp_process_options){.daemon = true});
    struct lhp_process *q = lhp_process_new(say_nothing, NULL, NULL);
    lhp_process_name(p, name, sizeof(name));
    lhp_process_name(q, other, sizeof(other));
    CHECK(strncmp(name, "Process-", 8) == 0 && strcmp(name, other) != 0 && lhp_process_daemon(p));
    CHECK_IS(lhp_process_close(p), LHP_OK);
    CHECK_IS(lhp_process_start(q), LHP_OK);
    CHECK_IS(lhp_process_join(q), LHP_OK);
    CHECK_IS(lhp_process_join_for(q, 0), LHP_OK); /* again */
    CHECK(lhp_process_active_count() == 0);       /* ended, though not closed */
    CHECK(!lhp_process_is_alive(q));
    CHECK_IS(lhp_process_terminate(q), LHP_OK); /* ended: nobody is hit */
    finish(q, 300 & 0xff);
    p = start(wait_for_signal, NULL);
    CHECK_IS(lhp_process_kill(p), LHP_OK);
    CHECK(waitpid(lhp_process_pid(p), NULL, 0) == lhp_process_pid(p)); /* somebody else reaps it */
    finish(p, 255);
}

/* What a child writes to its standard output, as text, and how it ends. */
static int output_of_a_child(void (*body)(void), char *text, size_t size)
{
    int ends[2], status;
    size_t length = 0;
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        body();
        exit(7);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)n;
    text[length] = 0;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void say_goodbye(void)
{
    printf("goodbye ");
}

static int print_from_a_thread(void *arg)
{
    sleep_ms(20);
    printf("%s", (const char *)arg);
    return 0;
}

static int leave_a_thread_behind(void *arg)
{
    struct lhp_thread *t = lhp_thread_new(print_from_a_thread, arg, NULL);
    printf("child ");
    return t && lhp_thread_start(t) == LHP_OK ? 0 : 1;
}

static int outlive(void *arg)
{
    sleep_ms(30);
    return print_from_a_thread(arg);
}

/* The parent's unwritten text is written once, the child's own at its end, after its threads', without the parent's
 * atexit(); and the parent waits for the one that is no daemon, and ends the other. */
static void start_and_leave(void)
{
    struct lhp_process *daemon = lhp_process_new(wait_for_signal, NULL, &(struct lhp_process_options){.daemon = true});
    struct lhp_process *child = lhp_process_new(leave_a_thread_behind, "thread ", NULL);
    struct lhp_process *later = lhp_process_new(outlive, "later ", NULL);
    atexit(say_goodbye);
    printf("parent ");
    if (lhp_process_start(daemon) != LHP_OK || lhp_process_start(child) != LHP_OK ||
        lhp_process_join(child) != LHP_OK || lhp_process_start(later) != LHP_OK)
        _exit(9);
}

static void processes_end_in_order(void)
{
    char text[256];
    CHECK(output_of_a_child(start_and_leave, text, sizeof(text)) == 7);
    CHECK(strcmp(text, "parent child thread later goodbye ") == 0);
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

/* Ends of one direction, of a message torn by a death, and of a connection. */
static void ends_know_what_they_may(void)
{
    struct lhp_connection in, out;
    unsigned char header[4] = {0, 0, 0, 100}, bytes[16];
    size_t size = 0;
    void *made;
    CHECK_IS(lhp_connection_pair(&in, &out, false), LHP_OK);
    CHECK_IS(lhp_connection_recv(&out, bytes, sizeof(bytes), &size), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_poll(&out, 0), LHP_BAD_STATE);
    CHECK_IS(lhp_connection_poll(&in, 0), LHP_TIMEOUT);
    CHECK_IS(lhp_connection_send(&out, "two", 3), LHP_OK);
    CHECK_IS(lhp_connection_send(&out, "messages", 8), LHP_OK);
    CHECK_IS(lhp_connection_recv(&in, bytes, 2, &size), LHP_TOO_LONG);
    CHECK(size == 3);
    CHECK_IS(lhp_connection_recv_new(&in, &made, &size), LHP_OK);
    CHECK(size == 8 && memcmp(made, "messages", 8) == 0);
    free(made);
    CHECK(write(out.fd, header, sizeof(header)) == 4 && write(out.fd, "torn", 4) == 4);
    lhp_connection_close(&out);
    CHECK_IS(lhp_connection_poll(&in, LHP_SECONDS(20)), LHP_OK);
    CHECK_IS(lhp_connection_recv_new(&in, &made, &size), LHP_BROKEN);
    CHECK_IS(lhp_connection_poll(&in, LHP_SECONDS(20)), LHP_OK); /* the end is something to be received as well */
    CHECK_IS(lhp_connection_recv(&in, bytes, sizeof(bytes), &size), LHP_EOF);
    lhp_connection_close(&in);
    CHECK_IS(lhp_connection_poll(&in, 0), LHP_BAD_STATE);
    lhp_connection_close(&in); /* once more, which is nothing */
    CHECK_IS(lhp_connection_pair(&in, &out, true), LHP_OK);
    CHECK(write(out.fd, header, 2) == 2);
    lhp_connection_close(&out);
    CHECK_IS(lhp_connection_recv(&in, bytes, sizeof(bytes), &size), LHP_BROKEN);
    lhp_connection_close(&in);
    CHECK_IS(lhp_connection_pair(&in, &out, true), LHP_OK);
    CHECK(write(out.fd, header, sizeof(header)) == 4); /* and nothing of the message itself */
    lhp_connection_close(&out);
    CHECK_IS(lhp_connection_recv_new(&in, &made, &size), LHP_BROKEN);
    lhp_connection_close(&in);
}

int main(void)
{
    check_init_seed();
    signal(SIGPIPE, SIG_DFL); /* whoever started this may ignore it */
    RUN(exit_codes_and_signals);
    RUN(names_daemons_and_strange_ends);
    RUN(processes_end_in_order);
    RUN(messages_keep_their_bounds);
    RUN(ends_know_what_they_may);
    return 0;
}

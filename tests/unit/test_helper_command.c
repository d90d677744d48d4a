/* The command is started with what it needs, and the program that starts it notices nothing.
 *
 * LOCKHOUND_COMMAND_PATH, read from the environment that the kernel keeps, names a script; so the test starts itself
 * again with the variable set. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/arena.h"
#include "preload/helper_command.h"

/* No memory to keep the first environment in: the kernel's is read, and that is what these tests look at. */
void *arena_alloc(size_t size)
{
    (void)size;
    return NULL;
}

static char script_path[64], output_path[64];

static void write_script(const char *body)
{
    FILE *file = fopen(script_path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", body);
    fclose(file);
    assert_int_equal(chmod(script_path, 0700), 0);
}

static const char *output(void)
{
    static char text[4096];
    FILE *file = fopen(output_path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static bool print_with(const char *body)
{
    write_script(body);
    return helper_print("/tmp/run file.lockhound", 18446744073709551615u, 0, false);
}

/* Returns: what helper_print() says, with descriptor 2 led to output(). */
static bool print_into_file(const char *body, bool summary)
{
    int saved = dup(STDERR_FILENO), file = open(output_path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    write_script(body);
    dup2(file, STDERR_FILENO);
    bool printed = helper_print("/tmp/run file.lockhound", 18446744073709551615u, 7, summary);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    return printed;
}

static void the_command_gets_its_arguments_and_prints_to_stderr(void **state)
{
    (void)state;
    assert_true(print_into_file("printf '%s|' \"$@\" >&2", false));
    assert_string_equal(output(), "print|/tmp/run file.lockhound|--offset|18446744073709551615|--length|7|");
    assert_true(print_into_file("printf '%s|' \"$@\"", true));
    assert_string_equal(output(), "print|/tmp/run file.lockhound|--offset|18446744073709551615|--length|7|--summary|");
}

static void the_command_is_not_checked_itself(void **state)
{
    (void)state;
    assert_true(print_into_file("echo \"[$LD_PRELOAD][$LOCKHOUND_OPTIONS][$KEPT]\"", false));
    assert_string_equal(output(), "[][][yes]\n");
}

static void no_descriptor_of_the_program_reaches_the_command(void **state)
{
    (void)state;
    enum { INHERITABLE = 200 };
    assert_int_equal(dup2(STDERR_FILENO, INHERITABLE), INHERITABLE);
    assert_true(print_into_file("test -e /proc/$$/fd/200 && echo reached || echo closed", false));
    close(INHERITABLE);
    assert_string_equal(output(), "closed\n");
}

static atomic_int children_seen;

static void count_child(int number)
{
    (void)number;
    children_seen++;
}

static void the_program_sees_no_child_and_no_signal(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = count_child};
    sigaction(SIGCHLD, &action, NULL);
    children_seen = 0;
    sigset_t before = {0}, after = {0};
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    errno = 4095;
    assert_true(print_with("exit 0"));
    assert_int_equal(errno, 4095);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(children_seen, 0);
    assert_int_equal(waitpid(-1, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(waitpid(-1, NULL, __WALL), -1);
    assert_int_equal(errno, ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

static void a_program_that_ignores_its_children_hears_of_the_command(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_true(print_with("exit 0"));
    assert_false(print_with("exit 125"));
    struct sigaction after;
    sigaction(SIGCHLD, NULL, &after);
    assert_true(after.sa_handler == SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

static void *wait_for_any_child(void *status)
{
    while (waitpid(-1, status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static void a_thread_that_waits_for_any_child_gets_its_own(void **state)
{
    (void)state;
    int status = 0, go[2];
    pthread_t thread;
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        _exit(read(go[0], &byte, 1) == 0 ? 42 : 1);
    }
    pthread_create(&thread, NULL, wait_for_any_child, &status);
    assert_true(print_with("exit 0"));
    close(go[1]);
    pthread_join(thread, NULL);
    close(go[0]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

static atomic_int handlers_run;

static void count_handler(int number)
{
    (void)number;
    handlers_run++;
}

static void handlers_of_the_program_do_not_run_in_the_command(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = count_handler}, old;
    sigaction(SIGTERM, &action, &old);
    handlers_run = 0;
    assert_false(print_with("kill -TERM $$; sleep 1; exit 0")); /* it dies of it */
    assert_int_equal(handlers_run, 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(handlers_run, 1);
    sigaction(SIGTERM, &old, NULL);
}

static void findings_are_a_success_and_failures_are_said(void **state)
{
    (void)state;
    assert_true(print_with("exit 66"));
    assert_false(print_with("exit 125"));
    assert_false(print_with("exit 127"));
    unlink(script_path);
    assert_false(helper_print("/x", 0, 0, false));
}

static void *print_often(void *all_printed)
{
    for (int i = 0; i < 20; i++)
        if (!helper_print("/x", 0, 0, false))
            *(atomic_bool *)all_printed = false;
    return NULL;
}

static void threads_print_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    atomic_bool all_printed = true;
    write_script("exit 0");
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, print_often, &all_printed);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(all_printed);
}

/* Comes back with the variables in the environment that the kernel keeps. */
static void start_again(char **argv)
{
    snprintf(script_path, sizeof script_path, "/tmp/lockhound-helper-%d.sh", (int)getpid());
    setenv("LOCKHOUND_COMMAND_PATH", script_path, 1);
    setenv("LD_PRELOAD", "", 1);
    setenv("LOCKHOUND_OPTIONS", "quiet=yes", 1);
    setenv("KEPT", "yes", 1);
    execv("/proc/self/exe", argv);
    perror("exec");
    exit(1);
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *given = getenv("LOCKHOUND_COMMAND_PATH");
    if (given == NULL)
        start_again(argv);
    snprintf(script_path, sizeof script_path, "%s", given);
    snprintf(output_path, sizeof output_path, "/tmp/lockhound-helper-%d.out", (int)getpid());
    helper_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_gets_its_arguments_and_prints_to_stderr),
        cmocka_unit_test(the_command_is_not_checked_itself),
        cmocka_unit_test(no_descriptor_of_the_program_reaches_the_command),
        cmocka_unit_test(the_program_sees_no_child_and_no_signal),
        cmocka_unit_test(a_program_that_ignores_its_children_hears_of_the_command),
        cmocka_unit_test(a_thread_that_waits_for_any_child_gets_its_own),
        cmocka_unit_test(handlers_of_the_program_do_not_run_in_the_command),
        cmocka_unit_test(findings_are_a_success_and_failures_are_said),
        cmocka_unit_test(threads_print_at_once),
    };
    int failed = cmocka_run_group_tests_name("helper command", tests, NULL, NULL);
    unlink(script_path);
    unlink(output_path);
    return failed;
}

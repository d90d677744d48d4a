/* test_run_reader.c: a run file read while it grows, in windows, and when it is damaged. */
#include "report_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/run_reader.h"

struct world {
    struct world_file file;
    struct run run;
    struct run_reader reader;
    size_t taken;
};

static void count_finding(void *ctx, struct run *run, struct run_finding *finding)
{
    struct world *w = ctx;
    (void)run;
    w->taken++;
    finding_free(finding);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    world_file_open(&w->file);
    assert_int_equal(run_reader_open(&w->reader, w->file.path, &w->run, count_finding, w), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    if (w->reader.fd >= 0)
        run_reader_close(&w->reader);
    world_file_close(&w->file);
    run_free(&w->run);
    test_free(w);
    return 0;
}

static void growing_file_gives_each_finding_once(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS);
    for (size_t i = 1; i <= 3; i++) {
        world_file_append_finding(&w->file, "unlock-not-locked", "f");
        assert_int_equal(run_reader_poll(&w->reader), 0);
        assert_int_equal(w->taken, i);
    }
}

static void half_a_line_waits_for_the_rest(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS "{\"r\":\"note\",\"pid\":7,");
    run_reader_poll(&w->reader);
    assert_int_equal(w->run.problem_count, 0);
    world_file_append(&w->file, "\"code\":\"c\",\"text\":\"t\"}\n");
    run_reader_poll(&w->reader);
    assert_non_null(w->run.notes);
    assert_int_equal(w->run.problem_count, 0);
}

static void unfinished_last_line_is_said_with_its_offset(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS "{\"r\":\"find");
    run_reader_poll(&w->reader);
    run_reader_close(&w->reader);
    assert_int_equal(w->run.problem_count, 1);
    assert_int_equal(w->run.problems->offset, strlen(WORLD_PROCESS));
}

static void torn_record_loses_only_itself(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS "{\"r\":\"finding\",\"pid\":7,\"kin" WORLD_SUMMARY);
    world_file_append_finding(&w->file, "deadlock", "f");
    run_reader_poll(&w->reader);
    assert_int_equal(w->run.problem_count, 1);
    assert_string_equal(w->run.processes->reason, "exit");
    assert_int_equal(w->taken, 1);
}

static void window_takes_only_its_finding(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS);
    world_file_append_finding(&w->file, "deadlock", "earlier");
    uint64_t begin = (uint64_t)lseek(w->file.fd, 0, SEEK_CUR);
    world_file_append_finding(&w->file, "deadlock", "meant");
    uint64_t end = (uint64_t)lseek(w->file.fd, 0, SEEK_CUR);
    world_file_append_finding(&w->file, "deadlock", "later");
    assert_int_equal(run_reader_window(&w->reader, begin, end), 0);
    assert_int_equal(w->taken, 1);
}

static void same_pid_is_a_new_process_after_exec(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file,
                      WORLD_PROCESS "{\"r\":\"module\",\"pid\":7,\"id\":1,\"path\":\"/old\"}\n" WORLD_PROCESS);
    run_reader_poll(&w->reader);
    assert_int_equal(w->run.process_count, 2);
    assert_true(w->run.processes->was_replaced);
    assert_null(process_find_module(run_find_process(&w->run, w->file.path, 7), 1));
}

static void bytes_come_back_from_code_points(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file,
                      "{\"r\":\"process\",\"format\":1,\"pid\":7,\"exe\":\"/\\u00ff\\u00c3\\u00a9\\u0001\"}\n");
    run_reader_poll(&w->reader);
    assert_string_equal(w->run.processes->exe, "/\xff\xc3\xa9\x01");
}

static void other_formats_and_unannounced_processes_are_refused(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, "{\"r\":\"process\",\"format\":2,\"pid\":7}\n" WORLD_SUMMARY);
    run_reader_poll(&w->reader);
    assert_int_equal(w->run.process_count, 0);
    assert_int_equal(w->run.problem_count, 2);
}

static void unknown_records_and_members_are_ignored(void **state)
{
    struct world *w = *state;
    world_file_append(&w->file, WORLD_PROCESS "{\"r\":\"weather\",\"pid\":7,\"sky\":[1,{}]}\n");
    run_reader_poll(&w->reader);
    assert_int_equal(w->run.problem_count, 0);
}

static void summed_counts_do_not_wrap(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++)
        run_add_count(&w->run, "events", UINT64_MAX / 2);
    assert_true(run_get_count(&w->run, "events") == UINT64_MAX);
}

static void missing_file_and_directory_are_errors(void **state)
{
    struct run run = {0};
    struct run_reader reader;
    (void)state;
    assert_int_equal(run_reader_open(&reader, "/nonexistent", &run, NULL, NULL), -ENOENT);
    assert_int_equal(run_reader_open(&reader, "/", &run, NULL, NULL), -EISDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(growing_file_gives_each_finding_once),
        TEST(half_a_line_waits_for_the_rest),
        TEST(unfinished_last_line_is_said_with_its_offset),
        TEST(torn_record_loses_only_itself),
        TEST(window_takes_only_its_finding),
        TEST(same_pid_is_a_new_process_after_exec),
        TEST(bytes_come_back_from_code_points),
        TEST(other_formats_and_unannounced_processes_are_refused),
        TEST(unknown_records_and_members_are_ignored),
        TEST(summed_counts_do_not_wrap),
        cmocka_unit_test(missing_file_and_directory_are_errors),
    };
    return cmocka_run_group_tests_name("run_reader", tests, NULL, NULL);
}

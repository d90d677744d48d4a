/* Which lines and chunks of a plane are known to have tags, against a naive twin: a list of all lines that were touched. */
#include "detector/race_touched.h"

#include <stdlib.h>
#include <time.h>

#include "race_world.h"

enum { CHUNKS = 512, ROUNDS = 50, TOUCHES = 200 };

/* Of one chunk. */
struct lines {
    uint64_t touched, written;
};

static struct lines twin[CHUNKS];
static struct race_part *part;
static bool all_stay;
static uint32_t visited, next_chunk; /* the one below which all were visited */

/* Chunk `i` of the twin: some are neighbours, some lie far apart, up to the last of the window. */
static uint32_t chunk_of(uint32_t i)
{
    uint32_t far = i / 32;
    return far * (RACE_CHUNKS_MOST / 16) + (far % 2 == 0 ? i % 32 : RACE_CHUNKS_MOST / 16 - 32 + i % 32);
}

static uint32_t place_of(uint32_t chunk)
{
    uint32_t i = 0;
    while (i < CHUNKS && chunk_of(i) != chunk)
        i++;
    assert_true(i < CHUNKS);
    return i;
}

static uint64_t visit(struct race_engine *engine, struct race_plane *plane, uint32_t chunk, uint64_t lines)
{
    struct lines *known = &twin[place_of(chunk)];
    assert_ptr_equal(engine, race_world.engine);
    assert_ptr_equal(race_part(plane), part);
    assert_true(chunk >= next_chunk);
    assert_int_equal(lines, known->touched);
    assert_int_equal(race_written_lines(part, chunk), known->written);
    next_chunk = chunk + 1;
    visited++;
    known->touched &= all_stay ? RACE_ALL_LINES : (uint64_t)rand();
    known->written &= known->touched;
    return known->touched;
}

/* Visits all, of which some lines stay or all do. */
static void visit_all(bool stay)
{
    uint32_t expected = 0;
    for (uint32_t i = 0; i < CHUNKS; i++)
        expected += twin[i].touched != 0;
    all_stay = stay;
    visited = next_chunk = 0;
    race_touched_visit(race_world.engine, race_world_plane(1), visit);
    assert_int_equal(visited, expected);
}

static void touch_at_random(void)
{
    uint32_t i = (uint32_t)rand() % CHUNKS;
    uint64_t lines = (uint64_t)rand() & RACE_ALL_LINES;
    bool writes = rand() % 2 == 0;
    race_touch(part, chunk_of(i), lines, writes);
    twin[i].touched |= lines;
    twin[i].written |= writes ? lines : 0;
}

static void what_was_touched_is_visited_until_it_does_not_stay(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    part = race_part(race_world_plane(1));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < TOUCHES; i++)
            touch_at_random();
        visit_all(false);
        visit_all(true);
    }
    for (uint32_t i = 0; i < CHUNKS; i++)
        assert_int_equal(race_is_touched(part, (uint64_t)chunk_of(i) << RACE_CHUNK_SHIFT), twin[i].touched != 0);
}

static void a_piece_lies_in_its_lines(void **state)
{
    (void)state;
    struct race_piece piece = {.address = 0x7f1234567840, .size = 64};
    assert_int_equal(race_lines_of(&piece), 2);
    piece.size = 65;
    assert_int_equal(race_lines_of(&piece), 2 | 4);
    piece = (struct race_piece){.address = 0x7f12345678ff, .size = 1};
    assert_int_equal(race_lines_of(&piece), 8);
    piece = (struct race_piece){.address = 0x7f1234567800, .size = RACE_CHUNK_BYTES};
    assert_int_equal(race_lines_of(&piece), RACE_ALL_LINES);
}

static bool mark(uint64_t address)
{
    const struct race_piece byte = {.address = address, .size = 1};
    return race_mark(race_world.engine, part, &byte);
}

static void what_is_marked_is_told_and_its_pages_counted(void **state)
{
    (void)state;
    const uint64_t page = 0x7f1234567000;
    part = race_part(race_world_plane(1));
    assert_false(race_is_marked(part, page + 256));
    assert_false(mark(page + 256));
    assert_true(mark(page + 511));
    assert_true(race_is_marked(part, page + 256));
    assert_false(race_is_marked(part, page + 512));
    assert_false(mark(page + RACE_PAGE - 1));
    assert_int_equal(part->pages, 1);
    assert_false(mark(page + RACE_PAGE));
    assert_int_equal(part->pages, 2);
    assert_int_equal(race_world.engine->pages, 2);
    race_touch_marked(race_world.engine, part);
    assert_true(race_is_touched(part, page + 256));
    assert_false(race_is_touched(part, page + 512));
    assert_int_equal(race_written_lines(part, race_chunk_index(part, page + RACE_PAGE)), RACE_ALL_LINES);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, race_world_setup, race_world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_was_touched_is_visited_until_it_does_not_stay),
        CASE(a_piece_lies_in_its_lines),
        CASE(what_is_marked_is_told_and_its_pages_counted),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_symbol_table.c: which symbol covers an address, against a walk over all of them. */
#include "report/symbol_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { SYMBOLS_MAX = 40, ADDRESSES = 64, ROUNDS = 2000 };

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % limit;
}

static bool is_better(const struct symbol *a, const struct symbol *b)
{
    if (a->begin != b->begin)
        return a->begin > b->begin;
    return a->rank != b->rank ? a->rank > b->rank : a->size < b->size;
}

/* The first of the best: what the header says, word by word. */
static const char *naive_find(const struct symbol *symbols, size_t count, uint64_t address)
{
    const struct symbol *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct symbol *symbol = &symbols[i];
        bool covers = address >= symbol->begin && address - symbol->begin < symbol->size;
        if (covers && (!best || is_better(symbol, best)))
            best = symbol;
    }
    return best ? best->name : NULL;
}

static void the_table_agrees_with_a_walk(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    char names[SYMBOLS_MAX];
    random_state = seed;
    for (int round = 0; round < ROUNDS; round++) {
        struct symbol_table table = {0};
        struct symbol symbols[SYMBOLS_MAX];
        size_t count = (size_t)random_below(SYMBOLS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            symbols[i] = (struct symbol){.begin = random_below(ADDRESSES),
                                         .size = 1 + random_below(random_below(8) ? 6 : ADDRESSES),
                                         .name = &names[i],
                                         .rank = (unsigned)random_below(3)};
            symbol_table_add(&table, symbols[i]);
        }
        symbol_table_sort(&table);
        for (uint64_t address = 0; address < 2 * ADDRESSES; address++) {
            const struct symbol *found = symbol_table_find(&table, address);
            const char *expected = naive_find(symbols, count, address);
            if ((found ? found->name : NULL) != expected) {
                fail_msg("seed %llu, round %d, address %llu", (unsigned long long)seed, round,
                         (unsigned long long)address);
            }
        }
        symbol_table_free(&table);
    }
}

static void a_symbol_may_reach_to_the_end_of_memory(void **state)
{
    (void)state;
    struct symbol_table table = {0};
    symbol_table_add(&table, (struct symbol){.begin = 8, .size = UINT64_MAX, .name = "all"});
    symbol_table_sort(&table);
    assert_string_equal(symbol_table_find(&table, UINT64_MAX - 1)->name, "all");
    assert_null(symbol_table_find(&table, 7));
    symbol_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_agrees_with_a_walk),
        cmocka_unit_test(a_symbol_may_reach_to_the_end_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

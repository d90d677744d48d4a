/* plain.h against libc, on random strings over a small alphabet. */
#include "preload/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, ROOM = 64, LONGEST = 20 };

static uint64_t seed = 0x5eed;

static unsigned random_below(unsigned limit)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % limit;
}

static void random_string(char string[ROOM])
{
    size_t length = random_below(LONGEST);
    memset(string, 'x', ROOM);
    for (size_t i = 0; i < length; i++)
        string[i] = (char)"ab\x80\xff"[random_below(4)];
    string[length] = '\0';
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void comparisons_and_searches_equal_those_of_libc(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char a[ROOM], b[ROOM];
        random_string(a);
        random_string(b);
        size_t size = random_below(LONGEST);
        int byte = "ab\x80\xff"[random_below(5) % 4];
        byte = random_below(5) == 0 ? 0 : byte;
        assert_int_equal(sign(plain_memcmp(a, b, size)), sign(memcmp(a, b, size)));
        assert_int_equal(plain_bcmp(a, b, size) == 0, memcmp(a, b, size) == 0);
        assert_int_equal(sign(plain_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(plain_strncmp(a, b, size)), sign(strncmp(a, b, size)));
        assert_ptr_equal(plain_memchr(a, byte, size), memchr(a, byte, size));
        assert_ptr_equal(plain_memrchr(a, byte, size), memrchr(a, byte, size));
        assert_ptr_equal(plain_strchr(a, byte), strchr(a, byte));
        assert_ptr_equal(plain_strchrnul(a, byte), strchrnul(a, byte));
        assert_ptr_equal(plain_strrchr(a, byte), strrchr(a, byte));
        b[random_below(3)] = '\0';
        assert_ptr_equal(plain_strstr(a, b), strstr(a, b));
        assert_int_equal(plain_strlen(a), strlen(a));
        assert_int_equal(plain_strnlen(a, size), strnlen(a, size));
    }
}

/* Both copies begin alike; `plain` and `libc` are the results. */
#define ASSERT_SAME(call_plain, call_libc)                                                                             \
    do {                                                                                                               \
        char ours[2 * ROOM], theirs[2 * ROOM];                                                                         \
        memcpy(ours, start, sizeof ours);                                                                              \
        memcpy(theirs, start, sizeof theirs);                                                                          \
        char *to = ours;                                                                                               \
        const char *plain = call_plain;                                                                                \
        to = theirs;                                                                                                   \
        const char *libc = call_libc;                                                                                  \
        assert_int_equal(plain - ours, libc - theirs);                                                                 \
        assert_memory_equal(ours, theirs, sizeof ours);                                                                \
    } while (0)

static void copies_equal_those_of_libc(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char start[2 * ROOM], from[ROOM];
        random_string(start);
        random_string(start + ROOM);
        random_string(from);
        size_t size = random_below(LONGEST), shift = random_below(LONGEST);
        ASSERT_SAME(plain_memcpy(to, from, size), memcpy(to, from, size));
        ASSERT_SAME(plain_mempcpy(to, from, size), mempcpy(to, from, size));
        ASSERT_SAME(plain_memmove(to + shift, to, size), memmove(to + shift, to, size));
        ASSERT_SAME(plain_memmove(to, to + shift, size), memmove(to, to + shift, size));
        ASSERT_SAME(plain_memset(to, 'q', size), memset(to, 'q', size));
        ASSERT_SAME(plain_strcpy(to, from), strcpy(to, from));
        ASSERT_SAME(plain_stpcpy(to, from), stpcpy(to, from));
        ASSERT_SAME(plain_strcat(to, from), strcat(to, from));
        ASSERT_SAME(plain_strncpy(to, from, size), strncpy(to, from, size));
        ASSERT_SAME(plain_stpncpy(to, from, size), stpncpy(to, from, size));
        ASSERT_SAME(plain_strncat(to, from, size), strncat(to, from, size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_and_searches_equal_those_of_libc),
        cmocka_unit_test(copies_equal_those_of_libc),
    };
    printf("seed %#llx\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* digits.h: decimal numbers as they stand in /proc, and bytes in hexadecimal, without stdio.  Context of all: signal, in-malloc, loader-lock, early. */
#ifndef LOCKHOUND_PRELOAD_DIGITS_H
#define LOCKHOUND_PRELOAD_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The most digits of a number, and the 0 behind them. */
enum { DIGITS_SIZE = 21 };

/* Returns: the number that `at` begins with, modulo 2^64; 0 when it begins with none. */
static inline uint64_t digits_read(const char *at)
{
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

/* Writes the number and a 0.  Returns: where the 0 stands, as stpcpy() does. */
static inline char *digits_write(char *to, uint64_t number)
{
    char digits[DIGITS_SIZE];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return stpcpy(to, first);
}

/* Writes two hexadecimal digits a byte, as of a build-id, and a 0.  Returns: where the 0 stands. */
static inline char *digits_write_bytes(char *to, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    *to = '\0';
    return to;
}

#endif

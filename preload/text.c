#include "preload/text.h"

#include <string.h>

#include "preload/arena.h"
#include "preload/digits.h"

static bool reserve(struct text *text, size_t more)
{
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = text->capacity == 0 ? 4096 : text->capacity * 2;
    while (capacity < wanted)
        capacity *= 2;
    char *larger = arena_alloc(capacity);
    if (larger == NULL) {
        text->failed = true;
        return false;
    }
    if (text->at != NULL) {
        memcpy(larger, text->at, text->length + 1);
        arena_free(text->at, text->capacity);
    }
    text->at = larger;
    text->capacity = capacity;
    return true;
}

void text_append(struct text *text, const char *bytes, size_t length)
{
    if (text->failed || !reserve(text, length))
        return;
    memcpy(text->at + text->length, bytes, length);
    text->length += length;
    text->at[text->length] = '\0';
}

void text_string(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number)
{
    char digits[DIGITS_SIZE];
    text_append(text, digits, (size_t)(digits_write(digits, number) - digits));
}

static const char hexadecimal_digits[] = "0123456789abcdef";

void text_hexadecimal(struct text *text, uint64_t number)
{
    char digits[18];
    size_t at = sizeof digits;
    do {
        digits[--at] = hexadecimal_digits[number & 15];
        number >>= 4;
    } while (number != 0);
    digits[--at] = 'x';
    digits[--at] = '0';
    text_append(text, digits + at, sizeof digits - at);
}

void text_json_bytes(struct text *text, const char *bytes, size_t length)
{
    text_append(text, "\"", 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            continue;
        char escape[6] = {'\\', 'u', '0', '0', hexadecimal_digits[c >> 4], hexadecimal_digits[c & 15]};
        text_append(text, bytes + plain, i - plain);
        text_append(text, escape, sizeof escape);
        plain = i + 1;
    }
    text_append(text, bytes + plain, length - plain);
    text_append(text, "\"", 1);
}

void text_json_string(struct text *text, const char *string)
{
    text_json_bytes(text, string, strlen(string));
}

void text_release(struct text *text)
{
    if (text->at != NULL)
        arena_free(text->at, text->capacity);
    *text = (struct text){0};
}

/* text.h: builds text in a buffer without libc's printf, malloc or locale; grows in the arena.
 *
 * Invariant: what does not fit for want of memory is dropped and `failed` set; the text stays terminated.
 */
#ifndef LOCKHOUND_PRELOAD_TEXT_H
#define LOCKHOUND_PRELOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *at;
    size_t length, capacity;
    bool failed;
};

/* Context of all: signal, in-malloc, loader-lock. */
void text_append(struct text *text, const char *bytes, size_t length);
void text_string(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);
/* "0x..." */
void text_hexadecimal(struct text *text, uint64_t number);
/* A JSON string with its quotes: control bytes and bytes >= 0x80 become \u00xx (see run_file.h). */
void text_json_bytes(struct text *text, const char *bytes, size_t length);
void text_json_string(struct text *text, const char *string);
void text_release(struct text *text);

#endif

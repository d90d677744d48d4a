/* json_values.h: the values that every JSON format of ours writes, made of a stranger's bytes and 64-bit numbers. */
#ifndef LOCKHOUND_REPORT_JSON_VALUES_H
#define LOCKHOUND_REPORT_JSON_VALUES_H

#include <stdint.h>

#include <jansson.h>

#include "report/memory.h"

/* Returns: a JSON string of arbitrary bytes; those that are not UTF-8 stand as \xNN. */
json_t *json_bytes(const char *bytes);
json_t *json_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns: a JSON integer; JSON ends at 2^63 - 1. */
json_t *json_unsigned(uint64_t value);
/* Returns: "0x7f00" as a JSON string. */
json_t *json_hexadecimal(uint64_t value);
/* Sets object[key] unless `bytes` is NULL or "". */
void json_set_bytes(json_t *object, const char *key, const char *bytes);
/* Adds the document to `out`, a line at its end, and releases it. */
void json_write(struct buffer *out, json_t *document);

#endif

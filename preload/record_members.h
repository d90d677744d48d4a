/* record_members.h: the small words of a record: {"r":"kind","pid":7, "name":value, ... }, each member with a comma
 * before it.
 */
#ifndef LOCKHOUND_PRELOAD_RECORD_MEMBERS_H
#define LOCKHOUND_PRELOAD_RECORD_MEMBERS_H

#include <sys/types.h>

#include "detector/finding.h"
#include "preload/digits.h"
#include "preload/text.h"

static inline void record_begin(struct text *text, const char *kind, pid_t pid)
{
    text_string(text, "{\"r\":\"");
    text_string(text, kind);
    text_string(text, "\",\"pid\":");
    text_number(text, (uint64_t)pid);
}

static inline void record_key(struct text *text, const char *name)
{
    text_string(text, ",\"");
    text_string(text, name);
    text_string(text, "\":");
}

static inline void record_number(struct text *text, const char *name, uint64_t number)
{
    record_key(text, name);
    text_number(text, number);
}

static inline void record_string(struct text *text, const char *name, const char *string)
{
    record_key(text, name);
    text_json_string(text, string);
}

/* A number too large for a reader of JSON: "0x..." as a string. */
static inline void record_quoted(struct text *text, uint64_t address)
{
    text_string(text, "\"");
    text_hexadecimal(text, address);
    text_string(text, "\"");
}

static inline void record_address(struct text *text, const char *name, uint64_t address)
{
    record_key(text, name);
    record_quoted(text, address);
}

static inline void record_severity(struct text *text, enum severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};
    record_string(text, "severity", names[severity]);
}

/* `build_id`: RECORD_BUILD_ID_SIZE bytes at most. */
enum { RECORD_BUILD_ID_SIZE = 32 };
static inline void record_build_id(struct text *text, const uint8_t *build_id, size_t size)
{
    char digits[2 * RECORD_BUILD_ID_SIZE + 1];
    digits_write_bytes(digits, build_id, size);
    record_string(text, "build_id", digits);
}

static inline void record_bool(struct text *text, const char *name, bool value)
{
    record_key(text, name);
    text_string(text, value ? "true" : "false");
}

static inline void record_end(struct text *text)
{
    text_string(text, "}\n");
}

#endif

#include "report/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define INVALID UINT32_MAX

/* Returns: the code point at `s` and its length, or INVALID and 1 (overlong, surrogate, truncated, out of range). */
static uint32_t decode_utf8(const unsigned char *s, size_t *length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    *length = 1;
    if (s[0] < 0x80)
        return s[0];
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;
    if (n == 0 || s[0] > 0xf4)
        return INVALID;
    uint32_t code = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return INVALID;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return INVALID;
    *length = n;
    return code;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

static void add_escaped_code(struct buffer *out, uint32_t code)
{
    if (code == '\n')
        buffer_string(out, "\\n");
    else if (code == '\t')
        buffer_string(out, "\\t");
    else if (code < 0x80)
        buffer_printf(out, "\\x%02x", code);
    else
        buffer_printf(out, "\\u{%x}", code);
}

void escape_text(struct buffer *out, const char *bytes)
{
    const unsigned char *s = (const unsigned char *)bytes;
    while (*s) {
        size_t length;
        uint32_t code = decode_utf8(s, &length);
        if (code == INVALID)
            buffer_printf(out, "\\x%02x", *s);
        else if (is_control(code))
            add_escaped_code(out, code);
        else
            buffer_add(out, (const char *)s, length);
        s += length;
    }
}

void escape_utf8(struct buffer *out, const char *bytes)
{
    const unsigned char *s = (const unsigned char *)bytes;
    buffer_add(out, "", 0);
    while (*s) {
        size_t length;
        uint32_t code = decode_utf8(s, &length);
        if (code == INVALID)
            buffer_printf(out, "\\x%02x", *s);
        else if (code >= 0x7f && is_control(code))
            add_escaped_code(out, code);
        else
            buffer_add(out, (const char *)s, length);
        s += length;
    }
}

static const char *xml_entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void escape_xml(struct buffer *out, const char *bytes)
{
    struct buffer clean = {0};
    escape_text(&clean, bytes);
    for (size_t i = 0; i < clean.length; i++) {
        const char *entity = xml_entity(clean.data[i]);
        if (entity)
            buffer_string(out, entity);
        else
            buffer_add(out, clean.data + i, 1);
    }
    buffer_free(&clean);
}

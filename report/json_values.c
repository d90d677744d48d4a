#include "report/json_values.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/escape.h"

json_t *json_bytes(const char *bytes)
{
    struct buffer clean = {0};
    escape_utf8(&clean, bytes ? bytes : "");
    json_t *value = json_stringn(clean.data, clean.length);
    buffer_free(&clean);
    return value;
}

json_t *json_printf(const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    json_t *value = json_bytes(text.data);
    buffer_free(&text);
    return value;
}

json_t *json_unsigned(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *json_hexadecimal(uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "0x%" PRIx64, value);
    return json_string(digits);
}

void json_set_bytes(json_t *object, const char *key, const char *bytes)
{
    if (bytes && *bytes)
        json_object_set_new(object, key, json_bytes(bytes));
}

static int append(const char *bytes, size_t length, void *out)
{
    buffer_add(out, bytes, length);
    return 0;
}

void json_write(struct buffer *out, json_t *document)
{
    json_dump_callback(document, append, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    buffer_string(out, "\n");
    json_decref(document);
}

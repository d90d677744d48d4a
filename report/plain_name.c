#include "report/plain_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static size_t version_at(const char *name)
{
    static const char *const versions[] = {"__cxx11::", "__1::", "__debug::", "_V2::"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (strncmp(name, versions[i], strlen(versions[i])) == 0) {
            return strlen(versions[i]);
        }
    }
    return 0;
}

static bool begins_word(const char *begin, const char *at)
{
    return at == begin || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
}

void plain_name_add(struct buffer *out, const char *name)
{
    static const char operator_word[] = "operator";
    size_t start = out->length, angles = 0, parentheses = 0;
    if (*name == '<') {
        buffer_string(out, name);
        return;
    }
    for (const char *at = name; *at; at++) {
        if (angles == 0 && begins_word(name, at)) {
            at += version_at(at);
            if (strncmp(at, operator_word, sizeof operator_word - 1) == 0) {
                const char *arguments = strstr(at, " <"); /* of `operator<` the angle is the name */
                buffer_add(out, at, arguments ? (size_t)(arguments - at) : strlen(at));
                return;
            }
            if (!*at) {
                return;
            }
        }
        angles += *at == '<';
        parentheses += *at == '(';
        if (angles == 0) {
            buffer_add(out, at, 1);
        }
        angles -= *at == '>' && angles > 0;
        parentheses -= *at == ')' && parentheses > 0;
        if (*at == ' ' && angles == 0 && parentheses == 0) {
            out->length = start; /* that was the type of what it returns */
        }
    }
}

#include "report/plain_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static size_t version_at(const char *name)
{
    static const char *const versions[] = {"__cxx11::", "__1::", "__debug::", "_V2::"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (strncmp(name, versions[i], strlen(versions[i])) == 0)
            return strlen(versions[i]);
    return 0;
}

static bool is_operator(const char *at)
{
    static const char word[] = "operator";
    char next = strncmp(at, word, sizeof word - 1) == 0 ? at[sizeof word - 1] : '_';
    return next != '_' && !isalnum((unsigned char)next);
}

/* Adds the operator's name that `at` begins with: of `operator=<int>` the angle is no part of it, of `operator< <int>` the first. */
static void add_operator(struct buffer *out, const char *at)
{
    static const char *const names[] = {
        "<=>", "<<=", ">>=", "->*", "()", "[]", "<<", ">>", "<=", ">=", "==", "!=", "&&",
        "||",  "++",  "--",  "+=",  "-=", "*=", "/=", "%=", "^=", "&=", "|=", "->"};
    static const char word[] = "operator";
    const char *name = at + sizeof word - 1;
    size_t length = isspace((unsigned char)*name) ? strcspn(name, "<") : *name != '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) {
            length = strlen(names[i]);
            break;
        }
    }
    buffer_add(out, at, sizeof word - 1 + length);
}

static bool begins_word(const char *begin, const char *at)
{
    return at == begin || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
}

void plain_name_add(struct buffer *out, const char *name)
{
    size_t start = out->length, angles = 0, parentheses = 0;
    if (*name == '<') {
        buffer_string(out, name);
        return;
    }
    for (const char *at = name; *at; at++) {
        if (angles == 0 && begins_word(name, at)) {
            at += version_at(at);
            if (is_operator(at)) {
                add_operator(out, at);
                return;
            }
            if (!*at)
                return;
        }
        angles += *at == '<';
        parentheses += *at == '(';
        if (angles == 0)
            buffer_add(out, at, 1);
        angles -= *at == '>' && angles > 0;
        parentheses -= *at == ')' && parentheses > 0;
        if (*at == ' ' && angles == 0 && parentheses == 0)
            out->length = start; /* that was the type of what it returns */
    }
}

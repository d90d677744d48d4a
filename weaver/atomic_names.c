#include "weaver/atomic_names.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { ASSEMBLY_MOST = 4096 }; /* of a statement's text */

bool name_contains(const char *name, size_t size, const char *part)
{
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= size; i++)
        if (strncasecmp(name + i, part, length) == 0)
            return true;
    return false;
}

bool name_ends_with(const char *name, size_t size, const char *part)
{
    size_t length = strlen(part);
    return size >= length && strncasecmp(name + size - length, part, length) == 0;
}

bool name_is(const char *name, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(name, word, size) == 0;
}

bool name_is_character(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

uint64_t name_hash(const char *name, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

const char *name_past_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Not in the midst of a word: pthread_once() is none of these. */
static bool has_word(const char *name, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if ((i == 0 || !isalnum((unsigned char)name[i - 1])) && strncasecmp(name + i, word, length) == 0)
            return true;
    return false;
}

bool atomic_name_is_call(const char *name, size_t size)
{
    static const char *const known[] = {"READ_ONCE",    "WRITE_ONCE",   "ACCESS_ONCE",  "LOAD_SHARED",
                                        "STORE_SHARED", "load_acquire", "store_release"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_word(name, size, known[i]))
            return true;
    return name_contains(name, size, "atomic");
}

bool atomic_name_is_fence(const char *name, size_t size)
{
    static const char *const barriers[] = {"mb", "rmb", "wmb", "_mb", "_rmb", "_wmb"}; /* wctomb() is none */
    bool is_barrier = name_contains(name, size, "fence") || name_ends_with(name, size, "barrier");
    for (size_t i = 0; i < sizeof barriers / sizeof *barriers; i++)
        is_barrier |=
            barriers[i][0] == '_' ? name_ends_with(name, size, barriers[i]) : name_is(name, size, barriers[i]);
    return is_barrier;
}

/* ---- assembly --------------------------------------------------------------------------------------------------- */

bool atomic_name_is_assembly(const char *name, size_t size)
{
    return name_is(name, size, "asm") || name_is(name, size, "__asm__") || name_is(name, size, "__asm");
}

/* "m", "=m", "+m", "+&m" */
static bool is_memory_operand(const char *string, size_t size)
{
    while (size > 0 && strchr("=+&", *string) != NULL) {
        string++;
        size--;
    }
    return size == 1 && *string == 'm';
}

bool atomic_assembly_at(const char *at, const char *end)
{
    bool has_operand = false, changes_memory = false, has_text = false;
    end = end - at > ASSEMBLY_MOST ? at + ASSEMBLY_MOST : end;
    for (unsigned depth = 0, colons = 0; at < end && !(*at == ')' && depth == 1); at++) {
        depth += *at == '(' ? 1 : 0;
        depth -= *at == ')' && depth > 0 ? 1 : 0;
        colons += *at == ':' && depth == 1 ? 1 : 0;
        has_text |= colons == 0 && depth == 1 && name_is_character(*at);
        if (*at == ';' && depth == 0)
            return false;
        if (*at != '"')
            continue;
        const char *string = ++at;
        while (at < end && *at != '"')
            at += *at == '\\' && end - at > 1 ? 2 : 1;
        size_t size = at < end ? (size_t)(at - string) : 0;
        has_text |= colons == 0 && size > 0;
        has_operand |= colons > 0 && is_memory_operand(string, size);
        changes_memory |= colons > 0 && name_is(string, size, "memory");
    }
    return has_text && has_operand && changes_memory;
}

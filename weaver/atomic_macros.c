#include "weaver/atomic_macros.h"

#include <stdlib.h>
#include <string.h>

#include "weaver/atomic_names.h"

enum { BUCKETS = 1 << 12, DEPTH_MOST = 12 };

/* ---- what a macro does ------------------------------------------------------------------------------------------ */

enum verdict { VERDICT_NONE, VERDICT_ATOMIC, VERDICT_CALLS };

static enum verdict judge_name(struct atomic_macros *macros, const char *name, size_t size, unsigned depth);

static bool is_language(const char *name, size_t size)
{
    static const char *const words[] = {
        "if",         "for",     "while",         "switch",        "return",   "sizeof",  "typeof",
        "__typeof__", "defined", "__attribute__", "__extension__", "offsetof", "__typeof"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (name_is(name, size, words[i]))
            return true;
    return size > 10 && memcmp(name, "__builtin_", 10) == 0;
}

static bool is_parameter(const struct atomic_macro *macro, const char *name, size_t size)
{
    for (const char *at = macro->parameters; at && *at;) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (length == size && memcmp(at, name, size) == 0)
            return true;
        at += length ? length : 1;
    }
    return false;
}

/* A name of which a part is pasted is one that the macro defines. */
static bool is_pasted(const struct atomic_macro *macro, const char *name)
{
    while (name > macro->body && name[-1] == ' ')
        name--;
    return name - macro->body >= 2 && name[-1] == '#' && name[-2] == '#';
}

static enum verdict judge_call(struct atomic_macros *macros, const struct atomic_macro *macro, const char *name,
                               size_t size, unsigned depth)
{
    if (atomic_name_is_assembly(name, size))
        return atomic_assembly_at(name + size, name + strlen(name)) ? VERDICT_ATOMIC : VERDICT_NONE;
    if (atomic_name_is_call(name, size))
        return VERDICT_ATOMIC;
    if (is_language(name, size) || atomic_name_is_fence(name, size) || is_parameter(macro, name, size) ||
        is_pasted(macro, name))
        return VERDICT_NONE;
    return judge_name(macros, name, size, depth + 1);
}

static const char *past_string(const char *at)
{
    char closing = *at++;
    while (*at && *at != closing)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

static enum verdict judge_body(struct atomic_macros *macros, const struct atomic_macro *macro, unsigned depth)
{
    enum verdict verdict = VERDICT_NONE;
    for (const char *at = macro->body; *at;) {
        if (*at == '"' || *at == '\'') {
            at = past_string(at);
            continue;
        }
        if (!name_is_character(*at)) {
            at++;
            continue;
        }
        const char *name = at;
        while (name_is_character(*at))
            at++;
        size_t size = (size_t)(at - name);
        const char *after = at + strspn(at, " \t");
        bool is_assembly = atomic_name_is_assembly(name, size); /* "volatile" may stand between */
        if (*after != '(' && !is_assembly)
            continue;
        enum verdict call = judge_call(macros, macro, name, size, depth);
        if (call == VERDICT_CALLS)
            return call;
        verdict = call == VERDICT_ATOMIC ? call : verdict;
        if (is_assembly)
            at = after + strcspn(after, "("); /* not a call of what stands before that */
    }
    return verdict;
}

static enum verdict judge(struct atomic_macros *macros, struct atomic_macro *macro, unsigned depth)
{
    if (macro->judged != macros->count + 1) {
        macro->judged = macros->count + 1; /* what leads back to itself calls nothing by that */
        macro->verdict = VERDICT_NONE;
        macro->verdict = (uint8_t)(macro->parameters ? judge_body(macros, macro, depth)
                                                     : judge_name(macros, macro->body, strlen(macro->body), depth + 1));
    }
    return (enum verdict)macro->verdict;
}

static enum verdict judge_name(struct atomic_macros *macros, const char *name, size_t size, unsigned depth)
{
    enum verdict verdict = VERDICT_CALLS; /* a function */
    struct atomic_macro *macro =
        macros->macros && depth <= DEPTH_MOST ? macros->macros[name_hash(name, size) % BUCKETS] : NULL;
    for (; macro; macro = macro->next) {
        if (!name_is(name, size, macro->name))
            continue;
        enum verdict one = judge(macros, macro, depth);
        if (one == VERDICT_ATOMIC)
            return one;
        verdict = one == VERDICT_NONE ? one : verdict;
    }
    return verdict;
}

bool atomic_macros_has(struct atomic_macros *macros, const char *name, size_t size)
{
    return judge_name(macros, name, size, 0) == VERDICT_ATOMIC;
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

/* Copies text, its comments and continued lines taken out. */
static char *copy(const char *from, const char *end)
{
    char *text = calloc((size_t)(end - from) + 1, 1), *to = text;
    while (text && from < end) {
        if (*from == '\\' && end - from > 1 && from[1] == '\n') {
            *to++ = ' ';
            from += 2;
        } else if (end - from > 1 && from[0] == '/' && from[1] == '*') {
            for (from += 2; end - from > 1 && !(from[0] == '*' && from[1] == '/'); from++)
                ;
            from = end - from > 1 ? from + 2 : end;
        } else if (end - from > 1 && from[0] == '/' && from[1] == '/') {
            from = end;
        } else {
            *to++ = *from++;
        }
    }
    while (text && to > text && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
        to--;
    if (text)
        *to = '\0';
    return text;
}

static void free_macro(struct atomic_macro *macro)
{
    if (macro) {
        free(macro->name);
        free(macro->parameters);
        free(macro->body);
    }
    free(macro);
}

static bool is_one_name(const char *text)
{
    while (name_is_character(*text))
        text++;
    return *text == '\0';
}

void atomic_macros_define(struct atomic_macros *macros, const char *at, const char *end)
{
    const char *name = at, *parameters = NULL, *body;
    while (at < end && name_is_character(*at))
        at++;
    size_t size = (size_t)(at - name);
    if (at < end && *at == '(') {
        parameters = at + 1;
        at = memchr(at, ')', (size_t)(end - at));
        if (!at)
            return;
    }
    body = name_past_blanks(parameters ? at + 1 : at, end);
    struct atomic_macro *macro = calloc(1, sizeof *macro);
    if (macro) {
        macro->name = strndup(name, size);
        macro->parameters = parameters ? strndup(parameters, (size_t)(at - parameters)) : NULL;
        macro->body = copy(body, end);
    }
    if (!macros->macros)
        macros->macros = calloc(BUCKETS, sizeof(struct atomic_macro *));
    bool is_whole =
        macros->macros && macro && macro->name && macro->body && size > 0 && (macro->parameters || !parameters);
    if (!is_whole || (!parameters && (*macro->body == '\0' || !is_one_name(macro->body)))) {
        free_macro(macro);
        return;
    }
    struct atomic_macro **bucket = &macros->macros[name_hash(name, size) % BUCKETS];
    macro->next = *bucket;
    *bucket = macro;
    macros->count++;
}

void atomic_macros_free(struct atomic_macros *macros)
{
    for (size_t i = 0; macros->macros && i < BUCKETS; i++) {
        while (macros->macros[i]) {
            struct atomic_macro *next = macros->macros[i]->next;
            free_macro(macros->macros[i]);
            macros->macros[i] = next;
        }
    }
    free(macros->macros);
    *macros = (struct atomic_macros){0};
}

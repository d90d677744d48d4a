#include "preload/options.h"

#include <string.h>

#include "preload/run_file.h"

struct word {
    const char *text;
    size_t length;
};

static bool word_is(struct word word, const char *literal)
{
    return strlen(literal) == word.length && memcmp(word.text, literal, word.length) == 0;
}

void options_default(struct options *options)
{
    memset(options, 0, sizeof *options);
    for (int kind = 0; kind < FINDING_COUNT; kind++)
        options->checks[kind] = finding_is_default((enum finding_kind)kind);
#define OPTION_CHECKS(field, key, value, values, help)
#define OPTION_PATH(field, key, value, values, help)
#define OPTION_CHOICE(field, key, value, values, help) options->field = value;
#define OPTION_INT(field, key, value, values, help)    options->field = value;
#define OPTION_BOOL(field, key, value, values, help)   options->field = value;
#include "preload/options.def"
#undef OPTION_CHECKS
#undef OPTION_PATH
#undef OPTION_CHOICE
#undef OPTION_INT
#undef OPTION_BOOL
}

static bool apply_group(bool *checks, struct word group, bool on)
{
    bool all = word_is(group, "all"), standard = word_is(group, "default"), none = word_is(group, "none");
    if (!on)
        return false; /* "-all" and its like say nothing that "none" does not say better */
    for (int kind = 0; kind < FINDING_COUNT; kind++)
        if (all || (standard && finding_is_default((enum finding_kind)kind)))
            checks[kind] = on;
        else if (none)
            checks[kind] = !on;
    return all || standard || none;
}

/* "default,-thread-leak,cond-signal-unlocked": groups and slugs from left to right. */
static bool parse_checks(bool *checks, struct word value)
{
    const char *end = value.text + value.length;
    if (value.length > 0 && value.text[0] != '-')
        for (int kind = 0; kind < FINDING_COUNT; kind++)
            checks[kind] = false;
    for (const char *at = value.text; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct word item = {at, (size_t)((comma == NULL ? end : comma) - at)};
        at = comma == NULL ? end : comma + 1;
        bool on = item.length == 0 || item.text[0] != '-';
        if (!on) {
            item.text++;
            item.length--;
        }
        enum finding_kind one;
        if (finding_from_slug(item.text, item.length, &one))
            checks[one] = on;
        else if (item.length > 0 && !apply_group(checks, item, on))
            return false;
    }
    return true;
}

static bool parse_path(char *path, struct word value)
{
    if (value.length >= OPTION_PATH_SIZE)
        return false;
    memcpy(path, value.text, value.length);
    path[value.length] = '\0';
    return true;
}

/* `values` is "a|b|c"; the enumerators follow that order. */
static bool parse_choice(unsigned *choice, const char *values, struct word value)
{
    unsigned index = 0;
    for (const char *at = values; at != NULL; index++) {
        const char *bar = strchr(at, '|');
        struct word name = {at, bar == NULL ? strlen(at) : (size_t)(bar - at)};
        if (name.length == value.length && memcmp(name.text, value.text, value.length) == 0) {
            *choice = index;
            return true;
        }
        at = bar == NULL ? NULL : bar + 1;
    }
    return false;
}

static bool parse_int(uint32_t *number, struct word value)
{
    uint64_t n = 0;
    if (value.length == 0 || value.length > 9)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(value.text[i] - '0');
    }
    *number = (uint32_t)n;
    return true;
}

static bool parse_bool(bool *flag, struct word value)
{
    *flag = word_is(value, "yes") || word_is(value, "1") || word_is(value, "true") || word_is(value, "on");
    return *flag || word_is(value, "no") || word_is(value, "0") || word_is(value, "false") || word_is(value, "off");
}

static const char *parse_one(struct options *options, struct word key, struct word value)
{
    bool good = false;
#define OPTION_CHECKS(field, key_text, standard, values, help)                                                         \
    if (word_is(key, key_text)) {                                                                                      \
        bool before[FINDING_COUNT];                                                                                    \
        memcpy(before, options->field, sizeof before);                                                                 \
        if (parse_checks(options->field, value))                                                                       \
            return NULL;                                                                                               \
        memcpy(options->field, before, sizeof before);                                                                 \
        return "takes default, all, none or names of findings, with - to remove; ignored";                             \
    }
#define OPTION_PATH(field, key_text, standard, values, help)                                                           \
    if (word_is(key, key_text))                                                                                        \
        return parse_path(options->field, value) ? NULL : "has a path that is too long; ignored";
#define OPTION_CHOICE(field, key_text, standard, values, help)                                                         \
    if (word_is(key, key_text)) {                                                                                      \
        unsigned choice = 0;                                                                                           \
        good = parse_choice(&choice, values, value);                                                                   \
        if (good)                                                                                                      \
            options->field = (enum field)choice;                                                                       \
        return good ? NULL : "takes one of " values "; ignored";                                                       \
    }
#define OPTION_INT(field, key_text, standard, values, help)                                                            \
    if (word_is(key, key_text))                                                                                        \
        return parse_int(&options->field, value) ? NULL : "takes a whole number; ignored";
#define OPTION_BOOL(field, key_text, standard, values, help)                                                           \
    if (word_is(key, key_text)) {                                                                                      \
        bool flag;                                                                                                     \
        good = parse_bool(&flag, value);                                                                               \
        if (good)                                                                                                      \
            options->field = flag;                                                                                     \
        return good ? NULL : "takes yes or no; ignored";                                                               \
    }
#include "preload/options.def"
#undef OPTION_CHECKS
#undef OPTION_PATH
#undef OPTION_CHOICE
#undef OPTION_INT
#undef OPTION_BOOL
    return "is no option of lockhound; ignored";
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Takes "key=value" off the front of *text; a value may stand in single or double quotes. */
static bool take_pair(const char **text, struct word *key, struct word *value)
{
    const char *at = *text;
    while (is_blank(*at))
        at++;
    if (*at == '\0')
        return false;
    key->text = at;
    while (*at != '\0' && *at != '=' && !is_blank(*at))
        at++;
    key->length = (size_t)(at - key->text);
    *value = (struct word){"", 0};
    if (*at == '=') {
        at++;
        char quote = *at == '\'' || *at == '"' ? *at++ : '\0';
        value->text = at;
        while (*at != '\0' && (quote != '\0' ? *at != quote : !is_blank(*at)))
            at++;
        value->length = (size_t)(at - value->text);
        if (quote != '\0' && *at == quote)
            at++;
    }
    *text = at;
    return true;
}

static void bound(struct options *options, options_complain *complain)
{
    if (options->stack_depth < 1)
        options->stack_depth = 1;
    if (options->stack_depth > 64)
        options->stack_depth = 64;
    if (options->error_exitcode > 255) {
        complain("is no exit status, at most 255; 66 is used", "error-exitcode", strlen("error-exitcode"));
        options->error_exitcode = LOCKHOUND_EXIT_FINDINGS;
    }
}

void options_parse(struct options *options, const char *text, options_complain *complain)
{
    struct word key, value;
    while (take_pair(&text, &key, &value)) {
        const char *wrong = parse_one(options, key, value);
        if (wrong != NULL)
            complain(wrong, key.text, key.length);
    }
    bound(options, complain);
}

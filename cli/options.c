#include "cli/options.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/run_file.h"
#include "report/catalogue.h"
#include "report/format_text.h"

/* Units: characters. */
enum { HELP_COLUMN = 26, HELP_WIDTH = 96 };

#define LIBRARY_SPEC(key, type, values, help)                                                                          \
    {                                                                                                                  \
        key, type, values, help, FOR_RUN, true                                                                         \
    }

const struct option_spec option_table[OPTION_ID_COUNT] = {
#define OPTION_CHECKS(field, key, value, values, help)                                                                 \
    [OPTION_ID_##field] = LIBRARY_SPEC(key, TYPE_CHECKS, values, help),
#define OPTION_PATH(field, key, value, values, help) [OPTION_ID_##field] = LIBRARY_SPEC(key, TYPE_PATH, values, help),
#define OPTION_CHOICE(field, key, value, values, help)                                                                 \
    [OPTION_ID_##field] = LIBRARY_SPEC(key, TYPE_CHOICE, values, help),
#define OPTION_INT(field, key, value, values, help)  [OPTION_ID_##field] = LIBRARY_SPEC(key, TYPE_INT, values, help),
#define OPTION_BOOL(field, key, value, values, help) [OPTION_ID_##field] = LIBRARY_SPEC(key, TYPE_BOOL, values, help),
#define COMMAND_OPTION_PATH(field, key, values, scope, help)                                                           \
    [OPTION_ID_##field] = {key, TYPE_PATH, values, help, scope, false},
#define COMMAND_OPTION_CHOICE(field, key, values, scope, help)                                                         \
    [OPTION_ID_##field] = {key, TYPE_CHOICE, values, help, scope, false},
#define COMMAND_OPTION_INT(field, key, values, scope, help)                                                            \
    [OPTION_ID_##field] = {key, TYPE_INT, values, help, scope, false},
#define COMMAND_OPTION_BOOL(field, key, values, scope, help)                                                           \
    [OPTION_ID_##field] = {key, TYPE_BOOL, values, help, scope, false},
#include "cli/command_options.def"
#include "preload/options.def"
};

/* Options of the library that mean something without it as well. */
static unsigned scope_of(size_t id)
{
    switch (id) {
    case OPTION_ID_suppressions:
        return FOR_RUN | FOR_REPORT | FOR_PRINT | FOR_CHECK | FOR_SUPPRESS;
    case OPTION_ID_quiet:
        return FOR_RUN | FOR_REPORT | FOR_PRINT | FOR_CHECK;
    case OPTION_ID_output:
        return FOR_RUN | FOR_WEAVE;
    case OPTION_ID_contention:
        return FOR_RUN | FOR_REPORT;
    case OPTION_ID_checks:
    case OPTION_ID_lock_held_ms:
        return FOR_RUN | FOR_ANALYZE;
    default:
        return option_table[id].scope;
    }
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool is_word_of(const char *list, char separator, const char *word, size_t length)
{
    while (*list) {
        const char *end = strchr(list, separator);
        size_t n = end ? (size_t)(end - list) : strlen(list);
        if (n == length && memcmp(list, word, n) == 0)
            return true;
        list += n + (end != NULL);
    }
    return false;
}

static bool is_checks_word(const char *word, size_t length)
{
    if (is_word_of("default,all,none", ',', word, length))
        return true;
    if (length && *word == '-') {
        word++;
        length--;
    }
    for (size_t i = 0; i < catalogue_count; i++)
        if (strlen(catalogue[i].slug) == length && memcmp(catalogue[i].slug, word, length) == 0)
            return true;
    return false;
}

static bool is_checks(const char *list)
{
    for (;;) {
        size_t length = strcspn(list, ",");
        if (!is_checks_word(list, length))
            return false;
        if (!list[length])
            return true;
        list += length + 1;
    }
}

static bool is_number(const char *value)
{
    return *value && strspn(value, "0123456789") == strlen(value) && strlen(value) <= 9;
}

static bool fits_type(const struct option_spec *spec, const char *value)
{
    switch (spec->type) {
    case TYPE_CHECKS:
        return is_checks(value);
    case TYPE_INT:
        return is_number(value);
    case TYPE_CHOICE:
    case TYPE_BOOL:
        return is_word_of(spec->values, '|', value, strlen(value));
    case TYPE_PATH:
        break;
    }
    return *value != '\0';
}

int settings_signal(const char *name)
{
    if (is_number(name)) {
        unsigned long number = strtoul(name, NULL, 10);
        return number < NSIG ? (int)number : 0;
    }
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known && strcmp(known, strncmp(name, "SIG", 3) == 0 ? name + 3 : name) == 0)
            return number;
    }
    return 0;
}

/* Returns: why the option cannot have this value, which is one of its type; or NULL. */
static const char *why_not(size_t id, const char *value)
{
    unsigned long number = strtoul(value, NULL, 10);
    int signal_number = id == OPTION_ID_dump_signal ? settings_signal(value) : 0;
    switch (id) {
    case OPTION_ID_error_exitcode:
        return number > 255 ? "an exit status is at most 255" : NULL;
    case OPTION_ID_stack_depth:
        return number < 1 || number > 64 ? "a stack has 1 to 64 frames" : NULL;
    case OPTION_ID_dump_signal:
        return signal_number == 0                                     ? "there is no such signal"
               : signal_number == SIGKILL || signal_number == SIGSTOP ? "no program can catch that signal"
                                                                      : NULL;
    default:
        return NULL;
    }
}

static void complain_of_type(const struct option_spec *spec, const char *value)
{
    if (spec->type == TYPE_CHECKS) {
        fprintf(stderr, "lockhound: --%s: '%s' is not a list of kinds (lockhound help kinds lists them)\n", spec->key,
                value);
    } else if (!*value) {
        fprintf(stderr, "lockhound: --%s needs a value: %s\n", spec->key, spec->values);
    } else if (spec->type == TYPE_INT) {
        fprintf(stderr, "lockhound: --%s: '%s' is not a number from 0 to 999999999\n", spec->key, value);
    } else {
        fprintf(stderr, "lockhound: --%s: '%s' is not one of %s\n", spec->key, value, spec->values);
    }
}

static bool set_value(struct settings *s, size_t id, const char *value)
{
    if (!fits_type(&option_table[id], value)) {
        complain_of_type(&option_table[id], value);
        return false;
    }
    const char *why = why_not(id, value);
    if (why) {
        fprintf(stderr, "lockhound: --%s: %s, not %s\n", option_table[id].key, why, value);
        return false;
    }
    if (id == OPTION_ID_suppressions) {
        if (s->suppression_file_count == SUPPRESSION_FILES_MAX) {
            fprintf(stderr, "lockhound: --suppressions: at most %d files\n", SUPPRESSION_FILES_MAX);
            return false;
        }
        s->suppression_files[s->suppression_file_count++] = value;
    }
    s->values[id] = value;
    return true;
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static size_t find_option(const char *name, size_t length, unsigned scope)
{
    size_t id = 0;
    while (id < OPTION_ID_COUNT && !((scope_of(id) & scope) && strlen(option_table[id].key) == length &&
                                     memcmp(option_table[id].key, name, length) == 0))
        id++;
    return id;
}

/* Returns: words used (1 or 2), or 0 after a complaint. */
static int take_option(struct settings *s, char **argv, unsigned scope)
{
    const char *name = argv[0] + 2;
    size_t length = strcspn(name, "=");
    size_t id = find_option(name, length, scope);
    if (id == OPTION_ID_COUNT) {
        fprintf(stderr, "lockhound: unknown option '%.*s' (lockhound --help lists them)\n", (int)(length + 2), argv[0]);
        return 0;
    }
    if (name[length] == '=')
        return set_value(s, id, name + length + 1);
    if (option_table[id].type == TYPE_BOOL)
        return set_value(s, id, "yes");
    if (!argv[1]) {
        fprintf(stderr, "lockhound: --%s needs a value: %s\n", option_table[id].key, option_table[id].values);
        return 0;
    }
    return set_value(s, id, argv[1]) ? 2 : 0;
}

int settings_parse(struct settings *settings, int argc, char **argv, unsigned scope, bool anywhere)
{
    int at = 1, words = 0;
    while (at < argc) {
        char *word = argv[at];
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
            settings->wants_help = true;
            at++;
        } else if (strncmp(word, "--", 2) == 0) {
            int used = take_option(settings, argv + at, scope);
            if (!used)
                return -1;
            at += used;
        } else if (word[0] == '-' && word[1]) {
            fprintf(stderr, "lockhound: unknown option '%s' (lockhound --help lists them)\n", word);
            return -1;
        } else if (anywhere) {
            argv[1 + words++] = word;
            at++;
        } else {
            break;
        }
    }
    if (!anywhere)
        return at;
    while (at < argc)
        argv[1 + words++] = argv[at++];
    argv[1 + words] = NULL;
    return 1;
}

/* ---- LOCKHOUND_OPTIONS ------------------------------------------------------------------------------------------ */

/* Takes the next key=value or key='a b' off *text.  Returns: false at the end. */
static bool next_setting(struct pool *pool, const char **text, const char **key, const char **value)
{
    const char *at = *text + strspn(*text, " \t\n");
    size_t length = strcspn(at, "= \t\n");
    if (!*at)
        return false;
    *key = pool_copy(pool, at, length);
    at += length;
    *value = "";
    if (*at == '=') {
        at++;
        char quote = *at == '\'' || *at == '"' ? *at++ : '\0';
        const char end[] = {quote, '\0'};
        length = strcspn(at, quote ? end : " \t\n");
        *value = pool_copy(pool, at, length);
        at += length;
        at += quote && *at == quote;
    }
    *text = at;
    return true;
}

void settings_from_text(struct settings *settings, const char *text)
{
    static const enum option_id own[] = {OPTION_ID_output, OPTION_ID_error_exitcode, OPTION_ID_suppressions,
                                         OPTION_ID_quiet};
    const char *key, *value;
    while (next_setting(&settings->pool, &text, &key, &value)) {
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
            /* A wrong value is the library's to complain of, as without the command. */
            if (strcmp(key, option_table[own[i]].key) == 0 && !settings->values[own[i]] && *value &&
                fits_type(&option_table[own[i]], value))
                set_value(settings, own[i], value);
        }
    }
}

const char *settings_find(struct pool *pool, const char *text, const char *key)
{
    const char *name, *value, *found = NULL;
    while (next_setting(pool, &text, &name, &value))
        found = strcmp(name, key) == 0 ? value : found;
    return found;
}

/* Adds what the environment says; a quote that is still open at its end would swallow what follows. */
static void add_users(struct buffer *out, const char *text)
{
    buffer_string(out, text);
    for (const char *at = text; *at;) {
        at += strspn(at, " \t\n");
        at += strcspn(at, "= \t\n");
        at += *at == '=';
        if (*at == '\'' || *at == '"') {
            const char *end = strchr(at + 1, *at);
            if (!end) {
                buffer_add(out, at, 1);
                return;
            }
            at = end + 1;
        } else {
            at += strcspn(at, " \t\n");
        }
    }
}

static void add_setting(struct buffer *out, const char *key, const char *value)
{
    char quote = strchr(value, '\'') ? '"' : '\'';
    if (value[strcspn(value, " \t\n'\"")])
        buffer_printf(out, " %s=%c%s%c", key, quote, value, quote);
    else
        buffer_printf(out, " %s=%s", key, value);
}

const char *settings_for_library(struct settings *settings, const char *run_file)
{
    struct buffer text = {0};
    const char *users = getenv(RUN_ENVIRONMENT_OPTIONS);
    add_users(&text, users ? users : "");
    for (size_t id = 0; id < OPTION_ID_COUNT; id++) {
        bool is_ours = id == OPTION_ID_output || id == OPTION_ID_error_exitcode || id == OPTION_ID_suppressions;
        if (option_table[id].is_for_library && settings->values[id] && !is_ours)
            add_setting(&text, option_table[id].key, settings->values[id]);
    }
    add_setting(&text, "output", run_file);
    /* The exit status is the command's to decide: programs that the program starts keep theirs. */
    add_setting(&text, "error-exitcode", "0");
    const char *copy = pool_string(&settings->pool, text.data + strspn(text.data, " "));
    buffer_free(&text);
    return copy;
}

/* ---- use -------------------------------------------------------------------------------------------------------- */

uint64_t settings_number(const struct settings *settings, enum option_id id, uint64_t otherwise)
{
    return settings->values[id] ? strtoull(settings->values[id], NULL, 10) : otherwise;
}

bool settings_flag(const struct settings *settings, enum option_id id)
{
    return settings->values[id] && strcmp(settings->values[id], "yes") == 0;
}

bool settings_colour(const struct settings *settings, int fd)
{
    const char *choice = settings->values[OPTION_ID_color];
    if (settings_flag(settings, OPTION_ID_no_color) || (choice && strcmp(choice, "never") == 0))
        return false;
    return (choice && strcmp(choice, "always") == 0) || text_wants_colour(fd);
}

/* Writes the text from the present column on, in lines that begin at HELP_COLUMN. */
static void add_help(struct buffer *out, size_t column, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
            buffer_string(out, "\n");
            column = 0;
        }
        int gap = column < HELP_COLUMN ? (int)(HELP_COLUMN - column) : column > HELP_COLUMN;
        buffer_printf(out, "%*s%.*s", gap, "", (int)length, text);
        column += (size_t)gap + length;
        text += length + (text[length] == ' ');
    }
    buffer_string(out, "\n");
}

void options_help(struct buffer *out, unsigned scope)
{
    for (size_t id = 0; id < OPTION_ID_COUNT; id++) {
        const struct option_spec *spec = &option_table[id];
        if (!(scope_of(id) & scope))
            continue;
        size_t begin = out->length;
        buffer_printf(out, "  --%s", spec->key);
        if (spec->type != TYPE_BOOL)
            buffer_printf(out, "=%s", spec->values);
        size_t width = out->length - begin;
        if (width + 2 > HELP_COLUMN) {
            buffer_string(out, "\n");
            width = 0;
        }
        add_help(out, width, spec->help);
    }
}

/* options.h: the command's options, from the same table as the library's.
 *
 *   preload/options.def ------+--> option_table --> settings_parse(argv) --> struct settings
 *   cli/command_options.def --+                      settings_from_text(LOCKHOUND_OPTIONS)
 *                                                                  |
 *                                  settings_for_library() <--------+   the LOCKHOUND_OPTIONS of the program
 *
 * Model:     a value is text until it is used; it is checked against its type when it is set, so that a mistake is a
 *            usage error before anything starts.  The command line wins over the environment.
 */
#ifndef LOCKHOUND_CLI_OPTIONS_H
#define LOCKHOUND_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "report/memory.h"

enum option_id {
#define OPTION_CHECKS(field, key, value, values, help)         OPTION_ID_##field,
#define OPTION_PATH(field, key, value, values, help)           OPTION_ID_##field,
#define OPTION_CHOICE(field, key, value, values, help)         OPTION_ID_##field,
#define OPTION_INT(field, key, value, values, help)            OPTION_ID_##field,
#define OPTION_BOOL(field, key, value, values, help)           OPTION_ID_##field,
#define COMMAND_OPTION_PATH(field, key, values, scope, help)   OPTION_ID_##field,
#define COMMAND_OPTION_CHOICE(field, key, values, scope, help) OPTION_ID_##field,
#define COMMAND_OPTION_INT(field, key, values, scope, help)    OPTION_ID_##field,
#define COMMAND_OPTION_BOOL(field, key, values, scope, help)   OPTION_ID_##field,
#include "cli/command_options.def"
#include "preload/options.def"
#undef OPTION_CHECKS
#undef OPTION_PATH
#undef OPTION_CHOICE
#undef OPTION_INT
#undef OPTION_BOOL
#undef COMMAND_OPTION_PATH
#undef COMMAND_OPTION_CHOICE
#undef COMMAND_OPTION_INT
#undef COMMAND_OPTION_BOOL
    OPTION_ID_COUNT
};

enum option_scope {
    FOR_RUN = 1,
    FOR_REPORT = 2,
    FOR_PRINT = 4,
    FOR_ANALYZE = 8,
    FOR_CHECK = 16,
    FOR_SUPPRESS = 32,
    FOR_PS = 64,
    FOR_WEAVE = 128
};
enum option_type { TYPE_CHECKS, TYPE_PATH, TYPE_CHOICE, TYPE_INT, TYPE_BOOL };

struct option_spec {
    const char *key;
    enum option_type type;
    const char *values;
    const char *help;
    unsigned scope;      /* bits of enum option_scope */
    bool is_for_library; /* of preload/options.def */
};

extern const struct option_spec option_table[OPTION_ID_COUNT];

#define SUPPRESSION_FILES_MAX 64

struct settings {
    struct pool pool;
    const char *values[OPTION_ID_COUNT]; /* NULL: not given */
    const char *suppression_files[SUPPRESSION_FILES_MAX];
    size_t suppression_file_count;
    bool wants_help;
};

/* Returns: the number of the signal that an option names: "QUIT", "SIGQUIT", "3"; 0 for anything else. */
int settings_signal(const char *name);

/* Reads options of `scope` from argv[1] on, up to the first other word or past "--"; with `anywhere`, options may also
 * follow other words, which are moved to the front.
 * Returns: the index of the first other word, or -1 after a complaint on stderr. */
int settings_parse(struct settings *settings, int argc, char **argv, unsigned scope, bool anywhere);
/* Returns: the value of `key` in `text`, options as LOCKHOUND_OPTIONS has them, the last one; or NULL.  Owns: `pool`. */
const char *settings_find(struct pool *pool, const char *text, const char *key);
/* Takes from `text`, options as LOCKHOUND_OPTIONS has them, what the command itself needs, unless it is already given. */
void settings_from_text(struct settings *settings, const char *text);
/* Returns: the LOCKHOUND_OPTIONS for the program: the user's, then the command's, with `run_file` as output. */
const char *settings_for_library(struct settings *settings, const char *run_file);

/* Returns: the number given, or `otherwise`. */
uint64_t settings_number(const struct settings *settings, enum option_id id, uint64_t otherwise);
bool settings_flag(const struct settings *settings, enum option_id id);
/* Returns: true when text for `fd` is to have colour. */
bool settings_colour(const struct settings *settings, int fd);

/* Adds the help lines of all options of `scope`. */
void options_help(struct buffer *out, unsigned scope);

#endif

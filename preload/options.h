/* options.h: the library's options, read once from LOCKHOUND_OPTIONS.
 *
 *   options.def --> struct options, defaults, parser
 *
 * An error is one line on stderr and the option keeps its default: the program still runs.
 */
#ifndef LOCKHOUND_PRELOAD_OPTIONS_H
#define LOCKHOUND_PRELOAD_OPTIONS_H

#include "detector/finding.h"

enum on_deadlock { ON_DEADLOCK_AUTO, ON_DEADLOCK_CONTINUE, ON_DEADLOCK_EXIT, ON_DEADLOCK_ABORT };

enum memory { MEMORY_WEAVE, MEMORY_NONE };

enum races { RACES_HB, RACES_HYBRID };

enum { OPTION_PATH_SIZE = 1024 };

struct options {
#define OPTION_CHECKS(field, key, value, values, help) bool field[FINDING_COUNT];
#define OPTION_PATH(field, key, value, values, help)   char field[OPTION_PATH_SIZE];
#define OPTION_CHOICE(field, key, value, values, help) enum field field;
#define OPTION_INT(field, key, value, values, help)    uint32_t field;
#define OPTION_BOOL(field, key, value, values, help)   bool field;
#include "preload/options.def"
#undef OPTION_CHECKS
#undef OPTION_PATH
#undef OPTION_CHOICE
#undef OPTION_INT
#undef OPTION_BOOL
};

/* Context: early. */
void options_default(struct options *options);

typedef void options_complain(const char *what, const char *word, size_t word_length);

/* Reads "key=value key='a b'"; `complain` is called once for each mistake, with its text and the place.
 * Allocates nothing.  Context: early. */
void options_parse(struct options *options, const char *text, options_complain *complain);

#endif

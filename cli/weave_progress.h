/* weave_progress.h: a line on the terminal that says how far weaving is, while it takes long.
 *
 *   functions done --a second after the start, then ten times a second--> one line on stderr --end of a file--> erased
 *
 * Model:   shown only where stderr is a terminal that shows lines, and is this process group's: a program that draws on
 *          its whole screen, or runs in the background, is not disturbed.
 */
#ifndef LOCKHOUND_CLI_WEAVE_PROGRESS_H
#define LOCKHOUND_CLI_WEAVE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weave_progress {
    const char *name; /* of the present file */
    size_t file, files;
    uint64_t start_ns, told_ns;
    bool is_wanted, is_shown;
};

void weave_progress_begin(struct weave_progress *progress, size_t files);
/* The next file begins.  `path` is kept until the next one. */
void weave_progress_file(struct weave_progress *progress, const char *path);
/* Is weave_options.progress: `progress` is a struct weave_progress. */
void weave_progress_step(void *progress, size_t done, size_t total);
/* Before anything else is printed. */
void weave_progress_erase(struct weave_progress *progress);

#endif

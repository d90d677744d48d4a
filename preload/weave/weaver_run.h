/* weaver_run.h: has images made that the cache lacks, by one run of the command outside this process.
 *
 *   modules without an image --> `lockhound weave FILE...` --> CACHE/woven-1/NAME.woven
 *
 * The program's descriptors, signals and children are not touched (see helper_command.h); the run takes its time once for
 * each version of a file.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_WEAVER_RUN_H
#define LOCKHOUND_PRELOAD_WEAVE_WEAVER_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum { WEAVER_FILES_MAX = 1000 };

/* Weaves `count` files, WEAVER_FILES_MAX at most; into `narrow` images or the usual ones.
 * Returns: false when the command could not run, or not to its end; images may be there all the same.
 * Context: signal, in-malloc, may-block. */
bool weaver_run(const char *const files[], size_t count, bool narrow);

#endif

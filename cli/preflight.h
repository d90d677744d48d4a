/* preflight.h: finds the program and says beforehand when a preloaded library cannot work in it.
 *
 *   name --PATH--> file --#!--> interpreter --ELF header--> dynamic, 64 bit, x86-64, no privileges gained
 *
 * Why: the dynamic loader ignores LD_PRELOAD without a word in a program that gains privileges, there is none in a static
 * program, and one of another machine refuses our library.  A run that silently checks nothing is worse than none.
 */
#ifndef LOCKHOUND_CLI_PREFLIGHT_H
#define LOCKHOUND_CLI_PREFLIGHT_H

#include <stdbool.h>

#include "report/memory.h"

/* Finds `name` as a shell does.  Returns: its path in `pool`, or NULL with *status 126 or 127. */
const char *preflight_find(struct pool *pool, const char *name, int *status);
/* Returns: NULL when `path` can be checked, else why not and what to do, in `pool`. */
const char *preflight_check(struct pool *pool, const char *path);

#endif

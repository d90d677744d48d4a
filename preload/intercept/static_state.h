/* static_state.h: functions of libc that keep something in one place for all threads, and a name for that in reports.
 *
 *   HOOK_STATE of hooks_libc.def --> write (or read) of the place that stands for the state --> race engine
 *   report of a race there       --> static_state_describe() --> "static state of strtok()"
 *
 * Model:     each state has a place in memory of our own; a call that changes it, or gives out what the next call overwrites, is a
 *            write.  What localtime() and its like give out is the program's memory besides: reading it races as well.
 * Source:    POSIX.1-2017 2.9.1, functions that need not be thread-safe; of those the ones that glibc's manual marks
 *            MT-Unsafe with a "race:" of their own.  What glibc protects with a lock, or keeps for each thread by itself (rand,
 *            strerror, strsignal, inet_ntoa, catgets, dlerror), is left out; so are readdir() and the signgam of lgamma(),
 *            and crypt(), which is another library's.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_STATIC_STATE_H
#define LOCKHOUND_PRELOAD_INTERCEPT_STATIC_STATE_H

#include <stdbool.h>

#include "preload/text.h"

/* Returns: true when the address is the place of a state, or in what a function has given out. */
bool static_state_is_place(uint64_t address);
/* For a finding: the WHERE of run_file.h. */
void static_state_describe(struct text *text, uint64_t address);

#endif

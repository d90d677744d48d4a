/* launch.h: starts the program with the library preloaded, otherwise as if the shell had started it.
 *
 *   descriptors, signal dispositions and mask, process group, terminal: as the command found them
 *   environment: LD_PRELOAD (ours, then what was there), LOCKHOUND_OPTIONS
 *
 * Context:   process_state_save() is the first call of main(): later, a file of ours may have taken the number of a
 *            descriptor that the user had closed.
 */
#ifndef LOCKHOUND_CLI_LAUNCH_H
#define LOCKHOUND_CLI_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "report/memory.h"

/* Notes how the command was started and makes it robust: closed standard descriptors get a place holder that can be
 * neither read nor written, and SIGPIPE is ignored, so that a closed pipe is an error like others. */
void process_state_save(void);
/* While the program has the terminal, ^C and ^\ are meant for it: the command waits for what the program makes of them. */
void process_state_ignore_keys(void);

struct launch {
    const char *path; /* of the program */
    char **argv;
    const char *library; /* liblockhound.so */
    const char *options; /* LOCKHOUND_OPTIONS */
};

/* Returns: the process, or -errno when it could not be made or the program could not be executed. */
pid_t launch_start(const struct launch *launch);
/* Ends this process by `signal_number` as the program ended, without a second core file. */
void launch_die_by(int signal_number);

/* locate.c: liblockhound.so beside the command (build tree, installed tree), else where it was to be installed.
 * Returns: its path in `pool`, or NULL. */
const char *locate_library(struct pool *pool);

#endif

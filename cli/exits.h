/* exits.h: what the command's exit status means.  docs/man/lockhound.1 says the same. */
#ifndef LOCKHOUND_CLI_EXITS_H
#define LOCKHOUND_CLI_EXITS_H

#include "preload/run_file.h"

enum exit_status {
    EXIT_OK = 0,
    EXIT_USAGE = 2, /* wrong option, argument or suppressions file: nothing was started */
    EXIT_FINDINGS = LOCKHOUND_EXIT_FINDINGS,
    EXIT_FAILED = 125,         /* lockhound itself failed, or the program is one it cannot check */
    EXIT_CANNOT_EXECUTE = 126, /* the program was found and cannot be executed */
    EXIT_NOT_FOUND = 127       /* no such program */
};

#endif

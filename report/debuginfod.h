/* debuginfod.h: debug files from the servers that DEBUGINFOD_URLS names, as long as they answer.
 *
 * Model:  the client gives a server that sends nothing 90 s, three times for each file; here it is PATIENCE_S once unless the user
 *         says otherwise (DEBUGINFOD_TIMEOUT, DEBUGINFOD_RETRY_LIMIT), and after one such wait in vain nobody is asked any more, also
 *         not by libdw itself.
 */
#ifndef LOCKHOUND_REPORT_DEBUGINFOD_H
#define LOCKHOUND_REPORT_DEBUGINFOD_H

#include <stdbool.h>

/* Returns: a descriptor of the debug file of this build-id (hexadecimal digits), or -1. */
int debuginfod_open(const char *build_id);

/* Around a look-up in which libdw may ask by itself. */
void debuginfod_begin_wait(void);
void debuginfod_end_wait(bool was_found);

/* Returns: true when a server did not answer, so that files may be missing here that it has. */
bool debuginfod_is_given_up(void);

#endif

/* Locks on files: no event of one process, so there is nothing to see in a trace of it. */
#include "engage.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/file.h>
#include <unistd.h>

enum { NO_FILE = -1 };

ENGAGE(flock, "flock", "bound")
{
    begin();
    (void)flock(NO_FILE, LOCK_UN);
}

ENGAGE(fcntl, "fcntl", "bound")
{
    begin();
    (void)fcntl(NO_FILE, F_GETFD);
}

ENGAGE(fcntl64, "fcntl64", "bound")
{
    FOUND(fcntl, fcntl64, NULL);
    begin();
    (void)fcntl64_found(NO_FILE, F_GETFD);
}

ENGAGE(lockf, "lockf", "bound")
{
    begin();
    (void)!lockf(NO_FILE, F_TEST, 0);
}

ENGAGE(lockf64, "lockf64", "bound")
{
    begin();
    (void)!lockf64(NO_FILE, F_TEST, 0);
}

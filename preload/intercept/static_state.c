/* static_state.c: functions that keep something of the program's in one place for all threads.
 *
 *   localtime(), gmtime(), asctime(), ctime() --> write of what they return
 *   setenv(), unsetenv(), putenv(), clearenv() --> write of environ;   getenv() --> read of it
 *   strtok()                                   --> write of a word that stands for its position
 *
 * Source:    POSIX.1-2017 2.9.1, functions that need not be thread-safe.  Those that glibc protects with a lock and a copy
 *            of their own a thread (rand, strerror) are left out, and so is readdir(), which two threads may share there.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "preload/intercept/access.h"

enum { TIME_TEXT_SIZE = 26 };

static char strtok_position[8];

__attribute__((noinline, cold)) static void note(const void *memory, size_t size, uint32_t flags, struct caller caller)
{
    int saved = errno;
    struct self *self = memory != NULL ? access_enter(caller) : NULL;
    if (self != NULL) {
        if (memory_is_watched(self))
            memory_access(self, memory, size, flags, access_stack(self, caller));
        access_leave(self);
    }
    errno = saved;
}

#define TOUCHES(memory, size, flags)                                                                                   \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            note((memory), (size), (flags), CALLER());                                                                 \
    } while (0)

HOOK_EXPORT struct tm *localtime(const time_t *time)
{
    struct tm *result = real.localtime(time);
    TOUCHES(result, sizeof *result, RACE_WRITE);
    return result;
}

HOOK_EXPORT struct tm *gmtime(const time_t *time)
{
    struct tm *result = real.gmtime(time);
    TOUCHES(result, sizeof *result, RACE_WRITE);
    return result;
}

HOOK_EXPORT char *asctime(const struct tm *time)
{
    char *result = real.asctime(time);
    TOUCHES(result, TIME_TEXT_SIZE, RACE_WRITE);
    return result;
}

HOOK_EXPORT char *ctime(const time_t *time)
{
    char *result = real.ctime(time);
    TOUCHES(result, TIME_TEXT_SIZE, RACE_WRITE);
    return result;
}

HOOK_EXPORT char *strtok(char *restrict string, const char *restrict separators)
{
    TOUCHES(strtok_position, sizeof strtok_position, RACE_WRITE);
    return real.strtok(string, separators);
}

HOOK_EXPORT char *getenv(const char *name)
{
    TOUCHES(&environ, sizeof environ, 0);
    return real.getenv(name);
}

HOOK_EXPORT int setenv(const char *name, const char *value, int replace)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    return real.setenv(name, value, replace);
}

HOOK_EXPORT int unsetenv(const char *name)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    return real.unsetenv(name);
}

HOOK_EXPORT int putenv(char *string)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    return real.putenv(string);
}

HOOK_EXPORT int clearenv(void)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    return real.clearenv();
}

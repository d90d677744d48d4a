#include "preload/environment.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "preload/run_file.h"

/* The name under which the library is installed; a path may stand before and a version after it. */
static const char library_name[] = "liblockhound.so";

bool environment_is(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

const char *environment_value(char *const envp[], const char *name)
{
    for (; envp != NULL && *envp != NULL; envp++)
        if (environment_is(*envp, name))
            return *envp + strlen(name) + 1;
    return "";
}

static bool names_library(const char *path, size_t length)
{
    size_t base = length;
    while (base > 0 && path[base - 1] != '/')
        base--;
    size_t name = sizeof library_name - 1;
    return length - base >= name && memcmp(path + base, library_name, name) == 0 &&
           (length - base == name || path[base + name] == '.');
}

/* Takes the library out of an LD_PRELOAD list (ld.so(8): separated by colons or blanks), in place.
 * Returns: false when nothing is left. */
static bool drop_library(char *list)
{
    static const char separators[] = ": ";
    char *kept = list;
    for (const char *at = list; *at != '\0';) {
        at += strspn(at, separators);
        size_t length = strcspn(at, separators);
        if (length > 0 && !names_library(at, length)) {
            if (kept > list)
                *kept++ = ':';
            memmove(kept, at, length);
            kept += length;
        }
        at += length;
    }
    *kept = '\0';
    return kept > list;
}

void environment_forget_us(char **envp)
{
    static const char preload[] = "LD_PRELOAD";
    char **kept = envp;
    for (char **entry = envp; *entry != NULL; entry++) {
        bool is_empty = environment_is(*entry, preload) && !drop_library(*entry + sizeof preload);
        if (!is_empty && !environment_is(*entry, RUN_ENVIRONMENT_OPTIONS))
            *kept++ = *entry;
    }
    *kept = NULL;
}

void environment_lend(char **envp)
{
    if (environ == NULL)
        environ = envp;
}

#include "preload/environment.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/raw.h"

/* The name under which the library is installed; a path may stand before and a version after it. */
static const char library_name[] = "liblockhound.so";

bool environment_is(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool names_library(const char *path, size_t length, const char *library)
{
    size_t base = length;
    while (base > 0 && path[base - 1] != '/')
        base--;
    size_t name = strlen(library);
    return length - base >= name && memcmp(path + base, library, name) == 0 &&
           (length - base == name || path[base + name] == '.');
}

size_t environment_drop_library(const char *list, const char *library, char *result)
{
    static const char separators[] = ": "; /* ld.so(8) */
    size_t kept = 0;
    while (*list != '\0') {
        list += strspn(list, separators);
        size_t length = strcspn(list, separators);
        if (length > 0 && !names_library(list, length, library)) {
            if (kept > 0)
                result[kept++] = ':';
            memcpy(result + kept, list, length);
            kept += length;
        }
        list += length;
    }
    result[kept] = '\0';
    return kept;
}

/* Returns: what `entry` becomes: itself, a shorter LD_PRELOAD in `room`, or NULL for nothing. */
static char *without_us(char *entry, char *room)
{
    static const char preload[] = "LD_PRELOAD=";
    if (environment_is(entry, "LOCKHOUND_OPTIONS"))
        return NULL;
    if (!environment_is(entry, "LD_PRELOAD"))
        return entry;
    memcpy(room, preload, sizeof preload - 1);
    size_t left = environment_drop_library(entry + sizeof preload - 1, library_name, room + sizeof preload - 1);
    return left == 0 ? NULL : room;
}

void environment_forget_us(void)
{
    size_t count = 0, room_size = 0;
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++, count++)
        if (environment_is(*entry, "LD_PRELOAD"))
            room_size += strlen(*entry) + 1;
    size_t size = (count + 1) * sizeof(char *) + room_size;
    long block = raw_syscall(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (count == 0 || block < 0)
        return;
    char **kept = (char **)block;
    char *room = (char *)(kept + count + 1);
    size_t n = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        char *left = without_us(*entry, room);
        if (left == NULL)
            continue;
        if (left == room)
            room += strlen(room) + 1;
        kept[n++] = left;
    }
    kept[n] = NULL;
    environ = kept;
}

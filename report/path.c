#include "report/path.h"

#include <stdbool.h>
#include <string.h>

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool is_component(const char *component, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(component, name, length) == 0;
}

/* Returns: the end of the path without its last component. */
static char *parent(const char *path, char *end)
{
    while (end > path && *--end != '/') {
    }
    return end;
}

void path_tidy(char *path)
{
    char *to = path;
    const char *from = path;
    if (*path != '/')
        return;
    while (*from) {
        from += strspn(from, "/");
        size_t length = strcspn(from, "/");
        if (is_component(from, length, "..")) {
            to = parent(path, to);
        } else if (length != 0 && !is_component(from, length, ".")) {
            *to++ = '/';
            memmove(to, from, length);
            to += length;
        }
        from += length;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

#include "preload/weave/weaver_run.h"

#include "preload/arena.h"
#include "preload/helper_command.h"

enum { PATIENCE_MS = 300000 };

bool weaver_run(const char *const files[], size_t count, bool narrow)
{
    const size_t size = (count + 4) * sizeof(const char *);
    const char **arguments = arena_alloc(size);
    if (arguments == NULL || count > WEAVER_FILES_MAX)
        return false;
    size_t used = 0;
    arguments[used++] = "weave";
    arguments[used++] = "--silent";
    if (narrow)
        arguments[used++] = "--narrow";
    for (size_t i = 0; i < count; i++)
        arguments[used++] = files[i];
    arguments[used] = NULL;
    int status = helper_run_silently(arguments, PATIENCE_MS);
    arena_free(arguments, size);
    return status >= 0;
}

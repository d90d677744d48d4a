#include "preload/weave/weaver_run.h"

#include "preload/arena.h"
#include "preload/helper_command.h"

enum { PATIENCE_MS = 300000 };

bool weaver_run(const char *const files[], size_t count)
{
    const size_t size = (count + 2) * sizeof(const char *);
    const char **arguments = arena_alloc(size);
    if (arguments == NULL || count > WEAVER_FILES_MAX)
        return false;
    arguments[0] = "weave";
    for (size_t i = 0; i < count; i++)
        arguments[i + 1] = files[i];
    arguments[count + 1] = NULL;
    int status = helper_run_silently(arguments, PATIENCE_MS);
    arena_free(arguments, size);
    return status >= 0;
}

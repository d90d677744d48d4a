/* locate.c: finds liblockhound.so.  The command works from its build tree and from a tree that was moved after it was
 * installed, so it looks from its own place first. */
#include <string.h>
#include <unistd.h>

#include "cli/launch.h"

#define LIBRARY "liblockhound.so"

const char *locate_library(struct pool *pool)
{
    static const char *const beside[] = {"../lib/" LIBRARY, "../" LOCKHOUND_LIBDIR "/" LIBRARY,
                                         "../" LOCKHOUND_LIBDIR "/lockhound/" LIBRARY};
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
            const char *path = pool_format(pool, "%s/%s", self, beside[i]);
            if (access(path, R_OK) == 0)
                return path;
        }
    }
    return access(LOCKHOUND_INSTALLED_LIBRARY, R_OK) == 0 ? LOCKHOUND_INSTALLED_LIBRARY : NULL;
}

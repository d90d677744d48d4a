#include "preload/directory.h"

#include <errno.h>
#include <fcntl.h>

#include "preload/raw.h"

enum { DIRECTORY_SIZE = 2048 };

bool directory_any(const char *path, bool (*visit)(void *ctx, long folder, const struct directory_entry *entry),
                   void *ctx, bool in_doubt)
{
    _Alignas(struct directory_entry) char directory[DIRECTORY_SIZE];
    long folder = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (folder < 0)
        return in_doubt;
    bool result = false;
    for (long got = 1; !result && got > 0;) {
        got = raw_syscall(SYS_getdents64, folder, (long)directory, sizeof directory, 0, 0, 0);
        result = got < 0 && got != -ENOENT && in_doubt; /* a folder that is gone has none */
        for (long at = 0; !result && at < got;) {
            const struct directory_entry *entry = (const void *)(directory + at);
            result = visit(ctx, folder, entry);
            at += entry->length;
        }
    }
    raw_syscall(SYS_close, folder, 0, 0, 0, 0, 0);
    return result;
}

#include "preload/file_name.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/directory.h"
#include "preload/raw.h"

enum { PATH_SIZE = 512 };

static bool is_file(void *ctx, long folder, const struct directory_entry *entry)
{
    const struct file_identity *file = ctx;
    struct stat status;
    return entry->inode == file->inode &&
           raw_syscall(SYS_newfstatat, folder, (long)entry->name, (long)&status, AT_SYMLINK_NOFOLLOW, 0, 0) == 0 &&
           status.st_dev == file->device && status.st_ino == file->inode;
}

bool file_name_is_gone(const char *path, const struct file_identity *file)
{
    static const char end[] = " (deleted)", key[] = "/SYSV";
    char folder[PATH_SIZE];
    size_t length = strnlen(path, PATH_SIZE);
    if (length < sizeof end - 1 || length == PATH_SIZE ||
        memcmp(path + length - (sizeof end - 1), end, sizeof end - 1) != 0 || strncmp(path, key, sizeof key - 1) == 0)
        return false;
    const char *name = strrchr(path, '/');
    if (name == NULL)
        return false;
    length = name == path ? 1 : (size_t)(name - path);
    memcpy(folder, path, length);
    folder[length] = '\0';
    struct file_identity wanted = *file;
    return !directory_any(folder, is_file, &wanted, true);
}

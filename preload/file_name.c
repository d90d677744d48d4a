#include "preload/file_name.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/directory_entry.h"
#include "preload/raw.h"

enum { PATH_SIZE = 512, DIRECTORY_SIZE = 2048 };

static bool is_file(long folder, const struct directory_entry *entry, const struct file_identity *file)
{
    struct stat status;
    return entry->inode == file->inode &&
           raw_syscall(SYS_newfstatat, folder, (long)entry->name, (long)&status, AT_SYMLINK_NOFOLLOW, 0, 0) == 0 &&
           status.st_dev == file->device && status.st_ino == file->inode;
}

/* Returns: true when it does, or when that cannot be told. */
static bool folder_has(const char *path, const struct file_identity *file)
{
    _Alignas(struct directory_entry) char directory[DIRECTORY_SIZE];
    long folder = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (folder < 0)
        return true;
    bool result = false;
    for (long got = 1; !result && got > 0;) {
        got = raw_syscall(SYS_getdents64, folder, (long)directory, sizeof directory, 0, 0, 0);
        result = got < 0;
        for (long at = 0; !result && at < got;) {
            const struct directory_entry *entry = (const void *)(directory + at);
            result = is_file(folder, entry, file);
            at += entry->length;
        }
    }
    raw_syscall(SYS_close, folder, 0, 0, 0, 0, 0);
    return result;
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
    return !folder_has(folder, file);
}

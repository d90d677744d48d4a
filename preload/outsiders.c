#include "preload/outsiders.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/directory_entry.h"
#include "preload/process_status.h"
#include "preload/raw.h"

enum { DIRECTORY_SIZE = 2048 };

/* Calls `visit` for each name in the folder that is a number until it returns true.  Returns: that; or true, in doubt, when
 * the folder cannot be read and `in_doubt` says so. */
static bool any_number(const char *path, bool (*visit)(void *ctx, long folder, const char *name), void *ctx,
                       bool in_doubt)
{
    _Alignas(struct directory_entry) char directory[DIRECTORY_SIZE];
    long folder = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (folder < 0)
        return in_doubt;
    bool result = false;
    for (long got = 1; !result && got > 0;) {
        got = raw_syscall(SYS_getdents64, folder, (long)directory, sizeof directory, 0, 0, 0);
        for (long at = 0; !result && at < got;) {
            const struct directory_entry *entry = (const void *)(directory + at);
            result = entry->name[0] >= '0' && entry->name[0] <= '9' && visit(ctx, folder, entry->name);
            at += entry->length;
        }
    }
    raw_syscall(SYS_close, folder, 0, 0, 0, 0, 0);
    return result;
}

static bool is_in(pid_t pid, const pid_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == pid)
            return true;
    return false;
}

static bool descriptor_is_of_files(void *ctx, long folder, const char *name)
{
    const struct outsiders *o = ctx;
    struct stat status;
    if (raw_syscall(SYS_newfstatat, folder, (long)name, (long)&status, 0, 0, 0) != 0)
        return false; /* closed meanwhile */
    for (size_t i = 0; i < o->file_count; i++)
        if (o->files[i].device == status.st_dev && o->files[i].inode == status.st_ino)
            return true;
    return false;
}

static bool has_files(struct outsiders *o, pid_t pid, bool is_near)
{
    char path[48];
    if (o->file_count == 0)
        return false;
    enum mapping_answer answer = mapping_of_process(pid, o->files, o->file_count);
    if (answer != MAPPING_NO)
        return answer == MAPPING_YES || is_near;
    process_path(path, pid, "/fd");
    return any_number(path, descriptor_is_of_files, o, is_near);
}

static bool may_act(void *ctx, long folder, const char *name)
{
    struct outsiders *o = ctx;
    struct process_status status, own;
    pid_t pid = 0;
    (void)folder;
    for (; *name >= '0' && *name <= '9'; name++)
        pid = 10 * pid + (*name - '0');
    if (is_in(pid, o->members, o->member_count) || !process_status_read(pid, &status))
        return false;
    if (status.is_zombie)
        return false;
    bool is_near = !process_status_read(o->members[0], &own) || own.session == status.session;
    return has_files(o, pid, is_near);
}

bool outsiders_may_act(const struct outsiders *o)
{
    struct outsiders copy = *o;
    return any_number("/proc", may_act, &copy, true);
}

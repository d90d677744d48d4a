#include "preload/outsiders.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/digits.h"
#include "preload/directory.h"
#include "preload/process_status.h"
#include "preload/raw.h"

static bool is_number(const struct directory_entry *entry)
{
    return entry->name[0] >= '0' && entry->name[0] <= '9';
}

static bool is_in(pid_t pid, const pid_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == pid)
            return true;
    return false;
}

static bool descriptor_is_of_files(void *ctx, long folder, const struct directory_entry *entry)
{
    const struct outsiders *o = ctx;
    struct stat status;
    if (!is_number(entry) || raw_syscall(SYS_newfstatat, folder, (long)entry->name, (long)&status, 0, 0, 0) != 0)
        return false; /* closed meanwhile */
    for (size_t i = 0; i < o->file_count; i++)
        if (o->files[i].device == status.st_dev && o->files[i].inode == status.st_ino)
            return true;
    return false;
}

static bool has_files(struct outsiders *o, pid_t pid, bool is_near)
{
    char path[PROCESS_PATH_SIZE];
    if (o->file_count == 0)
        return false;
    enum mapping_answer answer = mapping_of_process(pid, o->files, o->file_count);
    if (answer != MAPPING_NO)
        return answer == MAPPING_YES || is_near;
    process_path(path, pid, "/fd");
    return directory_any(path, descriptor_is_of_files, o, is_near);
}

static bool may_act(void *ctx, long folder, const struct directory_entry *entry)
{
    struct outsiders *o = ctx;
    struct process_status status, own;
    (void)folder;
    if (!is_number(entry))
        return false;
    pid_t pid = (pid_t)digits_read(entry->name);
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
    return directory_any("/proc", may_act, &copy, true);
}

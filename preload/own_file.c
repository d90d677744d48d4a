#include "preload/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "preload/raw.h"

enum { HIGH_DESCRIPTOR = 900, LOWER_DESCRIPTOR = HIGH_DESCRIPTOR / 8 };

static bool identity_of(long fd, dev_t *device, ino_t *inode)
{
    struct stat status = {0};
    if (raw_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) != 0)
        return false;
    *device = status.st_dev;
    *inode = status.st_ino;
    return true;
}

/* Out of the way of the numbers that the program expects its own files to get. */
static long move_high(long fd)
{
    long high = raw_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR, 0, 0, 0);
    if (high < 0)
        high = raw_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, LOWER_DESCRIPTOR, 0, 0, 0);
    if (high < 0)
        return fd;
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return high;
}

int own_file_take(struct own_file *file, long fd)
{
    file->fd = move_high(fd);
    file->open = identity_of(file->fd, &file->device, &file->inode);
    return file->open ? 0 : -EIO;
}

bool own_file_is_ours(const struct own_file *file)
{
    dev_t device;
    ino_t inode;
    return file->open && identity_of(file->fd, &device, &inode) && device == file->device && inode == file->inode;
}

void own_file_close(struct own_file *file)
{
    if (own_file_is_ours(file))
        raw_syscall(SYS_close, file->fd, 0, 0, 0, 0, 0);
    file->open = false;
}

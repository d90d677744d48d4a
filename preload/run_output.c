#include "preload/run_output.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/digits.h"
#include "preload/own_file.h"
#include "preload/process_status.h"
#include "preload/raw.h"

enum { RUN_FILE_MODE = 0600 };

static struct own_file output;

void run_output_make_absolute(char path[RUN_OUTPUT_NAME_SIZE])
{
    char folder[RUN_OUTPUT_NAME_SIZE];
    if (path[0] == '\0' || path[0] == '/')
        return;
    size_t size = strlen(path) + 1;
    long length = raw_syscall(SYS_getcwd, (long)folder, sizeof folder, 0, 0, 0, 0); /* with its final zero */
    if (length <= 0 || folder[0] != '/' || (size_t)length + size > RUN_OUTPUT_NAME_SIZE)
        return;
    folder[length - 1] = '/';
    memmove(path + length, path, size);
    memcpy(path, folder, (size_t)length);
}

static int open_output(const char *path)
{
    long fd;
    if (path[0] != '\0')
        fd =
            raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, RUN_FILE_MODE, 0, 0);
    else
        fd = raw_syscall(SYS_memfd_create, (long)"lockhound", MFD_CLOEXEC, 0, 0, 0, 0);
    if (fd < 0)
        return (int)fd;
    return own_file_take(&output, fd);
}

int run_output_append(const char *path, const char *bytes, size_t size, uint64_t *offset)
{
    int failed = own_file_is_ours(&output) ? 0 : open_output(path);
    if (failed != 0)
        return failed;
    if (path[0] == '\0')
        raw_syscall(SYS_lseek, output.fd, 0, SEEK_END, 0, 0, 0);
    failed = raw_write_all((int)output.fd, bytes, size);
    long end = raw_syscall(SYS_lseek, output.fd, 0, SEEK_CUR, 0, 0, 0);
    *offset = end < (long)size ? 0 : (uint64_t)end - size;
    return failed;
}

void run_output_fork_child(const char *path)
{
    if (!own_file_is_ours(&output))
        return;
    long fd = -1;
    if (path[0] != '\0') {
        char name[PROCESS_PATH_SIZE];
        process_fd_path(name, (int)output.fd); /* the path itself may not be open to this process any more */
        fd = raw_syscall(SYS_openat, AT_FDCWD, (long)name, O_RDWR | O_APPEND | O_CLOEXEC, 0, 0, 0);
        if (fd < 0)
            return; /* it shares the parent's, and may print a wrong piece of what both write */
    }
    own_file_close(&output);
    if (fd >= 0)
        (void)own_file_take(&output, fd);
}

void run_output_name(const char *path, char name[RUN_OUTPUT_NAME_SIZE])
{
    if (path[0] != '\0') {
        size_t length = strnlen(path, RUN_OUTPUT_NAME_SIZE - 1);
        memcpy(name, path, length);
        name[length] = '\0';
        return;
    }
    char *at = digits_write(stpcpy(name, "/proc/"), (uint64_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
    digits_write(stpcpy(at, "/fd/"), (uint64_t)output.fd);
}

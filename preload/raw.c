#include "preload/raw.h"

#include <errno.h>

int raw_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        long done = raw_syscall(SYS_write, fd, (long)at, (long)size, 0, 0, 0);
        if (done == -EINTR)
            continue;
        if (done < 0)
            return (int)done;
        if (done == 0)
            return -EIO;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

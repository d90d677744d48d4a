#include "preload/raw.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { KERNEL_SIGSET_SIZE = sizeof(uint64_t) };

static uint64_t bit_of(int number)
{
    return (uint64_t)1 << (number - 1);
}

static int write_all(int fd, const char *at, size_t size)
{
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

bool raw_is_readable(uintptr_t address)
{
    return raw_syscall(SYS_rt_sigprocmask, -1, (long)address, 0, KERNEL_SIGSET_SIZE, 0, 0) != -EFAULT;
}

/* A limit of file sizes or a reader that has gone is the program's to hear of, not when it is we who write: the signal
 * goes to the writing thread, which takes it back, unless one was pending already. */
int raw_write_all(int fd, const void *data, size_t size)
{
    const uint64_t ours = bit_of(SIGXFSZ) | bit_of(SIGPIPE);
    const struct timespec at_once = {0};
    uint64_t before = 0, pending = 0;
    raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&ours, (long)&before, KERNEL_SIGSET_SIZE, 0, 0);
    raw_syscall(SYS_rt_sigpending, (long)&pending, KERNEL_SIGSET_SIZE, 0, 0, 0, 0);
    int failed = write_all(fd, data, size);
    uint64_t caused = (failed == -EFBIG ? bit_of(SIGXFSZ) : failed == -EPIPE ? bit_of(SIGPIPE) : 0) & ~pending;
    if (caused != 0)
        raw_syscall(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&at_once, KERNEL_SIGSET_SIZE, 0, 0);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, KERNEL_SIGSET_SIZE, 0, 0);
    return failed;
}

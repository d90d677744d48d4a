#include "preload/raw.h"

#include <errno.h>
#include <time.h>

#include "preload/raw_signal.h"

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

/* Returns: the bit of the signal that comes with such a failure; 0 when none does. */
static uint64_t signal_of(int failed)
{
    if (failed == -EFBIG)
        return RAW_SIGNAL_BIT(SIGXFSZ);
    return failed == -EPIPE ? RAW_SIGNAL_BIT(SIGPIPE) : 0;
}

/* A limit of file sizes or a reader that has gone is the program's to hear of, not when it is we who write: the signal
 * goes to the writing thread, which takes it back, unless one was pending already. */
int raw_write_all(int fd, const void *data, size_t size)
{
    const uint64_t ours = RAW_SIGNAL_BIT(SIGXFSZ) | RAW_SIGNAL_BIT(SIGPIPE);
    const struct timespec at_once = {0};
    uint64_t before = raw_mask_change(SIG_BLOCK, ours), pending = 0;
    raw_syscall(SYS_rt_sigpending, (long)&pending, KERNEL_SIGSET_SIZE, 0, 0, 0, 0);
    int failed = write_all(fd, data, size);
    uint64_t caused = signal_of(failed) & ~pending;
    if (caused != 0)
        raw_syscall(SYS_rt_sigtimedwait, (long)&caused, 0, (long)&at_once, KERNEL_SIGSET_SIZE, 0, 0);
    raw_mask_change(SIG_SETMASK, before);
    return failed;
}

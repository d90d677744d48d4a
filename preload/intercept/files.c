/* files.c: locks on files: flock(), fcntl() with F_SETLK and its like, lockf().
 *
 *   call --file, begin--> identity --> request --> real call without waiting --took it--> acquired
 *                                                       \--taken--> block --> real call --> unblock --0--> acquired
 *
 * Model:     a range is known by where it begins: two that overlap but begin at different places count as two locks.
 *            flock() and fcntl() do not know of each other (flock(2)), so their locks differ.  fcntl() locks belong to the
 *            process, which is taken for the thread that took them.
 *            While accesses are checked, what a thread did before it unlocked a file comes before what one does that locks it
 *            afterwards: by flock(), and by F_OFD_SETLK, which keep out threads that have opened the file on their own.
 * Left out:  threads of one process that wait for each other; a lock inherited over fork is the parent's alone.
 * Costs:     of fcntl() with any other command a few comparisons.
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "preload/intercept/io.h"
#include "preload/intercept/waits.h"
#include "preload/process_status.h"
#include "preload/raw.h"

enum { PATH_SIZE = 256, RANGES_KEPT = 8 };

#define TO_THE_END UINT64_MAX

/* What a call does; `high` is one past the range. */
struct file_call {
    struct sharing_range range;
    uint64_t high;
    int fd;
    enum lock_mode mode;
    bool releases, waits;
    bool keeps_out_threads; /* of the same process */
};

/* ---- which lock -------------------------------------------------------------------------------------------------- */

static bool find_file(int fd, struct sharing_range *range)
{
    struct stat status;
    if (raw_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) != 0)
        return false;
    range->device = status.st_dev;
    range->inode = status.st_ino;
    return true;
}

static void read_path(int fd, char path[PATH_SIZE])
{
    char link[PROCESS_PATH_SIZE];
    process_fd_path(link, fd);
    long length = raw_syscall(SYS_readlink, (long)link, (long)path, PATH_SIZE - 1, 0, 0, 0);
    path[length > 0 ? length : 0] = '\0';
}

/* The few ranges that a thread used last, so that the others are not asked each time. */
static __thread struct {
    struct sharing_range range;
    uint32_t identity;
} ranges_known[RANGES_KEPT] __attribute__((tls_model("initial-exec")));
static __thread unsigned ranges_next __attribute__((tls_model("initial-exec")));

static uint32_t identity_of(const struct sharing_range *range, int fd)
{
    for (unsigned i = 0; i < RANGES_KEPT; i++)
        if (memcmp(&ranges_known[i].range, range, sizeof *range) == 0)
            return ranges_known[i].identity;
    char path[PATH_SIZE];
    read_path(fd, path);
    unsigned place = ranges_next++ % RANGES_KEPT;
    ranges_known[place].range = *range;
    ranges_known[place].identity = sharing_identify_range(range, path);
    return ranges_known[place].identity;
}

/* ---- before and after the real call ------------------------------------------------------------------------------ */

static void request(struct self *self, const struct file_call *call, struct stack_id at)
{
    uint32_t identity = identity_of(&call->range, call->fd);
    self_count_event(self);
    if (identity != 0 && call->waits)
        sharing_request(self, identity, call->mode, at);
}

static bool is_watched_order(struct self *self, const struct file_call *call)
{
    return call->keeps_out_threads && hook_unlikely(weave_on) && memory_is_watched(self);
}

static uint64_t name_of(const struct file_call *call)
{
    return call->range.inode ^ (uint64_t)call->range.device << 32;
}

static void released(struct self *self, const struct file_call *call, struct stack_id at)
{
    sharing_released_range(self, &call->range, call->high);
    if (is_watched_order(self, call))
        channels_send_named(self, CHANNEL_FILE_LOCK, name_of(call), at);
}

static void acquired(struct self *self, const struct file_call *call, struct stack_id at)
{
    if (is_watched_order(self, call))
        channels_receive_named(self, CHANNEL_FILE_LOCK, name_of(call));
    uint32_t identity = identity_of(&call->range, call->fd);
    if (identity != 0)
        sharing_acquired_range(self, identity, &call->range, call->fd, call->mode, at);
}

static void block(struct self *self, const struct file_call *call, struct stack_id at)
{
    uint32_t identity = identity_of(&call->range, call->fd);
    if (identity != 0)
        sharing_block(self, identity, call->mode, at);
}

/* Clean-up of a wait that was cancelled. */
static void wait_cancelled(void *argument)
{
    struct self *self = argument;
    hook_resume(self);
    sharing_unblock(self);
    hook_leave(self);
}

/* `try` and `really` are the real call, without waiting and with.  Must be used in the interposed function. */
#define TAKE(result, self, call, at, try, really)                                                                      \
    do {                                                                                                               \
        request(self, call, at);                                                                                       \
        int errno_before = errno;                                                                                      \
        (result) = (try);                                                                                              \
        if ((result) != 0 && (call)->waits && (errno == EWOULDBLOCK || errno == EACCES)) {                             \
            errno = errno_before;                                                                                      \
            block(self, call, at);                                                                                     \
            hook_pause(self);                                                                                          \
            pthread_cleanup_push(wait_cancelled, self);                                                                \
            (result) = (really);                                                                                       \
            pthread_cleanup_pop(0);                                                                                    \
            hook_resume(self);                                                                                         \
            sharing_unblock(self);                                                                                     \
        }                                                                                                              \
        if ((result) == 0)                                                                                             \
            acquired(self, call, at);                                                                                  \
    } while (0)

/* ---- flock ------------------------------------------------------------------------------------------------------- */

HOOK_EXPORT int flock(int fd, int operation)
{
    struct self *self = hook_enter();
    struct file_call call = {
        .range = {.kind = SHARING_WHOLE_FILE}, .high = TO_THE_END, .fd = fd, .keeps_out_threads = true};
    if (self == NULL)
        return real.flock(fd, operation);
    struct stack_id at = HOOK_STACK(self);
    int result;
    call.mode = (operation & LOCK_SH) != 0 ? LOCK_SHARED : LOCK_EXCLUSIVE;
    call.waits = (operation & LOCK_NB) == 0;
    if (fd < 0 || !find_file(fd, &call.range)) {
        result = real.flock(fd, operation);
    } else if ((operation & LOCK_UN) != 0) {
        released(self, &call, at);
        result = real.flock(fd, operation);
    } else {
        TAKE(result, self, &call, at, real.flock(fd, operation | LOCK_NB), real.flock(fd, operation));
    }
    hook_leave(self);
    return result;
}

/* ---- fcntl ------------------------------------------------------------------------------------------------------- */

/* Returns: where `whence` counts from, or a negative number. */
static long long base_of(int fd, int whence)
{
    struct stat status;
    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        return raw_syscall(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
    case SEEK_END:
        return raw_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) == 0 ? status.st_size : -1;
    default:
        return -1;
    }
}

/* Returns: false when it is nothing that the kernel would take. */
static bool read_range(int fd, const struct flock *lock, struct file_call *call)
{
    long long base = base_of(fd, lock->l_whence), low, high;
    if (fd < 0 || base < 0 || __builtin_add_overflow(base, lock->l_start, &low) ||
        __builtin_add_overflow(low, lock->l_len, &high) || low < 0 || high < 0 || !find_file(fd, &call->range))
        return false;
    call->fd = fd;
    call->range.kind = SHARING_FILE_RANGE;
    call->range.low = (uint64_t)(lock->l_len < 0 ? high : low);
    call->high = lock->l_len == 0 ? TO_THE_END : (uint64_t)(lock->l_len < 0 ? low : high);
    call->mode = lock->l_type == F_RDLCK ? LOCK_SHARED : LOCK_EXCLUSIVE;
    call->releases = lock->l_type == F_UNLCK;
    return true;
}

static bool locks_range(int command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* The same without waiting. */
static int try_of(int command)
{
    return command == F_SETLKW ? F_SETLK : command == F_OFD_SETLKW ? F_OFD_SETLK : command;
}

static int lock_range(struct self *self, int fd, int command, long argument, struct stack_id at)
{
    const struct flock *lock = (const struct flock *)argument;
    struct file_call call = {.waits = command != try_of(command),
                             .keeps_out_threads = command == F_OFD_SETLK || command == F_OFD_SETLKW};
    int result;
    if (lock == NULL || !read_range(fd, lock, &call)) {
        hook_leave(self);
        return real.fcntl(fd, command, argument);
    }
    if (call.releases) {
        released(self, &call, at);
        result = real.fcntl(fd, command, argument);
    } else {
        TAKE(result, self, &call, at, real.fcntl(fd, try_of(command), argument), real.fcntl(fd, command, argument));
    }
    hook_leave(self);
    return result;
}

static int duplicate(int fd, int command, long least, struct caller caller)
{
    if (hook_unlikely(weave_on))
        io_uses(fd, caller);
    int result = real.fcntl(fd, command, least);
    if (hook_unlikely(weave_on))
        io_opened(result, caller);
    return result;
}

HOOK_EXPORT int hook_fcntl(int fd, int command, long argument) __asm__("fcntl");

int hook_fcntl(int fd, int command, long argument)
{
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return duplicate(fd, command, argument, CALLER());
    if (!locks_range(command)) {
        IO_USES(fd);
        return real.fcntl(fd, command, argument);
    }
    if (command != try_of(command))
        pthread_testcancel(); /* that it would have to wait for the lock is no condition */
    struct self *self = hook_enter();
    if (self == NULL)
        return real.fcntl(fd, command, argument);
    return lock_range(self, fd, command, argument, HOOK_STACK(self));
}

/* ---- lockf ------------------------------------------------------------------------------------------------------- */

HOOK_EXPORT int lockf(int fd, int command, off_t length)
{
    if (command == F_LOCK)
        pthread_testcancel();
    struct self *self = hook_enter();
    if (self == NULL)
        return real.lockf(fd, command, length);
    struct stack_id at = HOOK_STACK(self);
    struct flock lock = {.l_type = command == F_ULOCK ? F_UNLCK : F_WRLCK, .l_whence = SEEK_CUR, .l_len = length};
    struct file_call call = {.waits = command == F_LOCK};
    int result;
    if (command == F_TEST || !read_range(fd, &lock, &call)) {
        result = real.lockf(fd, command, length);
    } else if (call.releases) {
        released(self, &call, at);
        result = real.lockf(fd, command, length);
    } else {
        int attempt = command == F_LOCK ? F_TLOCK : command;
        TAKE(result, self, &call, at, real.lockf(fd, attempt, length), real.lockf(fd, command, length));
    }
    hook_leave(self);
    return result;
}

/* One and the same where off_t has 64 bits. */
HOOK_EXPORT int hook_fcntl64(int fd, int command, long argument) __asm__("fcntl64") __attribute__((alias("fcntl")));
HOOK_ALIAS(lockf64, lockf);

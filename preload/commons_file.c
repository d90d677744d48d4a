#include "preload/commons_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "detector/commons_rest.h"
#include "preload/clock.h"
#include "preload/lockhound.h"
#include "preload/process_status.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/run_file.h"
#include "preload/sink.h"

enum {
    WAIT_MS = 5,
    WAITS_MAX = 20,
    GIVEN_UP_MAX = 3,
    FILE_MODE = 0600,
    PATH_SIZE = OPTION_PATH_SIZE + sizeof RUN_FILE_SHARED_SUFFIX,
};

static struct {
    _Atomic(struct commons *) open; /* mapped and joined */
    struct commons *reserved;       /* inherited by fork */
    _Atomic bool is_refused;        /* tried in vain: said once */
    atomic_uint given_up;           /* waits for the lock that lasted too long */
    uint32_t process;
    uint64_t began_ns;   /* this process, or the program in it */
    uint64_t forking_ns; /* before the latest fork: the child may run long after the parent does */
} file;

static pid_t own_pid(void)
{
    return (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* ---- the host of the commons -------------------------------------------------------------------------------------- */

static enum commons_life life_of(void *ctx, int64_t pid, uint64_t start_time)
{
    (void)ctx;
    struct process_status status;
    if (!process_status_read((pid_t)pid, &status) || status.start_time != start_time)
        return COMMONS_GONE;
    return status.is_zombie ? COMMONS_ENDED : COMMONS_LIVES;
}

static bool is_gone(void *ctx, int64_t pid)
{
    (void)ctx;
    return raw_syscall(SYS_kill, pid, 0, 0, 0, 0, 0) == -ESRCH;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ns();
}

static const struct commons_host host = {.life = life_of, .is_gone = is_gone, .now_ns = now_ns};

const struct commons_host *commons_file_host(void)
{
    return &host;
}

void commons_file_end_process(int64_t pid, uint64_t start_time)
{
    long fd = raw_syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
    if (fd < 0)
        return;
    if (life_of(NULL, pid, start_time) == COMMONS_LIVES)
        raw_syscall(SYS_pidfd_send_signal, fd, SIGTERM, 0, 0, 0, 0);
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* ---- the lock ----------------------------------------------------------------------------------------------------- */

/* Returns: true when the holder is dead and the lock now ours. */
static bool take_over(_Atomic uint32_t *word, uint32_t holder, uint32_t own)
{
    struct process_status status;
    bool is_dead = holder != own && (raw_syscall(SYS_kill, (int)holder, 0, 0, 0, 0, 0) == -ESRCH ||
                                     !process_status_read((pid_t)holder, &status) || status.is_zombie);
    /* acquire: partner: commons_file_enter() of the dead one, whose writes its end has ordered */
    return is_dead &&
           atomic_compare_exchange_strong_explicit(word, &holder, own, memory_order_acquire, memory_order_relaxed);
}

bool commons_file_enter(struct commons *c)
{
    _Atomic uint32_t *word = commons_lock_word(c);
    uint32_t own = (uint32_t)own_pid();
    const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
    if (atomic_load_explicit(&file.given_up, memory_order_relaxed) >= GIVEN_UP_MAX)
        return false;
    for (int i = 0; i < WAITS_MAX; i++) {
        uint32_t holder = 0;
        /* acquire: partner: commons_file_leave() */
        if (atomic_compare_exchange_strong_explicit(word, &holder, own, memory_order_acquire, memory_order_relaxed))
            return true;
        long result = raw_syscall(SYS_futex, (long)word, FUTEX_WAIT, (long)holder, (long)&pause, 0, 0);
        if (result == -ETIMEDOUT && take_over(word, holder, own))
            return true;
    }
    if (atomic_fetch_add_explicit(&file.given_up, 1, memory_order_relaxed) + 1 == GIVEN_UP_MAX)
        sink_note("commons-stuck", "another process holds on to what the processes of this run share; from here on "
                                   "this process sees only its own side of the locks that are shared");
    return false;
}

void commons_file_leave(struct commons *c)
{
    _Atomic uint32_t *word = commons_lock_word(c);
    atomic_store_explicit(word, 0, memory_order_release); /* partner: commons_file_enter() */
    raw_syscall(SYS_futex, (long)word, FUTEX_WAKE, 1, 0, 0, 0);
}

/* ---- the memory --------------------------------------------------------------------------------------------------- */

/* Returns: true and the path beside the run file, when that has a name which is the same in every process. */
static bool file_path(char path[PATH_SIZE])
{
    const char *output = lockhound.options.output;
    if (output[0] != '/')
        return false;
    stpcpy(stpcpy(path, output), RUN_FILE_SHARED_SUFFIX);
    return true;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
static bool may_grow(void)
{
    struct rlimit limit = {0, 0};
    return raw_syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0) == 0 && limit.rlim_cur >= commons_size();
}

static bool is_fit(long fd)
{
    struct stat status = {.st_size = 0};
    long size = (long)commons_size();
    if (raw_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) != 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != (uid_t)raw_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0))
        return false;
    return status.st_size == size ||
           (status.st_size == 0 && may_grow() && raw_syscall(SYS_ftruncate, fd, size, 0, 0, 0, 0) == 0);
}

static struct commons *map(long fd)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_NORESERVE;
    long address = raw_syscall(SYS_mmap, 0, (long)commons_size(), PROT_READ | PROT_WRITE, flags, fd, 0);
    return raw_is_no_address(address) ? NULL : (struct commons *)address;
}

static struct commons *map_file(const char *path)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE, 0, 0);
    struct commons *c = fd >= 0 && is_fit(fd) ? map(fd) : NULL;
    if (fd >= 0)
        raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return c;
}

static void unmap(struct commons *c)
{
    raw_syscall(SYS_munmap, (long)c, (long)commons_size(), 0, 0, 0, 0);
}

void commons_file_init(void)
{
    char path[PATH_SIZE];
    file.began_ns = clock_monotonic_ns();
    if (!file_path(path))
        file.reserved = map(-1);
}

/* Returns: false when there is no room for this process. */
static bool join(struct commons *c)
{
    struct commons_process process = {
        .pid = own_pid(), .began_ns = file.began_ns, .parent_pid = raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0)};
    struct process_status status;
    if (!process_status_read((pid_t)process.pid, &status) || !commons_file_enter(c))
        return false;
    process.start_time = status.start_time;
    process.space = process_pid_space();
    memcpy(process.name, status.name, sizeof process.name);
    file.process = commons_add_process(c, &process, &host);
    commons_file_leave(c);
    return file.process != 0;
}

/* holds(OWN_RANK_COMMONS).  Returns: NULL when it is not to be had. */
static struct commons *map_and_join(void)
{
    char path[PATH_SIZE];
    struct commons *c = file.reserved == NULL && file_path(path) ? map_file(path) : file.reserved;
    if (c == NULL)
        return NULL;
    if (commons_begin(c) && join(c))
        return c;
    if (c != file.reserved)
        unmap(c);
    return NULL;
}

struct commons *commons_file_open(void)
{
    /* acquire: what was set before it was published; partner: below */
    struct commons *c = atomic_load_explicit(&file.open, memory_order_acquire);
    if (c != NULL || atomic_load_explicit(&file.is_refused, memory_order_relaxed))
        return c;
    rank_enter(OWN_RANK_COMMONS);
    c = atomic_load_explicit(&file.open, memory_order_relaxed);
    bool is_first = c == NULL && !atomic_load_explicit(&file.is_refused, memory_order_relaxed);
    if (is_first) {
        c = map_and_join();
        atomic_store_explicit(&file.is_refused, c == NULL, memory_order_relaxed);
        atomic_store_explicit(&file.open, c, memory_order_release);
    }
    rank_leave(OWN_RANK_COMMONS);
    if (is_first && c == NULL)
        sink_note("commons-refused", "the file for what the processes of this run share cannot be used; locks that "
                                     "are shared between processes are checked in each process alone");
    return c;
}

struct commons *commons_file_opened(void)
{
    /* acquire: as in commons_file_open() */
    return atomic_load_explicit(&file.open, memory_order_acquire);
}

uint32_t commons_file_process(void)
{
    return file.process;
}

void commons_file_fork_prepare(void)
{
    struct commons *c = commons_file_opened();
    file.forking_ns = clock_monotonic_ns();
    if (c != NULL)
        commons_conceived(c);
}

void commons_file_fork_child(void)
{
    struct commons *c = atomic_load_explicit(&file.open, memory_order_relaxed);
    atomic_store_explicit(&file.given_up, 0, memory_order_relaxed);
    file.process = 0;
    file.began_ns = file.forking_ns;
    bool has_joined = c != NULL && join(c);
    if (c != NULL)
        commons_born(c);
    if (c != NULL && !has_joined) {
        atomic_store_explicit(&file.open, NULL, memory_order_relaxed);
        atomic_store_explicit(&file.is_refused, true, memory_order_relaxed);
    }
}

void commons_file_close(void)
{
    char path[PATH_SIZE];
    struct commons *c = atomic_load_explicit(&file.open, memory_order_relaxed);
    if (c == NULL)
        return;
    if (commons_lost(c) > 0)
        sink_note("commons-full", "more shared locks, processes or nestings than there is room for: some orders "
                                  "between processes were not compared");
    if (commons_damaged(c) > 0)
        sink_note("commons-damaged",
                  "what the processes of this run share was damaged; the damaged parts were not used");
    if (lockhound.followed || !file_path(path) || !commons_file_enter(c))
        return;
    if (!commons_others_live(c, file.process, &host))
        raw_syscall(SYS_unlink, (long)path, 0, 0, 0, 0, 0);
    commons_file_leave(c);
}

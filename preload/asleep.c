#include "preload/asleep.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/digits.h"
#include "preload/directory_entry.h"
#include "preload/process_status.h"
#include "preload/raw.h"
#include "preload/self.h"

enum {
    BETWEEN_LOOKS_MS = 40,
    ROUNDS = 6,
    LEAVING_MS = 10,
    LEAVING_LOOKS = 10,
    DROWSY_LOOKS = 100,
    LOOKERS_MAX = 16,
    DIRECTORY_SIZE = 32768,
    STATUS_SIZE = 8192,
    NAME_SIZE = 32
};

struct look {
    size_t threads;       /* that are not about to vanish */
    size_t awake;         /* of these, but those that look, or wait for a spin lock */
    uint64_t fingerprint; /* of every thread that does not look, and its context switches; the order does not matter */
    char directory[DIRECTORY_SIZE];
    char status[STATUS_SIZE];
};

/* The threads of this process that look: each is about to sleep, and would seem awake to the others for no reason but its looking.
 * More than fit here disturb each other. */
static _Atomic pid_t lookers[LOOKERS_MAX];

static bool looks(pid_t tid)
{
    for (int i = 0; i < LOOKERS_MAX; i++)
        if (atomic_load_explicit(&lookers[i], memory_order_relaxed) == tid)
            return true;
    return false;
}

static void replace_looker(pid_t old, pid_t replacement)
{
    for (int i = 0; i < LOOKERS_MAX; i++) {
        pid_t expected = old;
        /* relaxed: what decides is whether the kernel saw a thread run that is not found here */
        if (atomic_compare_exchange_strong_explicit(&lookers[i], &expected, replacement, memory_order_relaxed,
                                                    memory_order_relaxed))
            return;
    }
}

/* The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Reads /proc/self/task/<name>/status.  Returns: false when that fails or is too long. */
static bool read_status(long tasks, const char *name, char *status)
{
    static const char file[] = "/status";
    char path[NAME_SIZE + sizeof file];
    size_t length = strlen(name);
    if (length >= NAME_SIZE)
        return false;
    memcpy(path, name, length);
    memcpy(path + length, file, sizeof file);
    long fd = raw_syscall(SYS_openat, tasks, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return false;
    long got = raw_syscall(SYS_read, fd, (long)status, STATUS_SIZE - 1, 0, 0, 0);
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    status[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* Returns: the text after "\n<key>:" and its blanks, or NULL. */
static const char *find_value(const char *status, const char *key)
{
    const char *line = strstr(status, key);
    if (line == NULL)
        return NULL;
    line += strlen(key);
    return line + strspn(line, " \t");
}

/* Takes one thread into the look.  Returns: false when it cannot be judged. */
static bool look_at(struct look *look, long tasks, const char *name, pid_t own_tid)
{
    if (!read_status(tasks, name, look->status))
        return false;
    const char *state = find_value(look->status, "\nState:");
    const char *waits = find_value(look->status, "\nvoluntary_ctxt_switches:");
    const char *losses = find_value(look->status, "\nnonvoluntary_ctxt_switches:");
    if (state == NULL || waits == NULL || losses == NULL)
        return false;
    if (*state == 'Z' || *state == 'X')
        return true; /* the first thread, ended before the others */
    look->threads++;
    uint64_t tid = digits_read(name);
    bool sleeps = *state == 'S';
    if ((pid_t)tid == own_tid || looks((pid_t)tid) || (!sleeps && self_is_spinning((pid_t)tid)))
        return true;
    look->fingerprint += mix(mix(tid) ^ mix(digits_read(waits)) ^ mix(~digits_read(losses)));
    look->awake += !sleeps;
    return true;
}

static bool look_at_all(struct look *look, long tasks)
{
    pid_t own_tid = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    look->threads = 0;
    look->awake = 0;
    look->fingerprint = 0;
    if (raw_syscall(SYS_lseek, tasks, 0, SEEK_SET, 0, 0, 0) != 0)
        return false;
    for (;;) {
        long got = raw_syscall(SYS_getdents64, tasks, (long)look->directory, DIRECTORY_SIZE, 0, 0, 0);
        if (got <= 0)
            return got == 0;
        for (long at = 0; at < got;) {
            const struct directory_entry *entry = (const void *)(look->directory + at);
            if (entry->name[0] != '.' && !look_at(look, tasks, entry->name, own_tid))
                return false;
            at += entry->length;
        }
    }
}

static bool finds_all_asleep(struct look *look, long tasks)
{
    return look_at_all(look, tasks) && look->awake == 0 && look->threads == self_live_count();
}

/* A thread that has ended for us may still be on its way out of the kernel; one that is about to sleep may have to wait for
 * a processor first, and on a busy machine that takes longer. */
static bool first_look(struct look *look, long tasks)
{
    for (int looks = 0; looks < DROWSY_LOOKS; looks++) {
        if (finds_all_asleep(look, tasks))
            return true;
        if (look->threads != self_live_count() && looks >= LEAVING_LOOKS)
            return false;
        raw_pause_ms(LEAVING_MS);
    }
    return false;
}

static bool agrees(struct look *look, long tasks)
{
    for (int rounds = 0; rounds < ROUNDS && first_look(look, tasks); rounds++) {
        uint64_t first = look->fingerprint;
        raw_pause_ms(BETWEEN_LOOKS_MS);
        if (finds_all_asleep(look, tasks) && look->fingerprint == first)
            return true;
    }
    return false;
}

/* Calls `ask` with room for a look and the folder of the threads of process `pid`.  Returns: its answer; false without. */
static bool with_tasks(pid_t pid, bool (*ask)(struct look *look, long tasks, void *ctx), void *ctx)
{
    char path[PROCESS_PATH_SIZE];
    process_path(path, pid, "/task");
    long block =
        raw_syscall(SYS_mmap, 0, sizeof(struct look), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block < 0)
        return false;
    long tasks = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    bool result = tasks >= 0 && ask((struct look *)block, tasks, ctx);
    if (tasks >= 0)
        raw_syscall(SYS_close, tasks, 0, 0, 0, 0, 0);
    raw_syscall(SYS_munmap, block, sizeof(struct look), 0, 0, 0, 0);
    return result;
}

static bool ask_all(struct look *look, long tasks, void *unused)
{
    (void)unused;
    pid_t own_tid = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    if (!looks(own_tid)) /* it does where a handler, or a jump out of one, has broken off an earlier look */
        replace_looker(0, own_tid);
    bool result = agrees(look, tasks);
    replace_looker(own_tid, 0);
    return result;
}

bool all_asleep(void)
{
    return with_tasks((pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), ask_all, NULL);
}

struct process_look {
    size_t threads;
    uint64_t *fingerprint;
};

static bool ask_process(struct look *look, long tasks, void *ctx)
{
    const struct process_look *wanted = ctx;
    bool is_asleep = look_at_all(look, tasks) && look->awake == 0 && look->threads == wanted->threads;
    *wanted->fingerprint = look->fingerprint;
    return is_asleep;
}

bool asleep_process(pid_t pid, size_t threads, uint64_t *fingerprint)
{
    struct process_look look = {threads, fingerprint};
    return with_tasks(pid, ask_process, &look);
}

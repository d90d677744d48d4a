#include "preload/helper_command.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/arena.h"
#include "preload/digits.h"
#include "preload/environment.h"
#include "preload/process_status.h"
#include "preload/raw_signal.h"
#include "preload/run_file.h"

enum {
    PATIENCE_MS = 5000,
    POLL_MS = 1,
    STACK_SIZE = 16384,
    ENVIRONMENT_SIZE = 65536,
    ENVIRONMENT_ENTRIES = 1024,
    ARGUMENTS = 1024,
    STANDARD_DESCRIPTORS = 3,
    STATUS_NOT_STARTED = 127,
};

/* Everything that one call needs; one mapping. */
struct errand {
    _Alignas(16) char keeper_stack[STACK_SIZE];
    _Alignas(16) char command_stack[STACK_SIZE];
    char path[PATH_MAX];
    const char *argv[ARGUMENTS];
    const char *envp[ENVIRONMENT_ENTRIES + 1];
    char offset[DIGITS_SIZE], length[DIGITS_SIZE];
    char environment[ENVIRONMENT_SIZE];
    int patience_ms;
    bool is_silent; /* else it prints to descriptor 2, which it has otherwise only where that is a terminal */
    int outcome;    /* wait status of the command; -1 when it did not run or not end */
};

/* The directory of our own library, absolute; "" when unknown. */
static char library_directory[PATH_MAX];

/* The environment with which the program began.  Its own array may be changing under another thread's hands, and the
 * kernel's copy is overwritten by programs that set their title (redis). */
static char *first_environment;
static size_t first_environment_size;

/* Reads the kernel's copy.  Returns: its size; ENVIRONMENT_SIZE - 1 at most, and a 0 follows. */
static size_t load_environment(char *environment)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/environ", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    size_t size = 0;
    long got = fd < 0 ? 0 : 1;
    while (got > 0 && size < ENVIRONMENT_SIZE - 1) {
        got = raw_syscall(SYS_read, fd, (long)(environment + size), (long)(ENVIRONMENT_SIZE - 1 - size), 0, 0, 0);
        size += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return size;
}

static void keep_environment(void)
{
    first_environment = arena_alloc(ENVIRONMENT_SIZE);
    if (first_environment != NULL)
        first_environment_size = load_environment(first_environment);
}

void helper_init(void)
{
    keep_environment();
    Dl_info info;
    if (dladdr((void *)(uintptr_t)helper_print, &info) == 0 || info.dli_fname == NULL)
        return;
    /* The kernel makes the name absolute while the working directory is still the one it counts from. */
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)info.dli_fname, O_PATH | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return;
    char link[PROCESS_PATH_SIZE];
    process_fd_path(link, (int)fd);
    long length = raw_syscall(SYS_readlink, (long)link, (long)library_directory, sizeof library_directory - 1, 0, 0, 0);
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    library_directory[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(library_directory, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* ---- what to run ------------------------------------------------------------------------------------------------ */

static bool is_executable(const char *path)
{
    return raw_syscall(SYS_faccessat, AT_FDCWD, (long)path, X_OK, 0, 0, 0) == 0;
}

/* Tries `directory` + `relative`.  Returns: true with it in `path`. */
static bool try_path(char *path, const char *directory, const char *relative)
{
    size_t length = strlen(directory), more = strlen(relative) + 1;
    if (length == 0 || length + more > PATH_MAX)
        return false;
    memcpy(path, directory, length);
    memcpy(path + length, relative, more);
    return is_executable(path);
}

/* The library lies in lib/, lib/<architecture>/ or lib/lockhound/ beside bin/, installed or as built. */
static bool find_command(char *path, const char *const envp[])
{
    static const char variable[] = "LOCKHOUND_COMMAND_PATH";
    for (; *envp != NULL; envp++)
        if (environment_is(*envp, variable))
            return try_path(path, *envp + sizeof variable, "");
    return try_path(path, library_directory, "/../bin/lockhound") ||
           try_path(path, library_directory, "/../../bin/lockhound") ||
           try_path(path, library_directory, "/../../../bin/lockhound") || try_path(path, "/usr", "/bin/lockhound") ||
           try_path(path, "/usr/local", "/bin/lockhound");
}

/* Fills errand->environment: as it was at the start, or, when nobody kept that, as the kernel has it now. */
static size_t fill_environment(struct errand *errand)
{
    if (first_environment == NULL)
        return load_environment(errand->environment);
    memcpy(errand->environment, first_environment, first_environment_size);
    return first_environment_size;
}

static void read_environment(struct errand *errand)
{
    size_t size = fill_environment(errand);
    size_t count = 0;
    for (char *entry = errand->environment; entry < errand->environment + size; entry += strlen(entry) + 1) {
        bool is_ours = environment_is(entry, "LD_PRELOAD") || environment_is(entry, RUN_ENVIRONMENT_OPTIONS);
        if (!is_ours && strchr(entry, '=') != NULL && count < ENVIRONMENT_ENTRIES)
            errand->envp[count++] = entry;
    }
    errand->envp[count] = NULL;
}

static void write_arguments(struct errand *errand, const char *run_file, uint64_t offset, uint64_t length, bool summary)
{
    digits_write(errand->offset, offset);
    digits_write(errand->length, length);
    const char *const arguments[] = {
        errand->path,   "print",    run_file,       "--offset",
        errand->offset, "--length", errand->length, summary ? "--summary" : NULL,
        NULL,
    };
    memcpy(errand->argv, arguments, sizeof arguments);
}

/* ---- the keeper and the command; both run in our memory, so nothing but system calls ----------------------------- */

static long own_clone(int (*function)(void *), char *stack, int flags, void *argument)
{
    int saved = errno;
    long child = clone(function, stack + STACK_SIZE, flags, argument);
    long result = child < 0 ? -errno : child;
    errno = saved;
    return result;
}

static bool is_terminal(int fd)
{
    char settings[64]; /* the kernel's struct termios is smaller */
    return raw_syscall(SYS_ioctl, fd, TCGETS, (long)settings, 0, 0, 0) == 0;
}

/* All that the program has open stays its own. */
static void set_descriptors(bool is_silent)
{
    if (is_silent) {
        long null = raw_syscall(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0, 0, 0);
        int end = is_terminal(STDERR_FILENO) ? STDERR_FILENO : STANDARD_DESCRIPTORS;
        for (int fd = 0; fd < end; fd++)
            if (null < 0)
                raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0); /* no more may be opened: the loader will say so to nobody */
            else if (fd != null)
                raw_syscall(SYS_dup3, null, fd, 0, 0, 0, 0);
    } else {
        raw_syscall(SYS_dup3, STDERR_FILENO, STDOUT_FILENO, 0, 0, 0, 0);
    }
    raw_syscall(SYS_close_range, STANDARD_DESCRIPTORS, UINT_MAX, 0, 0, 0, 0);
}

static void set_standard_action(int number)
{
    const struct raw_sigaction standard = {0};
    raw_sigaction(number, &standard, NULL);
}

static int become_command(void *argument)
{
    struct errand *errand = argument;
    /* The handlers are the program's and must not run here; all is blocked until none is left. */
    for (int number = 1; number < _NSIG; number++)
        set_standard_action(number);
    raw_mask_change(SIG_SETMASK, 0);
    set_descriptors(errand->is_silent);
    raw_syscall(SYS_execve, (long)errand->path, (long)errand->argv, (long)errand->envp, 0, 0, 0);
    raw_syscall(SYS_exit_group, STATUS_NOT_STARTED, 0, 0, 0, 0, 0);
    return 0;
}

static void wait_for_command(struct errand *errand, long command)
{
    int status = -1;
    for (int waited = 0; waited < errand->patience_ms; waited += POLL_MS) {
        if (raw_syscall(SYS_wait4, command, (long)&status, WNOHANG, 0, 0, 0) != 0) {
            errand->outcome = status;
            return;
        }
        raw_pause_ms(POLL_MS);
    }
    raw_syscall(SYS_kill, command, SIGKILL, 0, 0, 0, 0);
    raw_syscall(SYS_wait4, command, 0, 0, 0, 0, 0);
}

static int keep(void *argument)
{
    struct errand *errand = argument;
    /* Where the program ignores it the command would end unheard.  The keeper's dispositions are copies. */
    set_standard_action(SIGCHLD);
    long command = own_clone(become_command, errand->command_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, errand);
    if (command > 0)
        wait_for_command(errand, command);
    raw_syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    return 0;
}

static void run_errand(struct errand *errand)
{
    uint64_t before = raw_mask_block_all();
    /* VFORK: this thread goes on when the keeper has ended; the others go on all the while. */
    long keeper = own_clone(keep, errand->keeper_stack, CLONE_VM | CLONE_VFORK, errand);
    if (keeper > 0)
        raw_syscall(SYS_wait4, keeper, 0, __WCLONE, 0, 0, 0);
    raw_mask_change(SIG_SETMASK, before);
}

/* Returns: an errand that can be run, or NULL. */
static struct errand *new_errand(int patience_ms)
{
    long block =
        raw_syscall(SYS_mmap, 0, sizeof(struct errand), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block < 0)
        return NULL;
    struct errand *errand = (struct errand *)block;
    errand->outcome = -1;
    errand->patience_ms = patience_ms;
    read_environment(errand);
    if (find_command(errand->path, errand->envp))
        return errand;
    raw_syscall(SYS_munmap, block, sizeof *errand, 0, 0, 0, 0);
    return NULL;
}

/* Runs it and frees it.  Returns: the exit status, or -1. */
static int finish_errand(struct errand *errand)
{
    run_errand(errand);
    int status = errand->outcome;
    raw_syscall(SYS_munmap, (long)errand, sizeof *errand, 0, 0, 0, 0);
    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool helper_print(const char *run_file, uint64_t offset, uint64_t length, bool summary)
{
    struct errand *errand = new_errand(PATIENCE_MS);
    if (errand == NULL)
        return false;
    write_arguments(errand, run_file, offset, length, summary);
    int status = finish_errand(errand);
    return status == 0 || status == LOCKHOUND_EXIT_FINDINGS;
}

int helper_run_silently(const char *const arguments[], int patience_ms)
{
    struct errand *errand = new_errand(patience_ms);
    if (errand == NULL)
        return -1;
    size_t count = 0;
    errand->argv[count++] = errand->path;
    while (*arguments != NULL && count < ARGUMENTS - 1)
        errand->argv[count++] = *arguments++;
    errand->argv[count] = NULL;
    errand->is_silent = true;
    int status = finish_errand(errand);
    return status == STATUS_NOT_STARTED ? -1 : status;
}

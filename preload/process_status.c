#include "preload/process_status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/digits.h"
#include "preload/raw.h"

/* From the state, field 3, to the parent, 4, the session, 6, and fields 20 and 22; see proc(5). */
enum { LINE_SIZE = 1024, STATUS_SIZE = 4096, FIELDS_SESSION_TO_THREADS = 14, FIELDS_THREADS_TO_START = 2 };

static const char *skip_fields(const char *at, int count)
{
    for (; count > 0; count--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    return at;
}

/* "PID (NAME) STATE ...", where NAME may hold anything. */
static bool parse(const char *line, struct process_status *status)
{
    const char *open = strchr(line, '('), *at = strrchr(line, ')');
    if (open == NULL || at == NULL || at < open || at[1] != ' ')
        return false;
    size_t length = (size_t)(at - open) - 1;
    length = length < PROCESS_NAME_SIZE ? length : PROCESS_NAME_SIZE - 1;
    memset(status, 0, sizeof *status);
    memcpy(status->name, open + 1, length);
    at += 2;
    bool is_zombie = *at == 'Z' || *at == 'X';
    at = skip_fields(at, 3);
    status->session = (pid_t)digits_read(at);
    at = skip_fields(at, FIELDS_SESSION_TO_THREADS);
    status->thread_count = digits_read(at);
    status->is_zombie = is_zombie && status->thread_count <= 1; /* or the first thread has ended before the others */
    at = skip_fields(at, FIELDS_THREADS_TO_START);
    if (*at < '0' || *at > '9')
        return false;
    status->start_time = digits_read(at);
    return true;
}

void process_path(char path[PROCESS_PATH_SIZE], pid_t pid, const char *file)
{
    stpcpy(digits_write(stpcpy(path, "/proc/"), (uint64_t)pid), file);
}

void process_fd_path(char path[PROCESS_PATH_SIZE], int fd)
{
    digits_write(stpcpy(path, "/proc/self/fd/"), (uint64_t)fd);
}

/* Reads as much of the file as there is room for.  Returns: false when there is nothing. */
static bool read_text(const char *path, char *text, size_t size)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return false;
    long got = raw_syscall(SYS_read, fd, (long)text, (long)size - 1, 0, 0, 0);
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

bool process_status_read(pid_t pid, struct process_status *status)
{
    char path[PROCESS_PATH_SIZE], line[LINE_SIZE];
    if (pid <= 0)
        return false;
    process_path(path, pid, "/stat");
    return read_text(path, line, sizeof line) && parse(line, status);
}

bool process_is_asleep(pid_t pid)
{
    static const char *const lines[] = {"\nState:\tS", "\nThreads:\t1\n", "\nSigPnd:\t0000000000000000\n",
                                        "\nShdPnd:\t0000000000000000\n"};
    char path[PROCESS_PATH_SIZE], text[STATUS_SIZE];
    if (pid <= 0)
        return false;
    process_path(path, pid, "/status");
    if (!read_text(path, text, sizeof text))
        return false;
    bool is_asleep = strstr(text, "\nCoreDumping:\t1") == NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        is_asleep = is_asleep && strstr(text, lines[i]) != NULL;
    return is_asleep;
}

/* Returns: false when there are none, or too many.  "PID PID ... " */
static bool read_children(pid_t pid, char *text, size_t size)
{
    char path[PROCESS_PATH_SIZE];
    process_path(path, pid, "/task/");
    stpcpy(digits_write(path + strlen(path), (uint64_t)pid), "/children");
    return read_text(path, text, size) && strlen(text) + 1 < size;
}

pid_t process_only_child(void)
{
    char text[64];
    pid_t own = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (!read_children(own, text, sizeof text) || *skip_fields(text, 1) != '\0')
        return 0;
    return (pid_t)digits_read(text);
}

bool process_has_children_only(pid_t pid, const pid_t *list, size_t count)
{
    char text[STATUS_SIZE];
    bool result = read_children(pid, text, sizeof text);
    for (const char *at = text; result && *at != '\0'; at = skip_fields(at, 1)) {
        size_t i = 0;
        while (i < count && list[i] != (pid_t)digits_read(at))
            i++;
        result = i < count;
    }
    return result;
}

pid_t process_of_descriptor(int fd)
{
    static const char field[] = "\nPid:\t";
    char path[PROCESS_PATH_SIZE], text[STATUS_SIZE];
    if (fd < 0)
        return 0;
    digits_write(stpcpy(path, "/proc/self/fdinfo/"), (uint64_t)fd);
    const char *at = read_text(path, text, sizeof text) ? strstr(text, field) : NULL;
    return at == NULL ? 0 : (pid_t)digits_read(at + sizeof field - 1); /* "-1" when it is gone */
}

uint64_t process_pid_space(void)
{
    struct stat status;
    long result = raw_syscall(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/ns/pid", (long)&status, 0, 0, 0);
    return result == 0 ? status.st_ino : 0;
}

bool process_is_traced(void)
{
    static const char field[] = "\nTracerPid:\t";
    char text[STATUS_SIZE];
    const char *at = read_text("/proc/self/status", text, sizeof text) ? strstr(text, field) : NULL;
    return at != NULL && at[sizeof field - 1] != '0';
}

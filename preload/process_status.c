#include "preload/process_status.h"

#include <fcntl.h>
#include <string.h>

#include "preload/raw.h"

/* From the state, field 3, to fields 20 and 22; see proc(5). */
enum { LINE_SIZE = 1024, STATUS_SIZE = 4096, FIELDS_TO_THREADS = 17, FIELDS_THREADS_TO_START = 2 };

static const char *skip_fields(const char *at, int count)
{
    for (; count > 0; count--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    return at;
}

static uint64_t read_number(const char *at)
{
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
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
    status->is_zombie = *at == 'Z' || *at == 'X';
    at = skip_fields(at, FIELDS_TO_THREADS);
    status->thread_count = read_number(at);
    at = skip_fields(at, FIELDS_THREADS_TO_START);
    if (*at < '0' || *at > '9')
        return false;
    status->start_time = read_number(at);
    return true;
}

/* Writes the number, and what follows it. */
static void write_number(char *to, int number, const char *end)
{
    char digits[12];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    stpcpy(mempcpy(to, digits + first, sizeof digits - first), end);
}

/* `file`: as "/stat". */
static void write_path(char *path, pid_t pid, const char *file)
{
    write_number(stpcpy(path, "/proc/"), pid, file);
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
    char path[32], line[LINE_SIZE];
    if (pid <= 0)
        return false;
    write_path(path, pid, "/stat");
    return read_text(path, line, sizeof line) && parse(line, status);
}

bool process_is_asleep(pid_t pid)
{
    static const char *const lines[] = {"\nState:\tS", "\nThreads:\t1\n", "\nSigPnd:\t0000000000000000\n",
                                        "\nShdPnd:\t0000000000000000\n"};
    char path[32], text[STATUS_SIZE];
    if (pid <= 0)
        return false;
    write_path(path, pid, "/status");
    if (!read_text(path, text, sizeof text))
        return false;
    bool is_asleep = strstr(text, "\nCoreDumping:\t1") == NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        is_asleep = is_asleep && strstr(text, lines[i]) != NULL;
    return is_asleep;
}

/* "PID PID ... " */
pid_t process_only_child(void)
{
    char path[64] = "/proc/self/task/", text[64];
    write_number(path + strlen(path), (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), "/children");
    if (!read_text(path, text, sizeof text))
        return 0;
    const char *next = skip_fields(text, 1);
    return *next == '\0' ? (pid_t)read_number(text) : 0;
}

pid_t process_of_descriptor(int fd)
{
    static const char field[] = "\nPid:\t";
    char path[64] = "/proc/self/fdinfo/", text[STATUS_SIZE];
    if (fd < 0)
        return 0;
    write_number(path + strlen(path), fd, "");
    const char *at = read_text(path, text, sizeof text) ? strstr(text, field) : NULL;
    return at == NULL ? 0 : (pid_t)read_number(at + sizeof field - 1); /* "-1" when it is gone */
}

bool process_is_traced(void)
{
    static const char field[] = "\nTracerPid:\t";
    char text[STATUS_SIZE];
    const char *at = read_text("/proc/self/status", text, sizeof text) ? strstr(text, field) : NULL;
    return at != NULL && at[sizeof field - 1] != '0';
}

#include "preload/mapping.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "preload/digits.h"
#include "preload/process_status.h"
#include "preload/raw.h"

enum { LINE_SIZE = MAPPING_PATH_SIZE + 128, PATH_COLUMN_FIELDS = 5 };

struct line_reader {
    long fd;
    size_t at, filled;
    char buffer[4096];
};

/* Returns: the next line without its newline, cut at the buffer's size; false at the end. */
static bool read_line(struct line_reader *reader, char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        if (reader->at == reader->filled) {
            long got = raw_syscall(SYS_read, reader->fd, (long)reader->buffer, sizeof reader->buffer, 0, 0, 0);
            if (got <= 0)
                return false;
            reader->filled = (size_t)got;
            reader->at = 0;
        }
        char c = reader->buffer[reader->at++];
        if (c == '\n')
            break;
        if (length + 1 < size)
            line[length++] = c;
    }
    line[length] = '\0';
    return true;
}

static const char *read_hexadecimal(const char *at, uintptr_t *number)
{
    *number = 0;
    for (;; at++) {
        unsigned digit;
        if (*at >= '0' && *at <= '9')
            digit = (unsigned)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            digit = (unsigned)(*at - 'a') + 10;
        else
            return at;
        *number = *number << 4 | digit;
    }
}

/* "offset major:minor inode ..." */
static void parse_file(const char *at, struct mapping *mapping)
{
    uintptr_t major = 0, minor = 0;
    at = read_hexadecimal(at, &mapping->offset);
    at = read_hexadecimal(*at == ' ' ? at + 1 : at, &major);
    at = read_hexadecimal(*at == ':' ? at + 1 : at, &minor);
    mapping->device = makedev((unsigned)major, (unsigned)minor);
    mapping->inode = digits_read(*at == ' ' ? at + 1 : at);
}

/* "low-high rwxp offset dev inode   path" */
static void parse_mapping(const char *line, struct mapping *mapping)
{
    enum { PERMISSIONS = sizeof " rwxp " - 1 };
    const char *at = read_hexadecimal(line, &mapping->low);
    at = read_hexadecimal(at + 1, &mapping->high);
    mapping->shared = strlen(at) > 4 && at[4] == 's';
    mapping->executable = strlen(at) > 4 && at[3] == 'x';
    parse_file(strlen(at) > PERMISSIONS ? at + PERMISSIONS : "", mapping);
    for (int field = 0; field < PATH_COLUMN_FIELDS && *at != '\0'; field++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    size_t length = strnlen(at, MAPPING_PATH_SIZE - 1);
    memcpy(mapping->path, at, length);
    mapping->path[length] = '\0';
}

/* Reads the list at `path` until `fits`.  Returns: true and the mapping that did; MAPPING_UNREADABLE without a list. */
static enum mapping_answer search(const char *path, bool (*fits)(const void *ctx, const struct mapping *mapping),
                                  const void *ctx, struct mapping *mapping)
{
    struct line_reader reader = {.fd = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0)};
    if (reader.fd < 0)
        return MAPPING_UNREADABLE;
    char line[LINE_SIZE];
    bool found = false;
    while (!found && read_line(&reader, line, sizeof line)) {
        parse_mapping(line, mapping);
        found = fits(ctx, mapping);
    }
    raw_syscall(SYS_close, reader.fd, 0, 0, 0, 0, 0);
    return found ? MAPPING_YES : MAPPING_NO;
}

static bool holds_address(const void *address, const struct mapping *mapping)
{
    uintptr_t at = *(const uintptr_t *)address;
    return at >= mapping->low && at < mapping->high;
}

bool mapping_find(uintptr_t address, struct mapping *mapping)
{
    return search("/proc/self/maps", holds_address, &address, mapping) == MAPPING_YES;
}

struct files {
    const struct file_identity *list;
    size_t count;
};

static bool is_of_files(const void *ctx, const struct mapping *mapping)
{
    const struct files *files = ctx;
    for (size_t i = 0; i < files->count; i++)
        if (files->list[i].device == mapping->device && files->list[i].inode == mapping->inode)
            return true;
    return false;
}

enum mapping_answer mapping_of_process(pid_t pid, const struct file_identity *list, size_t count)
{
    char path[PROCESS_PATH_SIZE];
    struct mapping mapping;
    const struct files files = {list, count};
    process_path(path, pid, "/maps");
    return search(path, is_of_files, &files, &mapping);
}

bool mapping_is_shared(uintptr_t address)
{
    struct mapping mapping;
    return !mapping_find(address, &mapping) || mapping.shared;
}

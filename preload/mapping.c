#include "preload/mapping.h"

#include "preload/raw.h"

#include <fcntl.h>
#include <stddef.h>

enum { MAPPING_BUFFER_SIZE = 1024 };

/* One line of /proc/self/maps, taken byte by byte so that no line need fit into a buffer:
 * "7f0000-7f1000 rw-s 00000000 08:01 42 /path\n". */
struct line {
    enum { FIELD_LOW, FIELD_HIGH, FIELD_MODE, FIELD_REST } field;
    uintptr_t low, high;
    char mode; /* the last letter of the permissions: p or s */
};

static uintptr_t append_digit(uintptr_t number, char digit)
{
    return number << 4 | (uintptr_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void take_byte(struct line *line, char byte)
{
    switch (line->field) {
    case FIELD_LOW:
        if (byte == '-')
            line->field = FIELD_HIGH;
        else
            line->low = append_digit(line->low, byte);
        break;
    case FIELD_HIGH:
        if (byte == ' ')
            line->field = FIELD_MODE;
        else
            line->high = append_digit(line->high, byte);
        break;
    case FIELD_MODE:
        if (byte == ' ')
            line->field = FIELD_REST;
        else
            line->mode = byte;
        break;
    case FIELD_REST:
        break;
    }
}

bool mapping_is_shared(uintptr_t address)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return true;

    char buffer[MAPPING_BUFFER_SIZE];
    struct line line = {0};
    bool found = false;
    long size;
    while (!found && (size = raw_syscall(SYS_read, fd, (long)buffer, sizeof buffer, 0, 0, 0)) > 0) {
        for (long i = 0; i < size && !found; i++) {
            take_byte(&line, buffer[i]);
            found = line.field == FIELD_REST && line.low <= address && address < line.high;
            if (buffer[i] == '\n')
                line = (struct line){0};
        }
    }
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return !found || line.mode == 's';
}

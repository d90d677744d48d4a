#include "preload/thread_records.h"

#include <fcntl.h>
#include <string.h>

#include "preload/arena.h"
#include "preload/digits.h"
#include "preload/process_status.h"
#include "preload/ranks.h"
#include "preload/raw.h"

enum { SEGMENT_SHIFT = 8, SEGMENTS = THREAD_RECORDS_MAX >> SEGMENT_SHIFT };

static struct thread_record *segments[SEGMENTS];

/* holds(OWN_RANK_SELVES).  Returns: the place of that number, whoever stands in it; NULL when there is no memory. */
static struct thread_record *place_of(struct thread_id id)
{
    uint32_t at = id.v % THREAD_RECORDS_MAX;
    struct thread_record **segment = &segments[at >> SEGMENT_SHIFT];
    if (*segment == NULL)
        *segment = arena_alloc(sizeof **segment << SEGMENT_SHIFT);
    return *segment == NULL ? NULL : &(*segment)[at & ((1u << SEGMENT_SHIFT) - 1)];
}

void thread_records_add(const struct thread_record *record)
{
    rank_enter(OWN_RANK_SELVES);
    struct thread_record *place = place_of(record->id);
    if (place != NULL)
        *place = *record;
    rank_leave(OWN_RANK_SELVES);
}

void thread_records_set_tid(struct thread_id id, pid_t tid)
{
    rank_enter(OWN_RANK_SELVES);
    struct thread_record *place = place_of(id);
    if (place != NULL && place->id.v == id.v)
        place->tid = tid;
    rank_leave(OWN_RANK_SELVES);
}

void thread_records_set_name(struct thread_id id, const char *name)
{
    rank_enter(OWN_RANK_SELVES);
    struct thread_record *place = place_of(id);
    if (place != NULL && place->id.v == id.v) {
        size_t length = strnlen(name, THREAD_NAME_SIZE - 1);
        memcpy(place->name, name, length);
        place->name[length] = '\0';
    }
    rank_leave(OWN_RANK_SELVES);
}

static size_t read_comm(const char *path, char *name)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return 0;
    long length = raw_syscall(SYS_read, fd, (long)name, THREAD_NAME_SIZE, 0, 0, 0);
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    if (length > 0 && name[length - 1] == '\n')
        length--;
    return length > 0 && length < THREAD_NAME_SIZE ? (size_t)length : 0;
}

void thread_records_read_name(struct thread_id id, pid_t tid)
{
    char path[PROCESS_PATH_SIZE], name[THREAD_NAME_SIZE + 1] = "", inherited[THREAD_NAME_SIZE + 1] = "";
    stpcpy(digits_write(stpcpy(path, "/proc/self/task/"), (uint64_t)tid), "/comm");
    size_t length = read_comm(path, name), inherited_length = read_comm("/proc/self/comm", inherited);
    name[length] = '\0';
    /* A thread that was given no name has that of the process, which says nothing. */
    if (length > 0 && (length != inherited_length || memcmp(name, inherited, length) != 0))
        thread_records_set_name(id, name);
}

bool thread_records_get(struct thread_id id, struct thread_record *record)
{
    rank_enter(OWN_RANK_SELVES);
    const struct thread_record *place = id.v == 0 ? NULL : place_of(id);
    bool found = place != NULL && place->id.v == id.v;
    if (found)
        *record = *place;
    rank_leave(OWN_RANK_SELVES);
    return found;
}

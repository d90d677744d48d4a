#include "preload/intercept/descriptor_table.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "preload/intercept/process.h"
#include "preload/process_status.h"
#include "preload/raw.h"
#include "preload/weave/callers.h"
#include "preload/weave/memory_events.h"
#include "preload/weave/plane.h"

enum {
    FIRST = STDERR_FILENO + 1,
    NUMBERS = 1 << 20 /* as far as the kernel goes by default: fs.nr_open */,
    PLACE_SIZE = 8,
    KIND_SIZE = 24,
    LINK_SIZE = 64
};

enum state {
    STATE_UNKNOWN, /* never given out or closed by a call that was seen */
    STATE_OPEN,
    STATE_CLOSED
};

struct number {
    _Atomic uint32_t state, opened_at, opened_by; /* enum state, stack, thread */
};
static struct number entries[NUMBERS];

/* Nothing is stored in it: a number's bytes are its place. */
static uint8_t places[NUMBERS][PLACE_SIZE];

static _Atomic uint32_t highest; /* number met */
static _Atomic bool have_parted;

/* Relaxed throughout: the numbers themselves are ordered by the kernel, and these words are hints beside the engine's. */
#define LOAD(word)         atomic_load_explicit(&(word), memory_order_relaxed)
#define STORE(word, value) atomic_store_explicit(&(word), (value), memory_order_relaxed)

static bool is_watched(unsigned number)
{
    return number >= FIRST && number < NUMBERS && !LOAD(have_parted);
}

static void meet(unsigned number)
{
    uint32_t known = LOAD(highest);
    bool is_said = known >= number;
    while (!is_said)
        is_said = atomic_compare_exchange_weak_explicit(&highest, &known, number, memory_order_relaxed,
                                                        memory_order_relaxed) ||
                  known >= number;
}

static void drop_history(struct self *self, unsigned number)
{
    memory_fresh(self, (uintptr_t)places[number], (uintptr_t)places[number] + PLACE_SIZE);
}

static bool is_open(int fd)
{
    return raw_syscall(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0;
}

/* A number that was closed and is open has been given out unseen. */
static void look_for_reuse(struct self *self, unsigned number)
{
    if (LOAD(entries[number].state) != STATE_CLOSED || !is_open((int)number))
        return;
    drop_history(self, number);
    STORE(entries[number].opened_at, 0);
    STORE(entries[number].opened_by, 0);
    STORE(entries[number].state, STATE_OPEN);
}

void descriptor_uses(struct self *self, int fd, struct stack_id at)
{
    unsigned number = (unsigned)fd;
    if (!is_watched(number) || !memory_is_watched(self))
        return;
    look_for_reuse(self, number);
    if (race_is_noted(&self->plane->race, (uintptr_t)places[number])) /* used in this epoch, or closed */
        return;
    meet(number);
    memory_access(self, places[number], 1, 0, callers_of(at));
}

static void close_one(struct self *self, unsigned number, struct stack_id at)
{
    look_for_reuse(self, number);
    memory_access(self, places[number], 1, RACE_WRITE, callers_of(at));
    STORE(entries[number].state, STATE_CLOSED);
}

/* A child of vfork() shares our memory, but has descriptors of its own. */
void descriptor_closes(struct self *self, int fd, struct stack_id at)
{
    unsigned number = (unsigned)fd;
    if (!is_watched(number) || !memory_is_watched(self) || !process_is_ours())
        return;
    meet(number);
    close_one(self, number, at);
}

void descriptor_closes_range(struct self *self, unsigned low, unsigned high, struct stack_id at)
{
    if (!memory_is_watched(self) || !process_is_ours())
        return;
    unsigned last = LOAD(highest);
    last = high < last ? high : last;
    for (unsigned number = low < FIRST ? FIRST : low; number <= last && is_watched(number); number++)
        if (is_open((int)number))
            close_one(self, number, at);
}

void descriptor_opened(struct self *self, int fd, struct stack_id at)
{
    unsigned number = (unsigned)fd;
    if (!is_watched(number) || !memory_is_watched(self) || !process_is_ours())
        return;
    meet(number);
    if (LOAD(entries[number].state) != STATE_CLOSED)
        drop_history(self, number);
    STORE(entries[number].opened_at, at.v);
    STORE(entries[number].opened_by, thread_identity(self->thread).v);
    STORE(entries[number].state, STATE_OPEN);
}

void descriptor_tables_part(void)
{
    STORE(have_parted, true);
}

/* ---- reports ------------------------------------------------------------------------------------------------------- */

bool descriptor_is_place(uint64_t address)
{
    return address - (uint64_t)(uintptr_t)places < sizeof places;
}

static unsigned number_at(uint64_t address)
{
    return (unsigned)((address - (uint64_t)(uintptr_t)places) / PLACE_SIZE);
}

void descriptor_tell_opening(struct finding_memory *memory)
{
    const struct number *entry = &entries[number_at(memory->address)];
    memory->alloc_stack = (struct stack_id){LOAD(entry->opened_at)};
    memory->alloc_thread = (struct thread_id){LOAD(entry->opened_by)};
}

/* "eventfd" of "anon_inode:[eventfd]"; "" when it is none. */
static void find_nameless_kind(unsigned number, char kind[KIND_SIZE])
{
    char link[PROCESS_PATH_SIZE], target[LINK_SIZE];
    process_fd_path(link, (int)number);
    long length = raw_syscall(SYS_readlink, (long)link, (long)target, sizeof target, 0, 0, 0);
    static const char prefix[] = "anon_inode:";
    size_t to = 0;
    for (long i = (long)sizeof prefix - 1; i < length && to < KIND_SIZE - 1; i++)
        if (target[i] != '[' && target[i] != ']')
            kind[to++] = target[i];
    kind[to] = '\0';
}

/* Words that complete "is ...": "" for one that is closed by now. */
static const char *kind_of(unsigned number, char room[KIND_SIZE])
{
    struct stat status;
    if (raw_syscall(SYS_fstat, (long)number, (long)&status, 0, 0, 0, 0) != 0)
        return "";
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        return "socket";
    case S_IFIFO:
        return "pipe";
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFCHR:
    case S_IFBLK:
        return "device";
    default:
        find_nameless_kind(number, room);
        return room;
    }
}

void descriptor_describe(struct text *text, uint64_t address)
{
    char room[KIND_SIZE];
    unsigned number = number_at(address);
    text_string(text, "{\"in\":\"descriptor\",\"number\":");
    text_number(text, number);
    text_string(text, ",\"kind\":");
    text_json_string(text, kind_of(number, room));
    text_string(text, "}");
}

#include "preload/trace.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "detector/held.h"
#include "detector/registry.h"
#include "detector/thread.h"
#include "detector/trace_write.h"
#include "preload/lockhound.h"
#include "preload/modules.h"
#include "preload/own_file.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/sink.h"
#include "preload/symbolic.h"
#include "preload/text.h"

/* Locks that a child is known to hold at its beginning. */
enum { HELD_MOST = 32 };
enum { TRACE_FILE_MODE = 0600, SITE_SIZE = 256, LINE_SIZE = TRACE_EVENT_MAX + SITE_SIZE };

static struct own_file file;
static bool is_child; /* of a process of this run: FILE is not ours */

/* ---- the file ---- */

static long open_path(const char *path, int more_flags)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | more_flags;
    return raw_syscall(SYS_openat, AT_FDCWD, (long)path, flags, TRACE_FILE_MODE, 0, 0);
}

/* Returns: false for a terminal, a pipe, /dev/null: those are written by all processes alike. */
static bool is_file(const char *path)
{
    struct stat status = {0};
    return raw_syscall(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, 0, 0, 0) != 0 || S_ISREG(status.st_mode);
}

/* Returns: FILE.PID, open, or -errno. */
static long open_of_child(const char *path, int more_flags)
{
    if (!is_file(path))
        return open_path(path, 0);
    struct text name = {0};
    text_string(&name, path);
    text_string(&name, ".");
    text_number(&name, (uint64_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
    long fd = name.failed ? -1 : open_path(name.at, more_flags);
    text_release(&name);
    return fd;
}

/* The lock says that a process of the run writes FILE; it goes with the last descriptor, thus with the process or with
 * exec: the program that takes its place begins the file anew. */
static long open_first(const char *path)
{
    long fd = open_path(path, 0);
    if (fd < 0 || !is_file(path))
        return fd;
    if (raw_syscall(SYS_flock, fd, LOCK_EX | LOCK_NB, 0, 0, 0, 0) == 0) {
        raw_syscall(SYS_ftruncate, fd, 0, 0, 0, 0, 0);
        return fd;
    }
    raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    is_child = true;
    return open_of_child(path, O_TRUNC);
}

static bool is_open(void)
{
    if (own_file_is_ours(&file))
        return true;
    const char *path = lockhound.options.trace;
    long fd = is_child ? open_of_child(path, 0) : open_path(path, 0);
    return fd >= 0 && own_file_take(&file, fd) == 0;
}

void trace_init(void)
{
    const char *path = lockhound.options.trace;
    if (path[0] == '\0')
        return;
    long fd = open_first(path);
    lockhound.tracing = fd >= 0 && own_file_take(&file, fd) == 0;
    if (!lockhound.tracing)
        sink_complain("cannot write the trace to", path, strlen(path));
}

/* ---- a line ---- */

/* Where in the program the event happened, as "name+0x12" or "file:12". */
static void write_site(struct text *site, const struct frame *frame)
{
    const struct symbolic *symbolic = frame->module == FRAME_SYMBOLIC ? symbolic_get(frame->pc) : NULL;
    if (symbolic != NULL) {
        text_string(site, symbolic->file);
        text_string(site, ":");
        text_number(site, symbolic->line);
        return;
    }
    const struct module *module = module_by_id(frame->module);
    if (module != NULL) {
        const char *slash = strrchr(module->path, '/');
        text_string(site, slash != NULL ? slash + 1 : module->path);
        text_string(site, "+");
    }
    text_hexadecimal(site, frame->pc - (module != NULL ? module->bias : 0));
}

void trace_access(struct self *self, const struct event *event, const struct frame *at)
{
    struct event complete = *event;
    complete.thread = thread_identity(self->thread).v;

    struct text site = {0};
    if (at != NULL && at->pc != 0)
        write_site(&site, at);
    char line[LINE_SIZE];
    size_t length = trace_write_event(line, sizeof line, &complete, site.length > 0 && !site.failed ? site.at : NULL);
    text_release(&site);

    rank_enter(OWN_RANK_TRACE);
    if (is_open())
        raw_write_all((int)file.fd, line, length);
    rank_leave(OWN_RANK_TRACE);
}

/* At the innermost frame of its stack. */
void trace_event(struct self *self, const struct event *event)
{
    const struct interned_stack *stack = stacks_get(event->at);
    trace_access(self, event, stack == NULL || stack->depth == 0 ? NULL : &stack->frames[0]);
}

/* ---- events by operand ---- */

void trace_plain(struct self *self, enum event_kind kind, struct stack_id at)
{
    trace_event(self, &(struct event){.kind = kind, .at = at});
}

void trace_number(struct self *self, enum event_kind kind, uint64_t number)
{
    trace_event(self, &(struct event){.kind = kind, .object = number});
}

void trace_thread(struct self *self, enum event_kind kind, uint32_t flags, const struct self *target,
                  struct stack_id at)
{
    uint32_t label = thread_identity(target->thread).v;
    trace_event(self, &(struct event){.kind = kind, .flags = flags, .target = label, .at = at});
}

void trace_object(struct self *self, enum event_kind kind, uint32_t flags, const struct object *object,
                  struct stack_id at)
{
    trace_event(self, &(struct event){.kind = kind, .flags = flags, .object = object->address, .at = at});
}

void trace_condition(struct self *self, enum event_kind kind, uint32_t flags, const struct object *cond,
                     const struct object *mutex, struct stack_id at)
{
    trace_event(self, &(struct event){
                          .kind = kind, .flags = flags, .object = cond->address, .mutex = mutex->address, .at = at});
}

void trace_memory(struct self *self, enum event_kind kind, uint64_t low, uint64_t high, struct stack_id at)
{
    trace_event(self,
                &(struct event){.kind = kind, .flags = EVENT_HAS_SIZE, .object = low, .size = high - low, .at = at});
}

static uint32_t flags_of_traits(const struct object_traits *traits)
{
    static const uint32_t types[] = {
        [MUTEX_NORMAL] = 0,
        [MUTEX_RECURSIVE] = EVENT_RECURSIVE,
        [MUTEX_ERRORCHECK] = EVENT_ERRORCHECK,
        [MUTEX_ADAPTIVE] = EVENT_ADAPTIVE,
    };
    return types[traits->type] | (traits->robust ? EVENT_ROBUST : 0u) |
           (traits->process_shared ? EVENT_PROCESS_SHARED : 0u) |
           (traits->prefers_writers ? EVENT_PREFERS_WRITERS : 0u) | (traits->is_static ? EVENT_STATIC : 0u) |
           (traits->schedules ? EVENT_SCHEDULES : 0u);
}

void trace_traits(struct self *self, enum object_kind kind, uint64_t address, const struct object_traits *traits,
                  struct stack_id at)
{
    uint32_t flags = EVENT_HAS_KIND | flags_of_traits(traits);
    if (kind == OBJECT_SEMAPHORE || kind == OBJECT_BARRIER)
        flags |= EVENT_HAS_COUNT;
    trace_event(self, &(struct event){.kind = EVENT_INIT,
                                      .flags = flags,
                                      .object = address,
                                      .object_kind = kind,
                                      .count = traits->count,
                                      .at = at});
}

/* Returns: EVENT_TRY for an acquisition that was not asked for; remembers what is asked for now. */
static uint32_t flag_of_try(struct self *self, bool is_request, bool is_acquisition, const struct object *object)
{
    bool is_try = is_acquisition && self->traced_request != object;
    if (is_request || is_acquisition)
        self->traced_request = is_request ? object : NULL;
    return is_try ? EVENT_TRY : 0u;
}

void trace_semaphore(struct self *self, enum event_kind kind, uint32_t flags, const struct object *sem,
                     struct stack_id at)
{
    flags |= flag_of_try(self, kind == EVENT_SEM_REQUEST, kind == EVENT_SEM_ACQUIRE, sem);
    trace_object(self, kind, flags, sem, at);
}

void trace_lock(struct self *self, enum event_kind kind, uint32_t flags, const struct object *object,
                enum lock_mode mode, struct stack_id at)
{
    flags |= EVENT_HAS_KIND | (mode == LOCK_SHARED ? EVENT_SHARED : 0u);
    flags |= flag_of_try(self, kind == EVENT_REQUEST, kind == EVENT_ACQUIRE, object);
    trace_event(self,
                &(struct event){
                    .kind = kind, .flags = flags, .object = object->address, .object_kind = object->kind, .at = at});
}

void trace_fork_child(struct self *self)
{
    own_file_close(&file);
    is_child = true;
    trace_plain(self, EVENT_CHILD, (struct stack_id){0});
    struct held_lock held[HELD_MOST];
    size_t count = held_copy(&self->thread->seat->held, false, held, HELD_MOST);
    for (size_t i = 0; i < count && i < HELD_MOST; i++)
        trace_event(self, &(struct event){.kind = EVENT_ACQUIRE,
                                          .flags = EVENT_TRY | EVENT_HAS_KIND |
                                                   (held[i].mode == LOCK_SHARED ? EVENT_SHARED : 0u),
                                          .object = held[i].object.address,
                                          .object_kind = held[i].object.kind,
                                          .at = held[i].stack});
}

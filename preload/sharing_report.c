#include "preload/sharing_report.h"

#include <string.h>

#include "preload/arena.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/record_members.h"
#include "preload/run_file.h"
#include "preload/sharing.h"
#include "preload/sink.h"

enum { MODULES_MAX = 128, MODULES_FROM = 1 << 20 /* beyond this process's own numbers */ };

/* A lock of a party, looked up. */
struct shared_lock {
    uint32_t number;
    bool is_read;
    struct commons_identity identity;
    struct commons_stack stack, init_stack; /* init_stack: of a private one */
};

struct shared_party {
    struct commons_party party;
    struct commons_process process;
    struct shared_lock wanted, held[COMMONS_HELD_MAX];
    uint32_t held_count;
};

struct shared_finding {
    enum finding_kind kind;
    bool is_certain_hang;
    const char *detail;       /* "" or static storage */
    struct commons_rest rest; /* of all that sleep, when it is no circle */
    uint32_t count;
    struct shared_party parties[COMMONS_CIRCLE_MAX];
    uint32_t module_count;
    uint32_t module_numbers[MODULES_MAX];
    struct commons_module modules[MODULES_MAX];
};

/* ---- gathering ---------------------------------------------------------------------------------------------------- */

static void gather_module(struct commons *c, struct shared_finding *f, uint32_t number)
{
    for (uint32_t i = 0; i < f->module_count; i++)
        if (f->module_numbers[i] == number)
            return;
    if (number == 0 || f->module_count == MODULES_MAX || !commons_get_module(c, number, &f->modules[f->module_count]))
        return;
    f->module_numbers[f->module_count++] = number;
}

static void gather_stack(struct commons *c, struct shared_finding *f, uint32_t number, struct commons_stack *stack)
{
    if (!commons_get_stack(c, number, stack))
        stack->depth = 0;
    for (uint32_t i = 0; i < stack->depth; i++)
        gather_module(c, f, stack->frames[i].module);
}

static void gather_lock(struct commons *c, struct shared_finding *f, const struct commons_lock *lock,
                        struct shared_lock *out)
{
    out->number = lock->identity;
    out->is_read = lock->is_shared != 0;
    if (!commons_get_identity(c, lock->identity, &out->identity))
        memset(&out->identity, 0, sizeof out->identity);
    gather_stack(c, f, lock->stack, &out->stack);
    if (commons_is_private(lock->identity)) {
        gather_stack(c, f, (uint32_t)out->identity.init_stack, &out->init_stack);
        gather_module(c, f, out->identity.place.module);
    }
}

/* Nothing else is in its process that could act; a signal handler may post a semaphore, and the kernel itself refuses to
 * close a circle of file ranges. */
static bool waits_for_ever(const struct shared_finding *f, const struct shared_party *p)
{
    uint64_t kind = p->wanted.identity.key.kind;
    uint32_t threads = 0;
    for (uint32_t i = 0; i < f->count; i++)
        threads += f->parties[i].party.process == p->party.process;
    return p->party.threads == threads && kind != OBJECT_SEMAPHORE && kind != SHARING_FILE_RANGE;
}

/* Who holds the end that `lock` stands for is in the circle, too. */
static void name_end(const struct shared_finding *f, struct shared_lock *lock)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const struct commons_process *process = &f->parties[i].process;
        if (commons_end_of(process->pid, process->start_time).identity == lock->number) {
            lock->identity.key.kind = SHARING_PROCESS_END;
            lock->identity.key.offset = (uint64_t)process->pid;
            memcpy(lock->identity.path, process->name, sizeof process->name);
        }
    }
}

struct shared_finding *sharing_report_gather(struct commons *c, enum finding_kind kind,
                                             const struct commons_circle *circle)
{
    struct shared_finding *f = arena_alloc(sizeof *f);
    if (f == NULL)
        return NULL;
    f->kind = kind;
    f->detail = "";
    f->count = circle->count;
    f->is_certain_hang = kind == FINDING_DEADLOCK;
    for (uint32_t i = 0; i < circle->count; i++) {
        struct shared_party *p = &f->parties[i];
        p->party = circle->parties[i];
        if (!commons_get_process(c, p->party.process, &p->process))
            memset(&p->process, 0, sizeof p->process);
        gather_lock(c, f, &p->party.wanted, &p->wanted);
        for (uint32_t k = 0; k < p->party.held_count; k++)
            if (!commons_is_end(p->party.held[k].identity)) /* goes without saying */
                gather_lock(c, f, &p->party.held[k], &p->held[p->held_count++]);
    }
    for (uint32_t i = 0; i < f->count; i++)
        f->is_certain_hang = f->is_certain_hang && waits_for_ever(f, &f->parties[i]);
    for (uint32_t i = 0; i < f->count; i++)
        if (commons_is_end(f->parties[i].wanted.number))
            name_end(f, &f->parties[i].wanted);
    return f;
}

/* As detector/asleep.c says it of one process. */
static const char *detail_of(const struct shared_finding *f)
{
    static const char *const details[OBJECT_KIND_COUNT] = {
        [OBJECT_BARRIER] = "a barrier lacks threads that were to arrive",
        [OBJECT_COND] = "a condition is waited for that nobody is left to signal",
        [OBJECT_SEMAPHORE] = "a semaphore is waited for that nobody is left to post",
    };
    for (uint32_t i = 0; i < f->count; i++) {
        uint64_t kind = f->parties[i].wanted.identity.key.kind;
        if (f->parties[i].wanted.number <= COMMONS_IDENTITIES && kind < OBJECT_KIND_COUNT && details[kind] != NULL)
            return details[kind];
    }
    return "";
}

static void name_end_at_rest(struct commons *c, const struct commons_rest *rest, struct shared_lock *lock)
{
    struct commons_process process;
    lock->identity.key.kind = SHARING_PROCESS_END;
    for (uint32_t i = 0; i < rest->count; i++) {
        const struct commons_rest_member *m = &rest->members[i];
        bool is_named = commons_end_of(m->pid, m->start_time).identity == lock->number &&
                        commons_get_process(c, m->process, &process);
        if (is_named) {
            lock->identity.key.offset = (uint64_t)m->pid;
            memcpy(lock->identity.path, process.name, sizeof process.name);
        }
    }
}

struct shared_finding *sharing_report_gather_rest(struct commons *c, const struct commons_circle *shown,
                                                  const struct commons_rest *rest)
{
    struct shared_finding *f = sharing_report_gather(c, FINDING_DEADLOCK, shown);
    if (f == NULL)
        return NULL;
    f->rest = *rest;
    f->detail = detail_of(f);
    f->is_certain_hang = true;
    for (uint32_t i = 0; i < rest->count; i++)
        f->is_certain_hang = f->is_certain_hang && rest->members[i].traits == 0;
    for (uint32_t i = 0; i < f->count; i++)
        if (commons_is_end(f->parties[i].wanted.number))
            name_end_at_rest(c, rest, &f->parties[i].wanted);
    return f;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void record_foreign_module(struct text *text, pid_t pid, uint32_t number, const struct commons_module *m)
{
    _Static_assert(sizeof m->build_id <= RECORD_BUILD_ID_SIZE, "any module's can be written");
    record_begin(text, RUN_RECORD_MODULE, pid);
    record_number(text, "id", MODULES_FROM + number);
    record_string(text, "path", m->path);
    record_build_id(text, m->build_id, m->build_id_size);
    record_string(text, "bias", "0x0");
    record_end(text);
}

static const struct commons_module *find_module(const struct shared_finding *f, uint32_t number)
{
    for (uint32_t i = 0; i < f->module_count; i++)
        if (f->module_numbers[i] == number)
            return &f->modules[i];
    return NULL;
}

static void append_frame(struct text *text, const struct shared_finding *f, const struct commons_frame *frame)
{
    const struct commons_module *m = find_module(f, frame->module);
    if (m != NULL && m->function[0] != '\0') {
        text_string(text, "{\"function\":");
        text_json_string(text, m->function);
        record_string(text, "file", m->path);
        record_number(text, "line", frame->offset);
        text_string(text, "}");
        return;
    }
    text_string(text, "[");
    text_number(text, m == NULL ? 0 : MODULES_FROM + frame->module);
    text_string(text, ",");
    text_number(text, frame->offset);
    text_string(text, frame->exact ? ",1]" : "]");
}

static void member_frames(struct text *text, const struct shared_finding *f, const char *name,
                          const struct commons_stack *stack)
{
    record_key(text, name);
    text_string(text, "[");
    for (uint32_t i = 0; i < stack->depth; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_frame(text, f, &stack->frames[i]);
    }
    text_string(text, "]");
}

static void append_party(struct text *text, const struct shared_finding *f, const struct shared_party *p,
                         const char *role)
{
    text_string(text, "{\"role\":\"");
    text_string(text, role);
    text_string(text, "\"");
    record_number(text, "pid", (uint64_t)p->process.pid);
    record_number(text, "thread", p->party.thread);
    member_frames(text, f, "stack", &p->wanted.stack);
    record_number(text, "object", p->wanted.number);
    record_string(text, "mode", p->wanted.is_read ? "shared" : "exclusive");
    record_bool(text, "timed", false);
    record_number(text, "signal", 0);
    record_key(text, "held");
    text_string(text, "[");
    for (uint32_t i = 0; i < p->held_count; i++) {
        text_string(text, i == 0 ? "{\"object\":" : ",{\"object\":");
        text_number(text, p->held[i].number);
        record_string(text, "mode", p->held[i].is_read ? "shared" : "exclusive");
        member_frames(text, f, "stack", &p->held[i].stack);
        text_string(text, "}");
    }
    text_string(text, "]}");
}

static const char *kind_name(uint64_t kind)
{
    if (kind == SHARING_FILE_RANGE || kind == SHARING_WHOLE_FILE)
        return "file lock";
    if (kind == SHARING_PROCESS_END)
        return "process";
    return kind < OBJECT_KIND_COUNT ? object_kind_name((enum object_kind)kind) : "lock";
}

static void append_place(struct text *text, const struct shared_lock *lock)
{
    const struct commons_frame *place = &lock->identity.place;
    if (!commons_is_private(lock->number)) {
        text_string(text, "{\"in\":\"shared\",\"path\":");
        text_json_string(text, lock->identity.path);
    } else if (place->module != 0) {
        text_string(text, "{\"in\":\"static\",\"module\":");
        text_number(text, MODULES_FROM + place->module);
        record_address(text, "offset", place->offset);
    } else {
        text_string(text, "{\"in\":\"unknown\"");
    }
    text_string(text, "}");
}

static void append_object(struct text *text, const struct shared_finding *f, const struct shared_lock *lock)
{
    text_string(text, "{\"id\":");
    text_number(text, lock->number);
    record_string(text, "kind", kind_name(lock->identity.key.kind));
    record_address(text, "address", lock->identity.key.offset);
    record_key(text, "where");
    append_place(text, lock);
    record_number(text, "init_thread", 0);
    member_frames(text, f, "init_stack", &lock->init_stack);
    text_string(text, "}");
}

/* Each lock once, by the first party that names it.  The decoder takes the first of equal numbers. */
static void append_objects(struct text *text, const struct shared_finding *f)
{
    bool is_first = true;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct shared_party *p = &f->parties[i];
        text_string(text, is_first ? "" : ",");
        append_object(text, f, &p->wanted);
        for (uint32_t k = 0; k < p->held_count; k++) {
            text_string(text, ",");
            append_object(text, f, &p->held[k]);
        }
        is_first = false;
    }
}

static void append_thread(struct text *text, const struct shared_party *p)
{
    text_string(text, "{\"id\":");
    text_number(text, p->party.thread);
    record_number(text, "pid", (uint64_t)p->process.pid);
    record_string(text, "process", p->process.name);
    record_number(text, "tid", (uint64_t)p->party.tid);
    record_string(text, "name", p->party.name[0] == '\0' && p->party.tid == p->process.pid ? "main" : p->party.name);
    record_number(text, "creator", 0);
    record_key(text, "stack");
    text_string(text, "[]");
    text_string(text, "}");
}

static void append_finding(struct text *text, pid_t pid, const struct shared_finding *f)
{
    bool is_deadlock = f->kind == FINDING_DEADLOCK;
    record_begin(text, RUN_RECORD_FINDING, pid);
    record_number(text, "time_ns", clock_wall_ns());
    record_string(text, "kind", finding_slug(f->kind));
    record_string(text, "form", f->rest.count > 0 ? "all-asleep" : is_deadlock ? "cycle" : "");
    record_severity(text, finding_severity(f->kind));
    record_bool(text, "certain_hang", f->is_certain_hang);
    record_string(text, "detail", f->detail);
    record_number(text, "number", 0);
    record_key(text, "parties");
    text_string(text, "[");
    for (uint32_t i = 0; i < f->count; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_party(text, f, &f->parties[i], is_deadlock ? "waits" : "requests");
    }
    text_string(text, "]");
    record_key(text, "objects");
    text_string(text, "[");
    append_objects(text, f);
    text_string(text, "]");
    record_key(text, "threads");
    text_string(text, "[");
    for (uint32_t i = 0; i < f->count; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_thread(text, &f->parties[i]);
    }
    text_string(text, "]");
    record_end(text);
}

size_t sharing_report_record(struct text *text, pid_t pid, const struct shared_finding *finding)
{
    for (uint32_t i = 0; i < finding->module_count; i++)
        if (finding->modules[i].function[0] == '\0')
            record_foreign_module(text, pid, finding->module_numbers[i], &finding->modules[i]);
    size_t begins = text->length;
    append_finding(text, pid, finding);
    return begins;
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */

static void end_others(const struct shared_finding *f)
{
    for (uint32_t i = 0; i < f->rest.count; i++)
        if (f->rest.members[i].process != commons_file_process())
            commons_file_end_process(f->rest.members[i].pid, f->rest.members[i].start_time);
    if (f->rest.count > 0)
        return;
    for (uint32_t i = 1; i < f->count; i++)
        if (f->parties[i].process.pid != f->parties[0].process.pid)
            commons_file_end_process(f->parties[i].process.pid, f->parties[i].process.start_time);
}

void sharing_report_send(struct shared_finding *f)
{
    if (f == NULL)
        return;
    sink_shared_finding(f->kind, f);
    if (f->kind == FINDING_DEADLOCK && sink_ends_program(f->is_certain_hang)) {
        end_others(f);
        sink_end_program();
    }
    arena_free(f, sizeof *f);
}

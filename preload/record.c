#include "preload/record.h"

#include <stdatomic.h>

#include "preload/arena.h"
#include "preload/clock.h"
#include "preload/contention.h"
#include "preload/modules.h"
#include "preload/places.h"
#include "preload/record_members.h"
#include "preload/run_file.h"
#include "preload/symbolic.h"
#include "preload/thread_records.h"

/* ---- modules ---------------------------------------------------------------------------------------------------- */

static void record_module(struct text *text, pid_t pid, struct module *m)
{
    _Static_assert(sizeof m->build_id <= RECORD_BUILD_ID_SIZE, "any module's can be written");
    record_begin(text, RUN_RECORD_MODULE, pid);
    record_number(text, "id", m->id);
    record_string(text, "path", m->path);
    record_build_id(text, m->build_id, m->build_id_size);
    record_address(text, "bias", m->bias);
    record_end(text);
    m->announced = true;
}

static void announce(struct text *text, pid_t pid, uint32_t id)
{
    struct module *m = module_by_id(id);
    if (m != NULL && !m->announced)
        record_module(text, pid, m);
}

static void announce_stack(struct text *text, pid_t pid, struct stack_id id)
{
    const struct interned_stack *stack = stacks_get(id);
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++)
        announce(text, pid, stack->frames[i].module);
}

static void announce_module_of(struct text *text, pid_t pid, uint64_t address)
{
    const struct module *m = module_of((uintptr_t)address);
    if (m != NULL)
        announce(text, pid, m->id);
}

void record_forget_modules(void)
{
    struct module *m;
    for (uint32_t id = 1; (m = module_by_id(id)) != NULL; id++)
        m->announced = false;
}

/* ---- what a finding refers to ------------------------------------------------------------------------------------ */

/* The distinct objects and threads of one finding, in order of first mention. */
struct references {
    struct object_ref *objects;
    struct thread_record *threads;
    size_t object_count, thread_count, room;
};

static void refer_thread(struct references *refs, struct thread_id id)
{
    for (size_t i = 0; i < refs->thread_count; i++)
        if (refs->threads[i].id.v == id.v)
            return;
    if (id.v == 0 || refs->thread_count == refs->room)
        return;
    struct thread_record *record = &refs->threads[refs->thread_count];
    if (!thread_records_get(id, record))
        *record = (struct thread_record){.id = id};
    else if (record->name[0] == '\0' && record->tid != 0) {
        thread_records_read_name(id, record->tid);
        thread_records_get(id, record);
    }
    refs->thread_count++;
}

/* A thread that is joined is an object too; its number must not be taken for a lock's. */
static uint64_t object_number(const struct object_ref *object)
{
    enum { THREADS_FROM = 1 << 30 };
    return object->kind == OBJECT_THREAD ? THREADS_FROM + (uint64_t)object->init_thread.v : object->id.v;
}

static void refer_object(struct references *refs, const struct object_ref *object)
{
    for (size_t i = 0; i < refs->object_count; i++)
        if (object_number(&refs->objects[i]) == object_number(object))
            return;
    if (refs->object_count == refs->room)
        return;
    refs->objects[refs->object_count++] = *object;
    refer_thread(refs, object->init_thread);
}

static void refer(struct references *refs, const struct finding *finding)
{
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *party = &finding->parties[i];
        refer_thread(refs, party->thread);
        if (party->has_object)
            refer_object(refs, &party->object);
        for (size_t j = 0; j < party->held_count; j++)
            if (!party->held[j].is_gone)
                refer_object(refs, &party->held[j].object);
    }
    refer_thread(refs, finding->memory.alloc_thread);
    if (finding->heard.how == HEARD_BY_OBJECT)
        refer_object(refs, &finding->heard.object);
    refer_thread(refs, finding->heard.created);
    for (size_t i = 0; i < refs->thread_count; i++)
        refer_thread(refs, refs->threads[i].creator);
}

/* Upper bound on distinct references of either kind: each thread may bring in its creator, and so on once. */
static size_t references_room(const struct finding *finding)
{
    size_t room = 8;
    for (size_t i = 0; i < finding->party_count; i++)
        room += 4 + 2 * finding->parties[i].held_count;
    return room;
}

static void announce_modules(struct text *text, pid_t pid, const struct finding *finding, const struct references *refs)
{
    for (size_t i = 0; i < finding->party_count; i++) {
        const struct finding_party *party = &finding->parties[i];
        announce_stack(text, pid, party->stack);
        for (size_t j = 0; j < party->held_count; j++)
            announce_stack(text, pid, party->held[j].stack);
    }
    for (size_t i = 0; i < refs->object_count; i++) {
        announce_stack(text, pid, refs->objects[i].init_stack);
        announce_module_of(text, pid, refs->objects[i].address);
    }
    announce_stack(text, pid, finding->memory.alloc_stack);
    announce_stack(text, pid, finding->heard.stack);
    announce_module_of(text, pid, finding->memory.address);
    for (size_t i = 0; i < refs->thread_count; i++)
        announce_stack(text, pid, refs->threads[i].created_at);
}

/* ---- the finding ------------------------------------------------------------------------------------------------- */

static void append_symbolic(struct text *text, const struct symbolic *frame)
{
    text_string(text, "{\"function\":");
    text_json_string(text, frame->function);
    record_string(text, "file", frame->file);
    record_number(text, "line", frame->line);
    text_string(text, "}");
}

static void append_native(struct text *text, const struct frame *frame)
{
    const struct module *m = module_by_id(frame->module);
    text_string(text, "[");
    text_number(text, frame->module);
    text_string(text, ",");
    if (m == NULL)
        record_quoted(text, frame->pc); /* perhaps a word that was taken for a place: any value */
    else
        text_number(text, frame->pc - m->bias);
    text_string(text, frame->exact ? ",1]" : "]");
}

static void member_stack(struct text *text, const char *name, struct stack_id id)
{
    const struct interned_stack *stack = stacks_get(id);
    record_key(text, name);
    text_string(text, "[");
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct symbolic *symbolic = frame->module == FRAME_SYMBOLIC ? symbolic_get(frame->pc) : NULL;
        if (i > 0)
            text_string(text, ",");
        if (symbolic != NULL)
            append_symbolic(text, symbolic);
        else
            append_native(text, frame);
    }
    text_string(text, "]");
}

static const char *mode_name(enum lock_mode mode)
{
    return mode == LOCK_SHARED ? "shared" : "exclusive";
}

static void append_held(struct text *text, const struct finding_party *party)
{
    record_key(text, "held");
    text_string(text, "[");
    for (size_t i = 0; i < party->held_count; i++) {
        text_string(text, i == 0 ? "{\"object\":" : ",{\"object\":");
        text_number(text, object_number(&party->held[i].object));
        if (party->held[i].is_gone)
            record_bool(text, "gone", true);
        record_string(text, "mode", mode_name(party->held[i].mode));
        member_stack(text, "stack", party->held[i].stack);
        text_string(text, "}");
    }
    text_string(text, "]");
}

static void append_access(struct text *text, const struct finding_party *party)
{
    record_key(text, "access");
    text_string(text, "{\"size\":");
    text_number(text, party->access_size);
    record_address(text, "address", party->access_address);
    record_bool(text, "atomic", party->access_atomic);
    record_bool(text, "library", party->access_by_library);
    record_bool(text, "guess", party->access_guess);
    record_bool(text, "lost", party->history_lost);
    if (party->has_value)
        record_address(text, "value", party->access_value);
    text_string(text, "}");
}

static void append_memory(struct text *text, const struct finding_memory *memory)
{
    record_key(text, "memory");
    text_string(text, "{\"size\":");
    text_number(text, memory->size);
    record_address(text, "address", memory->address);
    record_key(text, "where");
    if (memory->block_size != 0)
        text_string(text, "{\"in\":\"heap\"}"); /* freed by now it may be no mapping any more */
    else
        place_describe(text, memory->address);
    record_address(text, "block", memory->block);
    record_number(text, "block_size", memory->block_size);
    record_number(text, "alloc_thread", memory->alloc_thread.v);
    member_stack(text, "alloc_stack", memory->alloc_stack);
    text_string(text, "}");
}

static void append_heard(struct text *text, const struct finding_heard *heard)
{
    static const char *const ways[] = {
        [HEARD_NEVER] = "never",          [HEARD_LOST] = "lost",        [HEARD_BY_OBJECT] = "object",
        [HEARD_BY_CREATION] = "creation", [HEARD_BY_ATOMIC] = "atomic", [HEARD_BY_GONE] = "gone",
    };
    record_key(text, "heard");
    text_string(text, "{\"how\":\"");
    text_string(text, ways[heard->how]);
    text_string(text, "\"");
    if (heard->how == HEARD_BY_OBJECT)
        record_number(text, "object", object_number(&heard->object));
    record_number(text, "thread", heard->created.v);
    member_stack(text, "stack", heard->stack);
    text_string(text, "}");
}

static bool is_access(const struct finding_party *party)
{
    return party->role == PARTY_READS || party->role == PARTY_WRITES || party->role == PARTY_FREES;
}

static void append_party(struct text *text, const struct finding_party *party)
{
    text_string(text, "{\"role\":\"");
    text_string(text, party_role_name(party->role));
    text_string(text, "\"");
    record_number(text, "thread", party->thread.v);
    member_stack(text, "stack", party->stack);
    if (party->has_object) {
        record_number(text, "object", object_number(&party->object));
        record_string(text, "mode", mode_name(party->mode));
    }
    record_bool(text, "timed", party->timed);
    record_number(text, "signal", (uint64_t)party->signal_number);
    if (is_access(party))
        append_access(text, party);
    append_held(text, party);
    text_string(text, "}");
}

static void append_object(struct text *text, const struct object_ref *object)
{
    text_string(text, "{\"id\":");
    text_number(text, object_number(object));
    record_string(text, "kind", object_kind_name(object->kind));
    record_address(text, "address", object->address);
    record_key(text, "where");
    place_describe(text, object->address);
    record_number(text, "init_thread", object->init_thread.v);
    member_stack(text, "init_stack", object->init_stack);
    text_string(text, "}");
}

static void append_thread(struct text *text, const struct thread_record *thread, pid_t pid)
{
    text_string(text, "{\"id\":");
    text_number(text, thread->id.v);
    record_number(text, "tid", (uint64_t)thread->tid);
    record_string(text, "name", thread->name[0] == '\0' && thread->tid == pid ? "main" : thread->name);
    record_number(text, "creator", thread->creator.v);
    member_stack(text, "stack", thread->created_at);
    text_string(text, "}");
}

/* What a record is called, and of what kind it says it is. */
struct record_title {
    const char *record, *kind;
};

static void append_finding(struct text *text, pid_t pid, const struct record_title *title,
                           const struct finding *finding, const struct references *refs)
{
    record_begin(text, title->record, pid);
    record_number(text, "time_ns", clock_wall_ns());
    record_string(text, "kind", title->kind);
    record_string(text, "form", finding_form_name(finding->form));
    record_severity(text, finding->severity);
    record_bool(text, "certain_hang", finding->certain_hang);
    if (finding->has_memory)
        append_memory(text, &finding->memory);
    if (finding->heard.how != HEARD_NOT_ASKED)
        append_heard(text, &finding->heard);
    record_string(text, "detail", finding->detail == NULL ? "" : finding->detail);
    record_number(text, "number", finding->number);
    record_key(text, "parties");
    text_string(text, "[");
    for (size_t i = 0; i < finding->party_count; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_party(text, &finding->parties[i]);
    }
    text_string(text, "]");
    record_key(text, "objects");
    text_string(text, "[");
    for (size_t i = 0; i < refs->object_count; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_object(text, &refs->objects[i]);
    }
    text_string(text, "]");
    record_key(text, "threads");
    text_string(text, "[");
    for (size_t i = 0; i < refs->thread_count; i++) {
        text_string(text, i == 0 ? "" : ",");
        append_thread(text, &refs->threads[i], pid);
    }
    text_string(text, "]");
    record_end(text);
}

static size_t record_titled(struct text *text, pid_t pid, const struct record_title *title,
                            const struct finding *finding)
{
    struct references refs = {.room = references_room(finding)};
    size_t objects_size = refs.room * sizeof *refs.objects, threads_size = refs.room * sizeof *refs.threads;
    refs.objects = arena_alloc(objects_size);
    refs.threads = arena_alloc(threads_size);
    size_t start = text->length;
    if (refs.objects != NULL && refs.threads != NULL) {
        refer(&refs, finding);
        announce_modules(text, pid, finding, &refs);
        start = text->length;
        append_finding(text, pid, title, finding, &refs);
    } else {
        text->failed = true;
    }
    arena_free(refs.objects, objects_size);
    arena_free(refs.threads, threads_size);
    return start;
}

size_t record_finding(struct text *text, pid_t pid, const struct finding *finding)
{
    const struct record_title title = {RUN_RECORD_FINDING, finding_slug(finding->kind)};
    return record_titled(text, pid, &title, finding);
}

void record_live_state(struct text *text, pid_t pid, const struct finding *finding)
{
    static const struct record_title title = {RUN_RECORD_STATE, "live-state"};
    record_titled(text, pid, &title, finding);
}

/* ---- contention --------------------------------------------------------------------------------------------------- */

/* Relaxed: a count that is taken while another thread goes on counting is in this record or in the next. */
static uint64_t take_count(_Atomic uint64_t *counter)
{
    return atomic_exchange_explicit(counter, 0, memory_order_relaxed);
}

static void member_times(struct text *text, const char *name, struct contention_times *times)
{
    uint32_t counts[CONTENTION_BUCKETS];
    unsigned used = 0;
    for (unsigned i = 0; i < CONTENTION_BUCKETS; i++) {
        counts[i] = atomic_exchange_explicit(&times->below[i], 0, memory_order_relaxed);
        used = counts[i] != 0 ? i + 1 : used;
    }
    record_key(text, name);
    text_string(text, "{\"total_ns\":");
    text_number(text, take_count(&times->total_ns));
    record_number(text, "max_ns", take_count(&times->max_ns));
    record_key(text, "log2");
    text_string(text, "[");
    for (unsigned i = 0; i < used; i++) {
        text_string(text, i == 0 ? "" : ",");
        text_number(text, counts[i]);
    }
    text_string(text, "]}");
}

static void append_site(struct text *text, struct contention_site *site, uint64_t acquisitions)
{
    text_string(text, "{\"acquisitions\":");
    text_number(text, acquisitions);
    record_number(text, "contended", take_count(&site->contended));
    record_string(text, "mode", mode_name(site->mode));
    member_stack(text, "stack", site->at);
    member_times(text, "wait", &site->wait);
    member_times(text, "hold", &site->hold);
    text_string(text, "}");
}

void record_contention(struct text *text, pid_t pid, struct contention_lock *lock)
{
    announce_module_of(text, pid, lock->object.address);
    announce_stack(text, pid, lock->object.init_stack);
    for (const struct contention_site *s = contention_first_site(lock); s != NULL; s = contention_next_site(s))
        announce_stack(text, pid, s->at);
    record_begin(text, RUN_RECORD_CONTENTION, pid);
    record_key(text, "object");
    append_object(text, &lock->object);
    record_key(text, "sites");
    text_string(text, "[");
    bool is_first = true;
    for (struct contention_site *s = contention_first_site(lock); s != NULL; s = contention_next_site(s)) {
        uint64_t acquisitions = take_count(&s->acquisitions);
        if (acquisitions == 0)
            continue;
        text_string(text, is_first ? "" : ",");
        append_site(text, s, acquisitions);
        is_first = false;
    }
    text_string(text, "]");
    record_end(text);
}

/* run_decode.c: one line of a run file, JSON, into the model.  Every member is checked for its type; what is missing
 * takes its zero, what is wrong loses the record, and no number of the file is trusted as an index or a size. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "preload/run_file.h"
#include "report/catalogue.h"
#include "report/contention.h"
#include "report/run_reader.h"

#define FRAMES_KEPT 256

struct decoder {
    struct run_reader *reader;
    struct pool *pool;
    struct run_process *process;
    struct run_finding *finding;
};

/* ---- members ---------------------------------------------------------------------------------------------------- */

/* A byte b >= 0x80 was written as the code point of that number: make it a byte again. */
static const char *bytes_of(struct pool *pool, const char *utf8, size_t length)
{
    char *out = pool_alloc(pool, length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)utf8[i];
        if ((c == 0xc2 || c == 0xc3) && i + 1 < length)
            out[n++] = (char)((c & 3) << 6 | (utf8[++i] & 0x3f));
        else
            out[n++] = (char)c;
    }
    return out;
}

static const char *string_value(struct pool *pool, const json_t *value)
{
    return json_is_string(value) ? bytes_of(pool, json_string_value(value), json_string_length(value)) : "";
}

static const char *string_member(struct pool *pool, const json_t *object, const char *key)
{
    return string_value(pool, json_object_get(object, key));
}

static uint64_t number_value(const json_t *value)
{
    json_int_t n = json_integer_value(value);
    return n < 0 ? 0 : (uint64_t)n;
}

static uint64_t number_member(const json_t *object, const char *key)
{
    return number_value(json_object_get(object, key));
}

static uint32_t id_member(const json_t *object, const char *key)
{
    uint64_t n = number_member(object, key);
    return n > UINT32_MAX ? 0 : (uint32_t)n;
}

/* An address or offset: "0x7f…" or a plain number. */
static uint64_t address_value(const json_t *value)
{
    if (json_is_string(value))
        return strtoull(json_string_value(value), NULL, 16);
    return number_value(value);
}

static bool flag_member(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* ---- pieces of a finding ---------------------------------------------------------------------------------------- */

static void decode_frame(struct decoder *d, const json_t *value, struct run_frame *frame)
{
    if (json_is_object(value)) {
        frame->function = string_member(d->pool, value, "function");
        frame->file = string_member(d->pool, value, "file");
        frame->line = id_member(value, "line");
        return;
    }
    uint64_t module = number_value(json_array_get(value, 0));
    frame->offset = address_value(json_array_get(value, 1));
    frame->is_exact = number_value(json_array_get(value, 2)) == 1;
    if (module && module <= UINT32_MAX)
        frame->module = process_find_module(d->process, (uint32_t)module);
}

static void decode_stack(struct decoder *d, const json_t *value, struct run_stack *stack)
{
    size_t count = json_array_size(value);
    if (count > FRAMES_KEPT)
        count = FRAMES_KEPT;
    stack->frames = pool_array(d->pool, count, sizeof *stack->frames);
    stack->frame_count = count;
    for (size_t i = 0; i < count; i++)
        decode_frame(d, json_array_get(value, i), &stack->frames[i]);
}

static void decode_where(struct decoder *d, const json_t *where, struct run_object *object)
{
    static const struct {
        const char *name;
        enum run_where where;
    } places[] = {{"static", WHERE_STATIC}, {"stack", WHERE_STACK},           {"heap", WHERE_HEAP},
                  {"shared", WHERE_SHARED}, {"descriptor", WHERE_DESCRIPTOR}, {"libc", WHERE_LIBC}};
    const char *in = string_member(d->pool, where, "in");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(in, places[i].name) == 0)
            object->where = places[i].where;
    object->module = process_find_module(d->process, id_member(where, "module"));
    object->offset = address_value(json_object_get(where, "offset"));
    object->stack_thread = id_member(where, "thread");
    object->path = string_member(d->pool, where, "path");
    object->number = number_member(where, "number");
    object->what = string_member(d->pool, where, object->where == WHERE_LIBC ? "function" : "kind");
    if (object->where == WHERE_STATIC && !object->module)
        object->where = WHERE_UNKNOWN;
}

static void decode_object(struct decoder *d, const json_t *value, struct run_object *object)
{
    object->id = id_member(value, "id");
    object->kind = string_member(d->pool, value, "kind");
    object->address = address_value(json_object_get(value, "address"));
    object->init_thread = id_member(value, "init_thread");
    decode_stack(d, json_object_get(value, "init_stack"), &object->init_stack);
    decode_where(d, json_object_get(value, "where"), object);
}

static void decode_objects(struct decoder *d, const json_t *list)
{
    struct run_finding *f = d->finding;
    f->object_count = json_array_size(list);
    f->objects = pool_array(d->pool, f->object_count + 1, sizeof *f->objects); /* room for the memory */
    for (size_t i = 0; i < f->object_count; i++)
        decode_object(d, json_array_get(list, i), &f->objects[i]);
}

/* What a race is about becomes one more object. */
static void decode_memory(struct decoder *d, const json_t *value)
{
    if (!json_is_object(value))
        return;
    struct run_object *memory = &d->finding->objects[d->finding->object_count++];
    memory->id = RUN_MEMORY_ID;
    memory->kind = "memory";
    memory->address = address_value(json_object_get(value, "address"));
    memory->size = number_member(value, "size");
    memory->block = address_value(json_object_get(value, "block"));
    memory->block_size = number_member(value, "block_size");
    memory->init_thread = id_member(value, "alloc_thread");
    decode_stack(d, json_object_get(value, "alloc_stack"), &memory->init_stack);
    decode_where(d, json_object_get(value, "where"), memory);
    if (memory->where == WHERE_DESCRIPTOR || memory->where == WHERE_LIBC) {
        memory->kind = memory->where == WHERE_LIBC ? "libc state" : "descriptor";
        memory->size = 0;
    }
    if (memory->address < memory->block || memory->address - memory->block >= memory->block_size)
        memory->block = memory->block_size = 0;
    d->finding->memory = memory;
}

/* Of a party or thread: the record's, unless it names another. */
static int64_t pid_member(const struct decoder *d, const json_t *value)
{
    const json_t *pid = json_object_get(value, "pid");
    return json_is_integer(pid) ? json_integer_value(pid) : d->process->pid;
}

static void decode_threads(struct decoder *d, const json_t *list)
{
    struct run_finding *f = d->finding;
    f->thread_count = json_array_size(list);
    f->threads = pool_array(d->pool, f->thread_count, sizeof *f->threads);
    for (size_t i = 0; i < f->thread_count; i++) {
        const json_t *value = json_array_get(list, i);
        struct run_thread *thread = &f->threads[i];
        thread->id = id_member(value, "id");
        thread->pid = pid_member(d, value);
        thread->process = string_member(d->pool, value, "process");
        thread->tid = json_integer_value(json_object_get(value, "tid"));
        thread->name = string_member(d->pool, value, "name");
        thread->creator = id_member(value, "creator");
        decode_stack(d, json_object_get(value, "stack"), &thread->created);
    }
}

static const struct run_object *find_object(const struct run_finding *f, uint32_t id)
{
    for (size_t i = 0; i < f->object_count; i++)
        if (f->objects[i].id == id)
            return &f->objects[i];
    return NULL;
}

static const struct run_thread *find_thread(const struct run_finding *f, int64_t pid, uint32_t id)
{
    for (size_t i = 0; i < f->thread_count; i++)
        if (f->threads[i].id == id && f->threads[i].pid == pid)
            return &f->threads[i];
    return NULL;
}

static bool is_shared(const json_t *value)
{
    const char *mode = json_string_value(json_object_get(value, "mode"));
    return mode && strcmp(mode, "shared") == 0;
}

static void decode_held(struct decoder *d, const json_t *list, struct run_party *party)
{
    size_t count = json_array_size(list);
    party->held = pool_array(d->pool, count, sizeof *party->held);
    party->gone = pool_array(d->pool, count, sizeof *party->gone);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        bool is_gone = flag_member(value, "gone");
        struct run_held *held = is_gone ? &party->gone[party->gone_count] : &party->held[party->held_count];
        held->object = is_gone ? NULL : find_object(d->finding, id_member(value, "object"));
        held->is_shared = is_shared(value);
        if (is_gone || held->object) {
            decode_stack(d, json_object_get(value, "stack"), &held->stack);
            party->held_count += !is_gone;
            party->gone_count += is_gone;
        }
    }
}

static void decode_access(struct decoder *d, const json_t *value, struct run_party *party)
{
    if (!json_is_object(value))
        return;
    party->has_access = true;
    party->object = d->finding->memory;
    party->access = (struct run_access){
        .address = address_value(json_object_get(value, "address")),
        .size = number_member(value, "size"),
        .is_atomic = flag_member(value, "atomic"),
        .is_by_library = flag_member(value, "library"),
        .is_guess = flag_member(value, "guess"),
        .is_lost = flag_member(value, "lost"),
        .has_value = json_is_string(json_object_get(value, "value")),
        .value = address_value(json_object_get(value, "value")),
    };
}

static void decode_heard(struct decoder *d, const json_t *value)
{
    struct run_heard *heard = &d->finding->heard;
    heard->how = string_member(d->pool, value, "how");
    heard->object = find_object(d->finding, id_member(value, "object"));
    heard->created = find_thread(d->finding, d->process->pid, id_member(value, "thread"));
    decode_stack(d, json_object_get(value, "stack"), &heard->stack);
}

/* Returns: an error, or NULL. */
static const char *decode_parties(struct decoder *d, const json_t *list)
{
    struct run_finding *f = d->finding;
    f->party_count = json_array_size(list);
    if (f->party_count == 0)
        return "a finding without parties";
    f->parties = pool_array(d->pool, f->party_count, sizeof *f->parties);
    for (size_t i = 0; i < f->party_count; i++) {
        const json_t *value = json_array_get(list, i);
        struct run_party *party = &f->parties[i];
        party->role = string_member(d->pool, value, "role");
        party->thread = find_thread(f, pid_member(d, value), id_member(value, "thread"));
        party->object = find_object(f, id_member(value, "object"));
        party->is_shared = is_shared(value);
        party->is_timed = flag_member(value, "timed");
        party->signal_number = (int)(id_member(value, "signal") & 0xff);
        decode_stack(d, json_object_get(value, "stack"), &party->stack);
        decode_held(d, json_object_get(value, "held"), party);
        decode_access(d, json_object_get(value, "access"), party);
        if (!party->thread)
            return "a party whose thread is not listed";
    }
    return NULL;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static const char *decode_severity(struct pool *pool, const json_t *record, const char *kind)
{
    const char *severity = string_member(pool, record, "severity");
    if (strcmp(severity, "error") == 0 || strcmp(severity, "warning") == 0 || strcmp(severity, "note") == 0)
        return severity;
    const struct catalogue_entry *entry = catalogue_find(kind);
    return entry ? entry->severity : "warning";
}

static const char *decode_finding(struct decoder *d, const json_t *record, run_take_finding *take)
{
    if (!take)
        return NULL;
    struct run_finding *f = memory_grow(NULL, 1, sizeof *f);
    *f = (struct run_finding){.process = d->process};
    d->pool = &f->pool;
    d->finding = f;
    f->kind = string_member(d->pool, record, "kind");
    f->form = string_member(d->pool, record, "form");
    f->severity = decode_severity(d->pool, record, f->kind);
    f->detail = string_member(d->pool, record, "detail");
    f->number = number_member(record, "number");
    f->is_certain_hang = flag_member(record, "certain_hang");
    f->time_ns = number_member(record, "time_ns");
    decode_objects(d, json_object_get(record, "objects"));
    decode_threads(d, json_object_get(record, "threads"));
    decode_memory(d, json_object_get(record, "memory"));
    decode_heard(d, json_object_get(record, "heard"));
    const char *error = *f->kind ? decode_parties(d, json_object_get(record, "parties")) : "a finding without a kind";
    if (error) {
        finding_free(f);
        return error;
    }
    take(d->reader->ctx, d->reader->run, f);
    return NULL;
}

static const char *decode_module(struct decoder *d, const json_t *record)
{
    uint32_t id = id_member(record, "id");
    const char *path = string_member(d->pool, record, "path");
    if (!id)
        return "a module without an id";
    struct run_module *module = pool_alloc(d->pool, sizeof *module);
    module->id = id;
    module->path = path;
    module->build_id = string_member(d->pool, record, "build_id");
    module->next = d->process->modules;
    d->process->modules = module;
    return NULL;
}

static const char *decode_process(struct decoder *d, const json_t *record, int64_t pid)
{
    uint64_t format = number_member(record, "format");
    if (format != RUN_FILE_FORMAT)
        return "written in another format; use the lockhound that belongs to it";
    if (d->process)
        d->process->was_replaced = true;
    struct run_process *process = run_add_process(d->reader->run);
    process->pid = pid;
    process->ppid = json_integer_value(json_object_get(record, "ppid"));
    process->exe = string_member(d->pool, record, "exe");
    process->was_forked = flag_member(record, "forked");
    process->options = string_member(d->pool, record, "options");
    process->file = d->reader->path;
    const json_t *argv = json_object_get(record, "argv");
    process->argc = json_array_size(argv);
    process->argv = pool_array(d->pool, process->argc, sizeof *process->argv);
    for (size_t i = 0; i < process->argc; i++)
        process->argv[i] = string_value(d->pool, json_array_get(argv, i));
    return NULL;
}

static const char *decode_summary(struct decoder *d, json_t *record)
{
    const char *name;
    json_t *value;
    d->process->reason = string_member(d->pool, record, "reason");
    json_object_foreach(json_object_get(record, "counts"), name, value)
    {
        run_add_count(d->reader->run, bytes_of(d->pool, name, strlen(name)), number_value(value));
    }
    return NULL;
}

static void decode_times(const json_t *value, struct contention_times *times)
{
    const json_t *log2 = json_object_get(value, "log2");
    times->total_ns = number_member(value, "total_ns");
    times->max_ns = number_member(value, "max_ns");
    for (size_t i = 0; i < CONTENTION_BUCKETS; i++)
        times->below[i] = number_value(json_array_get(log2, i));
}

static void decode_contention(struct decoder *d, const json_t *record)
{
    size_t i;
    json_t *value;
    struct contention_lock *lock = pool_alloc(d->pool, sizeof *lock);
    decode_object(d, json_object_get(record, "object"), &lock->object);
    json_array_foreach(json_object_get(record, "sites"), i, value)
    {
        struct contention_site *site = pool_alloc(d->pool, sizeof *site);
        decode_stack(d, json_object_get(value, "stack"), &site->stack);
        site->is_shared = is_shared(value);
        site->numbers.acquisitions = number_member(value, "acquisitions");
        site->numbers.contended = number_member(value, "contended");
        decode_times(json_object_get(value, "wait"), &site->numbers.wait);
        decode_times(json_object_get(value, "hold"), &site->numbers.hold);
        site->next = lock->sites;
        lock->sites = site;
    }
    lock->next = d->reader->run->contention;
    d->reader->run->contention = lock;
}

static const char *decode_record(struct run_reader *reader, json_t *record)
{
    const char *type = json_string_value(json_object_get(record, "r"));
    if (!type)
        return "not a record of a run file";
    int64_t pid = json_integer_value(json_object_get(record, "pid"));
    struct decoder d = {reader, &reader->run->pool, run_find_process(reader->run, reader->path, pid), NULL};
    if (strcmp(type, RUN_RECORD_PROCESS) == 0)
        return decode_process(&d, record, pid);
    if (!d.process)
        return "a record of a process that was not announced";
    if (strcmp(type, RUN_RECORD_MODULE) == 0)
        return decode_module(&d, record);
    if (strcmp(type, RUN_RECORD_FINDING) == 0)
        return decode_finding(&d, record, reader->take_finding);
    if (strcmp(type, RUN_RECORD_STATE) == 0)
        return decode_finding(&d, record, reader->take_state);
    if (strcmp(type, RUN_RECORD_SUMMARY) == 0)
        return decode_summary(&d, record);
    if (strcmp(type, RUN_RECORD_CONTENTION) == 0)
        decode_contention(&d, record);
    if (strcmp(type, RUN_RECORD_NOTE) == 0)
        run_add_note(reader->run, string_member(d.pool, record, "code"), string_member(d.pool, record, "text"));
    return NULL; /* a newer writer's record */
}

bool run_decode_line(struct run_reader *reader, const char *line, size_t length, uint64_t offset)
{
    static const char finding_start[] = "{\"r\":\"finding\"";
    if (!reader->take_finding && length > sizeof finding_start &&
        memcmp(line, finding_start, sizeof finding_start - 1) == 0)
        return true; /* not wanted: parsing it would cost more than all else */
    json_error_t error;
    json_t *record = json_loadb(line, length, 0, &error);
    if (!record) {
        run_add_problem(reader->run, reader->path, offset, "a torn or foreign line is skipped (%s)", error.text);
        return false;
    }
    const char *wrong = decode_record(reader, record);
    if (wrong)
        run_add_problem(reader->run, reader->path, offset, "%s: skipped", wrong);
    json_decref(record);
    return true;
}

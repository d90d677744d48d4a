#include "detector/offline/trace_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/event.h"
#include "detector/offline/predict.h"
#include "detector/offline/trace_names.h"

enum { HOST_ALIGNMENT = 64, FIRST_LINE = 256 };

/* A line of text that grows. */
struct line {
    char *text;
    size_t length, capacity;
    bool incomplete; /* there was no memory for the rest */
};

struct driver {
    struct detector_host host;
    struct detector *detector;
    struct event_player *player;
    struct predict *predict; /* NULL: races are not looked for */
    struct trace_names names;
    struct line line;
    uint64_t clock_ns; /* one step an event: traces carry no time */
    bool is_last;      /* no event follows */
    trace_output *output;
    void *ctx;
    struct trace_summary *summary;
};

/* ---- the host --------------------------------------------------------------------------------------------------- */

static void *host_alloc(void *ctx, size_t size)
{
    (void)ctx;
    if (size > SIZE_MAX - HOST_ALIGNMENT)
        return NULL;
    size_t rounded = (size + HOST_ALIGNMENT - 1) / HOST_ALIGNMENT * HOST_ALIGNMENT;
    void *memory = aligned_alloc(HOST_ALIGNMENT, rounded);
    return memory ? memset(memory, 0, rounded) : NULL;
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx, (void)size;
    free(memory);
}

static void host_enter_or_leave(void *ctx, enum rank rank)
{
    (void)ctx, (void)rank; /* one thread drives all */
}

static uint64_t host_now_ns(void *ctx)
{
    return ((struct driver *)ctx)->clock_ns;
}

/* The trace is the whole process: where something follows, somebody woke up.  Of two threads' events at one moment it may have that
 * first which came second, such as a wake before the wait that it ends. */
static bool host_all_asleep(void *ctx)
{
    return ((struct driver *)ctx)->is_last;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static bool reserve(struct line *line, size_t more)
{
    if (line->capacity - line->length > more)
        return true;
    size_t capacity = line->capacity ? line->capacity : FIRST_LINE;
    while (capacity - line->length <= more)
        capacity *= 2;
    char *text = realloc(line->text, capacity);
    if (!text) {
        line->incomplete = true;
        return false;
    }
    line->text = text;
    line->capacity = capacity;
    return true;
}

static void put(struct line *line, const char *text, size_t length)
{
    if (!reserve(line, length))
        return;
    memcpy(line->text + line->length, text, length);
    line->length += length;
    line->text[line->length] = '\0';
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_slice(struct line *line, struct trace_slice slice)
{
    put(line, slice.text, slice.length);
}

static void put_label(struct driver *driver, uint32_t label)
{
    char buffer[TRACE_NAME_MAX];
    put_slice(&driver->line, trace_names_thread(&driver->names, label, buffer));
}

static void put_thread(struct driver *driver, struct thread_id thread)
{
    uint32_t label = 0;
    if (event_player_label(driver->player, thread, &label))
        put_label(driver, label);
    else
        put_text(&driver->line, "-");
}

static void put_address(struct driver *driver, uint64_t address)
{
    char buffer[TRACE_NAME_MAX];
    put_slice(&driver->line, trace_names_object(&driver->names, address, buffer));
}

static void put_object(struct driver *driver, const struct object_ref *object)
{
    if (object->kind == OBJECT_THREAD)
        put_thread(driver, object->init_thread);
    else
        put_address(driver, object->address);
}

static void put_site(struct driver *driver, struct stack_id site)
{
    put_slice(&driver->line, trace_names_site(&driver->names, site));
}

/* ---- findings --------------------------------------------------------------------------------------------------- */

static void put_role(struct driver *driver, const struct finding_party *party)
{
    put_text(&driver->line, party_role_name(party->role));
}

static void put_party_thread(struct driver *driver, const struct finding_party *party)
{
    put_thread(driver, party->thread);
}

static void put_party_object(struct driver *driver, const struct finding_party *party)
{
    if (party->has_object)
        put_object(driver, &party->object);
    else
        put_text(&driver->line, "-");
}

static void put_party_site(struct driver *driver, const struct finding_party *party)
{
    put_site(driver, party->stack);
}

static void put_held(struct driver *driver, const struct held_lock *held, size_t count)
{
    if (count == 0)
        put_text(&driver->line, "-");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put_text(&driver->line, "+");
        put_object(driver, &held[i].object);
        put_text(&driver->line, "@");
        put_site(driver, held[i].stack);
    }
}

static void put_party_held(struct driver *driver, const struct finding_party *party)
{
    put_held(driver, party->held, party->held_count);
}

static void put_parties(struct driver *driver, const struct finding *finding, const char *key,
                        void (*put_one)(struct driver *driver, const struct finding_party *party), const char *between)
{
    put_text(&driver->line, key);
    for (size_t i = 0; i < finding->party_count; i++) {
        if (i > 0)
            put_text(&driver->line, between);
        put_one(driver, &finding->parties[i]);
    }
}

static void emit(struct driver *driver, enum trace_output_kind kind)
{
    if (!driver->line.incomplete)
        driver->output(driver->ctx, kind, driver->line.text);
    driver->line.length = 0;
    driver->line.incomplete = false;
}

static void host_report(void *ctx, const struct finding *finding)
{
    struct driver *driver = ctx;
    driver->summary->findings++;
    put_text(&driver->line, "kind=");
    put_text(&driver->line, finding_slug(finding->kind));
    put_text(&driver->line, " form=");
    put_text(&driver->line, finding->form == DEADLOCK_NONE ? "none" : finding_form_name(finding->form));
    put_text(&driver->line, finding->certain_hang ? " certain=yes" : " certain=no");
    put_parties(driver, finding, " roles=", put_role, ",");
    put_parties(driver, finding, " threads=", put_party_thread, ",");
    put_parties(driver, finding, " locks=", put_party_object, ",");
    put_parties(driver, finding, " sites=", put_party_site, ",");
    put_parties(driver, finding, " held=", put_party_held, ";");
    put_text(&driver->line, " detail=");
    put_text(&driver->line, finding->detail);
    emit(driver, TRACE_OUTPUT_FINDING);
}

static void report_race(void *ctx, const struct predicted_race *race)
{
    struct driver *driver = ctx;
    const struct predicted_access *later = &race->sides[0], *earlier = &race->sides[1];
    driver->summary->findings++;
    driver->summary->counts.findings[FINDING_DATA_RACE]++;
    put_text(&driver->line, "kind=data-race form=none certain=no roles=");
    put_text(&driver->line, party_role_name(later->is_write ? PARTY_WRITES : PARTY_READS));
    put_text(&driver->line, ",");
    put_text(&driver->line, party_role_name(earlier->is_write ? PARTY_WRITES : PARTY_READS));
    put_text(&driver->line, " threads=");
    put_label(driver, later->thread);
    put_text(&driver->line, ",");
    put_label(driver, earlier->thread);
    put_text(&driver->line, " locks=");
    put_address(driver, race->address);
    put_text(&driver->line, ",");
    put_address(driver, race->address);
    put_text(&driver->line, " sites=");
    put_site(driver, later->at);
    put_text(&driver->line, ",");
    put_site(driver, earlier->at);
    put_text(&driver->line, " held=");
    put_held(driver, later->held, later->held_count);
    put_text(&driver->line, ";");
    put_held(driver, earlier->held, earlier->held_count);
    put_text(&driver->line, " detail=in some schedule of the same events nothing comes between the two");
    emit(driver, TRACE_OUTPUT_FINDING);
}

static void report_error(struct driver *driver, size_t line, size_t column, const char *message)
{
    char place[64];
    snprintf(place, sizeof place, "%zu:%zu: ", line, column);
    driver->summary->errors++;
    put_text(&driver->line, place);
    put_text(&driver->line, message);
    emit(driver, TRACE_OUTPUT_ERROR);
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static bool apply(struct driver *driver, const struct trace_record *record, size_t line)
{
    struct event event;
    if (!trace_names_resolve(&driver->names, record, &event))
        return false;
    driver->clock_ns++;
    switch (event_apply(driver->player, &event)) {
    case EVENT_APPLIED:
        driver->summary->events++;
        return !driver->predict || predict_event(driver->predict, &event);
    case EVENT_IGNORED:
        driver->summary->ignored++;
        return !driver->predict || predict_event(driver->predict, &event);
    case EVENT_WRONG_THREAD:
        report_error(driver, line, 1, "this thread has ended, or it exists and is forked again");
        return true;
    default:
        return false;
    }
}

/* Reports what is wrong on the way.  Returns: false at the end. */
static bool read_record(struct driver *driver, struct trace_reader *reader, struct trace_record *record)
{
    struct trace_error error;
    for (;;) {
        switch (trace_read_next(reader, record, &error)) {
        case TRACE_END:
            return false;
        case TRACE_ERROR:
            report_error(driver, error.line, error.column, error.message);
            break;
        case TRACE_RECORD:
            return true;
        }
    }
}

static enum trace_outcome run(struct driver *driver, const char *text, size_t length)
{
    struct trace_reader reader;
    struct trace_record record, next;
    size_t line = 0; /* of `record`; 0: there is none yet */
    trace_reader_init(&reader, text, length);
    while (!driver->is_last) {
        driver->is_last = !read_record(driver, &reader, &next);
        if (line != 0 && !apply(driver, &record, line))
            return TRACE_OUT_OF_MEMORY;
        record = next;
        line = reader.line;
    }
    return driver->summary->errors ? TRACE_HAD_ERRORS : TRACE_COMPLETE;
}

enum trace_outcome trace_driver_run(const char *text, size_t length, const struct detector_options *options,
                                    trace_output *output, void *ctx, struct trace_summary *summary)
{
    struct driver driver = {
        .host = {.alloc = host_alloc,
                 .free = host_free,
                 .enter = host_enter_or_leave,
                 .leave = host_enter_or_leave,
                 .report = host_report,
                 .now_ns = host_now_ns,
                 .all_asleep = host_all_asleep},
        .output = output,
        .ctx = ctx,
        .summary = summary,
    };
    struct detector_options defaults;
    detector_options_default(&defaults);
    driver.host.ctx = &driver;
    *summary = (struct trace_summary){.events = 0};
    trace_names_init(&driver.names, &driver.host);
    enum trace_outcome outcome = TRACE_OUT_OF_MEMORY;
    driver.detector = detector_new(&driver.host, options ? options : &defaults);
    if (!driver.detector)
        goto out;
    driver.player = event_player_new(driver.detector, &driver.host);
    if (!driver.player)
        goto out_detector;
    if ((options ? options : &defaults)->enabled[FINDING_DATA_RACE])
        driver.predict = predict_new(&driver.host);
    outcome = run(&driver, text, length);
    detector_counts(driver.detector, &summary->counts);
    if (driver.predict && outcome != TRACE_OUT_OF_MEMORY)
        summary->is_cut_short = !predict_run(driver.predict, report_race, &driver);
    predict_delete(driver.predict);
    event_player_delete(driver.player);
out_detector:
    detector_delete(driver.detector);
out:
    trace_names_release(&driver.names);
    free(driver.line.text);
    return outcome;
}

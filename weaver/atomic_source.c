#include "weaver/atomic_source.h"

#include <stdlib.h>
#include <string.h>

#include "weaver/atomic_names.h"
#include "weaver/source_file.h"

enum { LARGEST_FILE = 16 << 20, FIRST_CAPACITY = 64 };

/* ---- one file --------------------------------------------------------------------------------------------------- */

/* What the scan is inside of. */
enum place { PLACE_CODE, PLACE_LINE_COMMENT, PLACE_COMMENT, PLACE_STRING, PLACE_CHARACTER };

struct scan {
    struct atomic_macros *macros;
    const char *at, *end;
    enum place place;
    unsigned calls, relaxed; /* on this line: of atomic operations, and names that say relaxed */
    bool names_order;        /* another than that */
    /* OpenMP: the line is a directive, with these words; it makes the next line of code atomic. */
    bool is_directive, names_openmp, names_atomic;
    bool has_code, follows_atomic; /* the line has a name in it; the one before was such a directive */
    bool calls_fences;             /* on any line */
};

static bool names_other_order(const char *name, size_t size)
{
    return name_contains(name, size, "acquire") || name_contains(name, size, "release") ||
           name_contains(name, size, "acq_rel") || name_contains(name, size, "seq_cst") ||
           name_contains(name, size, "consume");
}

static bool is_atomic_call(const struct scan *scan, const char *name, size_t size)
{
    return atomic_name_is_call(name, size) || (scan->macros && atomic_macros_has(scan->macros, name, size));
}

/* A name begins at scan->at. */
static void scan_name(struct scan *scan)
{
    const char *name = scan->at;
    while (scan->at < scan->end && name_is_character(*scan->at))
        scan->at++;
    size_t size = (size_t)(scan->at - name);
    const char *after = name_past_blanks(scan->at, scan->end);
    bool is_call = after < scan->end && *after == '(';
    if (atomic_name_is_assembly(name, size))
        scan->calls += atomic_assembly_at(scan->at, scan->end);
    else
        scan->calls += is_call && is_atomic_call(scan, name, size);
    scan->calls_fences |= is_call && atomic_name_is_fence(name, size);
    scan->relaxed += name_contains(name, size, "relaxed");
    scan->names_order |= names_other_order(name, size);
    scan->has_code = true;
    scan->names_atomic |= scan->names_openmp && name_is(name, size, "atomic");
    scan->names_openmp = scan->is_directive && name_is(name, size, "omp"); /* for the next word */
}

static bool begins(const struct scan *scan, const char *two)
{
    return scan->end - scan->at >= 2 && scan->at[0] == two[0] && scan->at[1] == two[1];
}

static void scan_code(struct scan *scan)
{
    if (name_is_character(*scan->at)) {
        scan_name(scan);
        return;
    }
    scan->is_directive |= *scan->at == '#' && !scan->has_code;
    if (begins(scan, "//"))
        scan->place = PLACE_LINE_COMMENT;
    else if (begins(scan, "/*"))
        scan->place = PLACE_COMMENT;
    else if (*scan->at == '"')
        scan->place = PLACE_STRING;
    else if (*scan->at == '\'')
        scan->place = PLACE_CHARACTER;
    scan->at += scan->place == PLACE_COMMENT ? 2 : 1;
}

static void scan_other(struct scan *scan)
{
    if (scan->place == PLACE_COMMENT) {
        bool ends = begins(scan, "*/");
        scan->place = ends ? PLACE_CODE : PLACE_COMMENT;
        scan->at += ends ? 2 : 1;
        return;
    }
    char closing = scan->place == PLACE_STRING ? '"' : '\'';
    if (scan->place != PLACE_LINE_COMMENT && *scan->at == '\\' && scan->end - scan->at >= 2 && scan->at[1] != '\n')
        scan->at++;
    else if (scan->place != PLACE_LINE_COMMENT && *scan->at == closing)
        scan->place = PLACE_CODE;
    scan->at++;
}

static uint8_t line_kind(const struct scan *scan)
{
    /* gcc gives what a directive makes atomic the statement's line, g++ the directive's. */
    bool is_made_atomic = scan->names_atomic || (scan->follows_atomic && scan->has_code && !scan->is_directive);
    if (scan->calls == 0)
        return is_made_atomic ? SOURCE_ATOMIC : SOURCE_PLAIN;
    /* Which of several calls a move comes of is not known. */
    return scan->relaxed >= scan->calls && !scan->names_order ? SOURCE_RELAXED : SOURCE_ATOMIC;
}

static void begin_line(struct scan *scan)
{
    scan->follows_atomic = scan->names_atomic || (scan->follows_atomic && !scan->has_code);
    scan->calls = scan->relaxed = 0;
    scan->names_order = scan->has_code = false;
    scan->is_directive = scan->names_openmp = scan->names_atomic = false;
    /* a string that the line leaves open is a mistake of ours, or an apostrophe in what is no code */
    scan->place = scan->place == PLACE_COMMENT ? PLACE_COMMENT : PLACE_CODE;
}

size_t atomic_source_scan(struct atomic_macros *macros, const char *text, size_t size, uint8_t *lines,
                          size_t line_count, bool *calls_fences)
{
    struct scan scan = {.macros = macros, .at = text, .end = text + size, .place = PLACE_CODE};
    size_t line = 1;
    while (scan.at < scan.end) {
        if (*scan.at == '\n') {
            if (line <= line_count)
                lines[line] = line_kind(&scan);
            line++;
            scan.at++;
            begin_line(&scan);
        } else if (scan.place == PLACE_CODE) {
            scan_code(&scan);
        } else {
            scan_other(&scan);
        }
    }
    if (line <= line_count)
        lines[line] = line_kind(&scan);
    *calls_fences = scan.calls_fences;
    return line;
}

/* A source that is being read, with the macros of its unit. */
struct reading {
    struct atomic_macros *macros;
    struct atomic_source *source;
};

static bool are_plain(const uint8_t *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lines[i] != SOURCE_PLAIN)
            return false;
    return true;
}

static void scan_file(void *arg, const char *path, const char *text, size_t size)
{
    const struct reading *reading = arg;
    struct atomic_source *source = reading->source;
    (void)path;
    size_t count = atomic_source_scan(NULL, text, size, NULL, 0, &source->calls_fences);
    source->lines = calloc(count + 1, 1);
    if (source->lines) {
        source->line_count = count;
        atomic_source_scan(reading->macros, text, size, source->lines, count, &source->calls_fences);
        source->is_plain = are_plain(source->lines + 1, count);
    }
}

/* ---- all files -------------------------------------------------------------------------------------------------- */

static struct atomic_source *place_of(const struct atomic_sources *sources, const char *path)
{
    size_t i = (size_t)name_hash(path, strlen(path));
    while (sources->sources[i & (sources->capacity - 1)].path &&
           strcmp(sources->sources[i & (sources->capacity - 1)].path, path) != 0)
        i++;
    return &sources->sources[i & (sources->capacity - 1)];
}

/* Makes room for one more.  Returns: false without memory. */
static bool grow(struct atomic_sources *sources)
{
    if (2 * sources->count < sources->capacity)
        return true;
    struct atomic_sources grown = {.capacity = sources->capacity ? 2 * sources->capacity : FIRST_CAPACITY};
    grown.sources = calloc(grown.capacity, sizeof *grown.sources);
    if (!grown.sources)
        return false;
    for (size_t i = 0; i < sources->capacity; i++)
        if (sources->sources[i].path)
            *place_of(&grown, sources->sources[i].path) = sources->sources[i];
    free(sources->sources);
    sources->sources = grown.sources;
    sources->capacity = grown.capacity;
    return true;
}

const struct atomic_source *atomic_source_find(struct atomic_sources *sources, const char *path)
{
    if (!grow(sources))
        return NULL;
    struct atomic_source *source = place_of(sources, path);
    if (!source->path) {
        source->path = strdup(path);
        if (!source->path)
            return NULL;
        sources->count++;
        struct reading reading = {&sources->headers.macros, source};
        source_file_read(path, LARGEST_FILE, scan_file, &reading);
    }
    return source;
}

bool atomic_sources_are_plain(struct atomic_sources *sources)
{
    const struct atomic_headers *headers = &sources->headers;
    while (!sources->have_atomics && sources->headers_seen < headers->file_count) {
        const struct atomic_source *source = atomic_source_find(sources, headers->files[sources->headers_seen++].path);
        sources->have_atomics = !source || !source->is_plain;
    }
    return !sources->have_atomics;
}

enum source_line atomic_source_line(const struct atomic_source *source, int line)
{
    bool is_known = source && source->lines && line > 0 && (size_t)line <= source->line_count;
    return is_known ? (enum source_line)source->lines[line] : SOURCE_UNREAD;
}

void atomic_sources_free(struct atomic_sources *sources)
{
    for (size_t i = 0; i < sources->capacity; i++) {
        free(sources->sources[i].path);
        free(sources->sources[i].lines);
    }
    free(sources->sources);
    atomic_headers_free(&sources->headers);
    *sources = (struct atomic_sources){0};
}

#include "report/symbols.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "report/demangle.h"
#include "report/path.h"
#include "report/scopes.h"
#include "report/symbol_code.h"
#include "report/symbol_function.h"

#define INLINE_LIMIT 64

struct module_entry {
    const char *key; /* path, 0x01, build-id */
    const char *path;
    struct symbol_module opened;
    UT_hash_handle hh;
};

/* What a recorded module stands for: found once, then by its address. */
struct alias_entry {
    const struct run_module *recorded;
    struct module_entry *module;
    UT_hash_handle hh;
};

struct address_key {
    const struct module_entry *module;
    uint64_t offset;
};

struct address_entry {
    struct address_key key;
    struct symbol_frame *frames;
    size_t count;
    UT_hash_handle hh;
};

enum question { QUESTION_ACCESS, QUESTION_ARGUMENT, QUESTION_RESULT };

struct place_key {
    const struct module_entry *module;
    uint64_t offset;
    enum question question;
};

struct place_entry {
    struct place_key key;
    struct symbol_place place;
    UT_hash_handle hh;
};

struct symbols {
    struct pool pool;
    struct module_entry *modules;
    struct alias_entry *aliases;
    struct address_entry *addresses;
    struct place_entry *places;
};

struct symbols *symbols_new(void)
{
    struct symbols *symbols = memory_grow(NULL, 1, sizeof *symbols);
    *symbols = (struct symbols){0};
    return symbols;
}

void symbols_free(struct symbols *symbols)
{
    for (struct module_entry *m = symbols->modules; m; m = m->hh.next)
        symbol_module_close(&m->opened);
    HASH_CLEAR(hh, symbols->modules);
    HASH_CLEAR(hh, symbols->aliases);
    HASH_CLEAR(hh, symbols->addresses);
    HASH_CLEAR(hh, symbols->places);
    pool_free(&symbols->pool);
    free(symbols);
}

/* Returns: true for libc, the dynamic loader, the C++ runtime and lockhound's own library, by the file's name. */
static bool is_runtime(const char *path)
{
    static const char *const prefixes[] = {
        "libc.so.",      "libc-2.",    "libpthread.so.", "libpthread-2.", "ld-linux", "ld-2.",     "liblockhound.so",
        "libstdc++.so.", "libc++.so.", "libc++abi.so.",  "libgcc_s.so.",  "[vdso]",   "linux-vdso"};
    const char *name = path_base(path);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static struct module_entry *module_of(struct symbols *symbols, const struct run_module *recorded)
{
    struct alias_entry *alias;
    HASH_FIND_PTR(symbols->aliases, &recorded, alias);
    if (alias)
        return alias->module;
    const char *key = pool_format(&symbols->pool, "%s\001%s", recorded->path, recorded->build_id);
    struct module_entry *entry;
    HASH_FIND_STR(symbols->modules, key, entry);
    if (!entry) {
        entry = pool_alloc(&symbols->pool, sizeof *entry);
        entry->key = key;
        entry->path = pool_string(&symbols->pool, recorded->path);
        entry->opened.is_runtime = is_runtime(recorded->path);
        symbol_module_open(&entry->opened, recorded, &symbols->pool);
        HASH_ADD_KEYPTR(hh, symbols->modules, entry->key, strlen(entry->key), entry);
    }
    alias = pool_alloc(&symbols->pool, sizeof *alias);
    alias->recorded = recorded;
    alias->module = entry;
    HASH_ADD_PTR(symbols->aliases, recorded, alias);
    return entry;
}

void symbols_visit_gaps(const struct symbols *symbols, void (*visit)(void *ctx, const char *path, const char *why),
                        void *ctx)
{
    for (struct module_entry *m = symbols->modules; m; m = m->hh.next)
        if (m->opened.gap && !m->opened.is_runtime)
            visit(ctx, m->path, m->opened.gap);
}

/* ---- one address ------------------------------------------------------------------------------------------------ */

/* Frames of one address while they are collected, innermost first. */
struct found {
    struct symbols *symbols;
    struct symbol_frame frames[INLINE_LIMIT];
    size_t count;
};

/* The linker puts the version of a library's symbol behind the name of its copy in a program: _ZSt4cout@GLIBCXX_3.4. */
static const char *without_version(struct pool *pool, const char *symbol)
{
    size_t length = strcspn(symbol, "@");
    return symbol[length] == '\0' || length == 0 ? symbol : pool_format(pool, "%.*s", (int)length, symbol);
}

static void set_function(struct symbols *symbols, struct symbol_frame *frame, const char *name)
{
    /* Thread entries and operators of the C++ library are folded like libc's, also where they were inlined. */
    static const char *const library[] = {"std::", "__gnu_cxx::", "__gthread_", "void std::", "_start"};
    if (!name)
        return;
    frame->function = demangle(&symbols->pool, without_version(&symbols->pool, name));
    frame->name = demangle_without_parameters(&symbols->pool, frame->function);
    for (size_t i = 0; i < sizeof library / sizeof library[0]; i++)
        if (strncmp(frame->name, library[i], strlen(library[i])) == 0)
            frame->is_runtime = true;
}

static void describe_function(struct symbols *symbols, struct symbol_frame *frame, Dwarf_Die *function)
{
    set_function(symbols, frame, symbol_function_name(&symbols->pool, function));
    frame->is_at_name = symbol_function_begins_at(function, frame->line, frame->column);
}

/* Behind a symbolic link a step back leads elsewhere: then the path stays as it is. */
static const char *tidied(struct symbols *symbols, char *path)
{
    char *tidy = pool_string(&symbols->pool, path);
    path_tidy(tidy);
    return access(path, F_OK) == 0 && access(tidy, F_OK) != 0 ? path : tidy;
}

/* A path as the compiler saw it, made absolute. */
static const char *source_path(struct symbols *symbols, Dwarf_Die *unit, const char *file)
{
    Dwarf_Attribute attribute;
    const char *directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    if (!file)
        return NULL;
    return tidied(symbols, *file == '/' || !directory ? pool_string(&symbols->pool, file)
                                                      : pool_format(&symbols->pool, "%s/%s", directory, file));
}

/* Returns: true when the DIE has this attribute, with its value. */
static bool number_attribute(Dwarf_Die *die, unsigned name, uint32_t *number)
{
    Dwarf_Word value;
    if (!symbol_number_of(die, name, &value) || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

/* The inner function was called, inline, at the place that `inlined` names: that is the next frame's line. */
static void set_call_place(struct symbols *symbols, struct symbol_frame *frame, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t count;
    uint32_t file; /* 0 names the unit's own source in DWARF 5, and nothing before */
    Dwarf_Half version = 0;
    dwarf_cu_info(unit->cu, &version, NULL, NULL, NULL, NULL, NULL, NULL);
    if (number_attribute(inlined, DW_AT_call_file, &file) && (file || version >= 5) &&
        dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
        frame->file = source_path(symbols, unit, dwarf_filesrc(files, file, NULL, NULL));
    number_attribute(inlined, DW_AT_call_line, &frame->line);
    number_attribute(inlined, DW_AT_call_column, &frame->column);
}

static void set_line(struct symbols *symbols, struct symbol_frame *frame, Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number, column;
    if (!line)
        return;
    frame->file = source_path(symbols, unit, dwarf_linesrc(line, NULL, NULL));
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = (uint32_t)number;
    if (dwarf_linecol(line, &column) == 0 && column > 0)
        frame->column = (uint32_t)column;
}

/* Walks out from the innermost scope: each inlined call is a frame, the function that holds them all the last one. */
static void collect_scopes(struct found *found, Dwarf_Die *unit, Dwarf_Die *scopes, int count)
{
    for (int i = 0; i < count && found->count < INLINE_LIMIT; i++) {
        struct symbol_frame *frame = &found->frames[found->count - 1];
        int tag = dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram) {
            describe_function(found->symbols, frame, &scopes[i]);
            return;
        }
        if (tag == DW_TAG_inlined_subroutine) {
            describe_function(found->symbols, frame, &scopes[i]);
            frame->is_inlined = true;
            found->frames[found->count] = (struct symbol_frame){.module = frame->module, .offset = frame->offset};
            set_call_place(found->symbols, &found->frames[found->count], unit, &scopes[i]);
            found->count++;
        }
    }
}

static void find_in_debug_information(struct found *found, struct symbol_module *m, uint64_t offset)
{
    Dwarf_Die unit, scopes[SCOPES_MAX];
    if (!symbol_module_find_unit(m, offset, &unit))
        return;
    Dwarf_Addr address = offset + m->bias - m->dwarf_bias;
    set_line(found->symbols, &found->frames[0], &unit, address);
    collect_scopes(found, &unit, scopes, scopes_find(&unit, address, scopes));
}

/* Returns: true for code in the headers of the C++ library.  What is made there for a type without linkage, as that of a lambda,
 * has a name of its own alone, such as `_M_run`. */
static bool is_of_headers(const struct symbol_frame *frame)
{
    return frame->file && strstr(frame->file, "/include/c++/") != NULL;
}

static void find_address(struct found *found, const struct run_frame *frame, struct module_entry *entry,
                         uint64_t offset)
{
    found->count = 1;
    found->frames[0] = (struct symbol_frame){.module = frame->module, .offset = offset};
    find_in_debug_information(found, &entry->opened, offset);
    struct symbol_frame *outermost = &found->frames[found->count - 1];
    if (!outermost->function) {
        uint64_t begin, size;
        set_function(found->symbols, outermost, symbol_module_find_symbol(&entry->opened, offset, &begin, &size));
    }
    if (!outermost->function && !entry->opened.gap) {
        entry->opened.gap =
            "it is stripped; its debug symbols (a -dbgsym package, or DEBUGINFOD_URLS) would name functions";
    }
    for (size_t i = 0; i < found->count; i++)
        found->frames[i].is_runtime |= entry->opened.is_runtime || is_of_headers(&found->frames[i]);
}

/* A frame without a module: already symbolic, or code that belongs to no file (compiled at run time). */
static struct address_entry *add_bare_frame(struct symbols *symbols, const struct run_frame *frame)
{
    struct address_entry *entry = pool_alloc(&symbols->pool, sizeof *entry);
    entry->frames = pool_alloc(&symbols->pool, sizeof *entry->frames);
    entry->count = 1;
    entry->frames->offset = frame->offset;
    if (frame->function && *frame->function)
        entry->frames->function = entry->frames->name = pool_string(&symbols->pool, frame->function);
    if (frame->file && *frame->file) {
        entry->frames->file = pool_string(&symbols->pool, frame->file);
        entry->frames->line = frame->line;
    }
    return entry;
}

size_t symbols_find(struct symbols *symbols, const struct run_frame *frame, const struct symbol_frame **frames)
{
    struct address_entry *entry = NULL;
    if (!frame->module) {
        entry = add_bare_frame(symbols, frame);
        *frames = entry->frames;
        return entry->count;
    }
    struct address_key key;
    memset(&key, 0, sizeof key);
    struct module_entry *module = module_of(symbols, frame->module);
    key.module = module;
    key.offset = frame->offset - (frame->is_exact || frame->offset == 0 ? 0 : 1);
    HASH_FIND(hh, symbols->addresses, &key, sizeof key, entry);
    if (!entry) {
        struct found found = {.symbols = symbols};
        find_address(&found, frame, module, key.offset);
        entry = pool_alloc(&symbols->pool, sizeof *entry);
        entry->key = key;
        entry->count = found.count;
        entry->frames = pool_array(&symbols->pool, found.count, sizeof *entry->frames);
        memcpy(entry->frames, found.frames, found.count * sizeof *entry->frames);
        HASH_ADD(hh, symbols->addresses, key, sizeof key, entry);
    }
    *frames = entry->frames;
    return entry->count;
}

const char *symbols_name_variable(struct symbols *symbols, const struct run_module *module, uint64_t offset,
                                  size_t size, struct pool *pool, const char **type, uint64_t *type_size)
{
    struct symbol_module *m = &module_of(symbols, module)->opened;
    uint64_t begin, symbol_size;
    *type = NULL;
    *type_size = 0;
    const char *symbol = symbol_module_find_symbol(m, offset, &begin, &symbol_size);
    if (!symbol)
        return NULL;
    const char *name = demangle(pool, without_version(pool, symbol));
    if (offset == begin && symbol_size <= size)
        return pool_string(pool, name);
    struct buffer path = {0};
    const char *type_name = symbol_variable_path(m, begin, offset, size, &path, type_size);
    *type = type_name ? pool_string(pool, type_name) : NULL;
    const char *full = pool_format(pool, "%s%s", name, path.data);
    buffer_free(&path);
    return full;
}

/* ---- what code calls it ----------------------------------------------------------------------------------------- */

static const struct symbol_place *find_place(struct symbols *symbols, const struct run_frame *frame,
                                             enum question question)
{
    static bool (*const ask[])(struct symbol_module * m, uint64_t offset, struct pool * pool,
                               struct symbol_place * place) = {[QUESTION_ACCESS] = symbol_code_access,
                                                               [QUESTION_ARGUMENT] = symbol_code_argument,
                                                               [QUESTION_RESULT] = symbol_code_result};
    static const struct symbol_place unknown;
    struct place_entry *entry;
    struct place_key key;
    if (!frame->module || frame->is_exact != (question == QUESTION_ACCESS) || frame->offset == 0)
        return &unknown;
    memset(&key, 0, sizeof key);
    key.module = module_of(symbols, frame->module);
    key.offset = frame->offset;
    key.question = question;
    HASH_FIND(hh, symbols->places, &key, sizeof key, entry);
    if (!entry) {
        entry = pool_alloc(&symbols->pool, sizeof *entry);
        entry->key = key;
        struct symbol_module *m = &module_of(symbols, frame->module)->opened;
        if (!m->is_runtime)
            ask[question](m, frame->offset, &symbols->pool, &entry->place);
        HASH_ADD(hh, symbols->places, key, sizeof key, entry);
    }
    return &entry->place;
}

/* A name stands for the first of several members that one access covers, or for one of which it covers a part: those have no type
 * in common. */
static void set_type(struct pool *pool, Dwarf_Die *found, size_t size, const char **type)
{
    const char *name = dwarf_diename(found);
    Dwarf_Word type_size;
    if (name && dwarf_aggregate_size(found, &type_size) == 0 && type_size == size)
        *type = pool_string(pool, name);
}

const char *symbols_name_access(struct symbols *symbols, const struct run_frame *frame, int64_t delta, size_t size,
                                struct pool *pool, const char **type, const char **identity)
{
    struct symbol_place place = *find_place(symbols, frame, QUESTION_ACCESS);
    Dwarf_Die found;
    place.at += delta;
    const char *name = symbol_place_name(&place, size, pool, &found);
    if (name) {
        set_type(pool, &found, size, type);
        *identity = symbol_place_identity(&place, size, pool);
    }
    return name;
}

static bool is_called(Dwarf_Die type, const char *const types[])
{
    for (int step = 0; step < 8; step++) {
        const char *name = dwarf_diename(&type);
        for (size_t i = 0; name && types[i]; i++)
            if (strcmp(name, types[i]) == 0)
                return true;
        int tag = dwarf_tag(&type);
        if ((tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type) ||
            !symbol_type_of(&type, &type))
            return false;
    }
    return false;
}

const char *symbols_name_argument(struct symbols *symbols, const struct run_frame *frame, size_t size,
                                  const char *const types[], struct pool *pool)
{
    Dwarf_Die found;
    const char *name = symbol_place_name(find_place(symbols, frame, QUESTION_ARGUMENT), size, pool, &found);
    return name && is_called(found, types) ? name : NULL;
}

const char *symbols_name_result(struct symbols *symbols, const struct run_frame *frame, uint64_t at,
                                uint64_t block_size, size_t size, struct pool *pool, const char **type,
                                uint64_t *elements)
{
    struct symbol_place place = *find_place(symbols, frame, QUESTION_RESULT);
    Dwarf_Word whole;
    Dwarf_Die found;
    if (!place.is_known || place.at != 0 || dwarf_aggregate_size(&place.type, &whole) != 0 || whole == 0 ||
        whole > block_size || at >= block_size || (at >= whole && block_size % whole != 0))
        return NULL;
    *elements = at >= whole ? block_size / whole : 1;
    if (*elements > 1) {
        place.name = pool_format(pool, "%s[%llu]", place.name, (unsigned long long)(at / whole));
        place.is_pointed = false;
    }
    place.at = (int64_t)(at % whole);
    const char *name = symbol_place_name(&place, size, pool, &found);
    if (name)
        set_type(pool, &found, size, type);
    return name;
}

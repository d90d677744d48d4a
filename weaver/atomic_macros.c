#include "weaver/atomic_macros.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaver/atomic_names.h"

enum { BUCKETS = 1 << 12, DEPTH_MOST = 12, LARGEST_FILE = 4 << 20, FILES_MOST = 4096, FOLDERS_UP = 8 };

static size_t hash_of(const char *name, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32) % BUCKETS;
}

/* ---- what a macro does ------------------------------------------------------------------------------------------ */

enum verdict { VERDICT_NONE, VERDICT_ATOMIC, VERDICT_CALLS };

static enum verdict judge_name(struct atomic_macros *macros, const char *name, size_t size, unsigned depth);

static bool is_language(const char *name, size_t size)
{
    static const char *const words[] = {
        "if",         "for",     "while",         "switch",        "return",   "sizeof",  "typeof",
        "__typeof__", "defined", "__attribute__", "__extension__", "offsetof", "__typeof"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (name_is(name, size, words[i]))
            return true;
    }
    return size > 10 && memcmp(name, "__builtin_", 10) == 0;
}

static bool is_parameter(const struct atomic_macro *macro, const char *name, size_t size)
{
    for (const char *at = macro->parameters; at && *at;) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (length == size && memcmp(at, name, size) == 0)
            return true;
        at += length ? length : 1;
    }
    return false;
}

/* A name of which a part is pasted is one that the macro defines. */
static bool is_pasted(const struct atomic_macro *macro, const char *name)
{
    while (name > macro->body && name[-1] == ' ')
        name--;
    return name - macro->body >= 2 && name[-1] == '#' && name[-2] == '#';
}

static enum verdict judge_call(struct atomic_macros *macros, const struct atomic_macro *macro, const char *name,
                               size_t size, unsigned depth)
{
    if (atomic_name_is_assembly(name, size))
        return atomic_assembly_at(name + size, name + strlen(name)) ? VERDICT_ATOMIC : VERDICT_NONE;
    if (atomic_name_is_call(name, size))
        return VERDICT_ATOMIC;
    if (is_language(name, size) || atomic_name_is_fence(name, size) || is_parameter(macro, name, size) ||
        is_pasted(macro, name))
        return VERDICT_NONE;
    return judge_name(macros, name, size, depth + 1);
}

static const char *past_string(const char *at)
{
    char closing = *at++;
    while (*at && *at != closing)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

static enum verdict judge_body(struct atomic_macros *macros, const struct atomic_macro *macro, unsigned depth)
{
    enum verdict verdict = VERDICT_NONE;
    for (const char *at = macro->body; *at;) {
        if (*at == '"' || *at == '\'') {
            at = past_string(at);
            continue;
        }
        if (!name_is_character(*at)) {
            at++;
            continue;
        }
        const char *name = at;
        while (name_is_character(*at))
            at++;
        size_t size = (size_t)(at - name);
        const char *after = at + strspn(at, " \t");
        bool is_assembly = atomic_name_is_assembly(name, size); /* "volatile" may stand between */
        if (*after != '(' && !is_assembly)
            continue;
        enum verdict call = judge_call(macros, macro, name, size, depth);
        if (call == VERDICT_CALLS)
            return call;
        verdict = call == VERDICT_ATOMIC ? call : verdict;
        if (is_assembly)
            at = after + strcspn(after, "("); /* not a call of what stands before that */
    }
    return verdict;
}

static enum verdict judge(struct atomic_macros *macros, struct atomic_macro *macro, unsigned depth)
{
    if (macro->judged != macros->count + 1) {
        macro->judged = macros->count + 1; /* what leads back to itself calls nothing by that */
        macro->verdict = VERDICT_NONE;
        macro->verdict = (uint8_t)(macro->parameters ? judge_body(macros, macro, depth)
                                                     : judge_name(macros, macro->body, strlen(macro->body), depth + 1));
    }
    return (enum verdict)macro->verdict;
}

static enum verdict judge_name(struct atomic_macros *macros, const char *name, size_t size, unsigned depth)
{
    enum verdict verdict = VERDICT_CALLS; /* a function */
    struct atomic_macro *macro = macros->macros && depth <= DEPTH_MOST ? macros->macros[hash_of(name, size)] : NULL;
    for (; macro; macro = macro->next) {
        if (!name_is(name, size, macro->name))
            continue;
        enum verdict one = judge(macros, macro, depth);
        if (one == VERDICT_ATOMIC)
            return one;
        verdict = one == VERDICT_NONE ? one : verdict;
    }
    return verdict;
}

bool atomic_macros_has(struct atomic_macros *macros, const char *name, size_t size)
{
    return judge_name(macros, name, size, 0) == VERDICT_ATOMIC;
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

/* Copies text, its comments and continued lines taken out. */
static char *copy(const char *from, const char *end)
{
    char *text = malloc((size_t)(end - from) + 1), *to = text;
    while (text && from < end) {
        if (*from == '\\' && end - from > 1 && from[1] == '\n') {
            *to++ = ' ';
            from += 2;
        } else if (end - from > 1 && from[0] == '/' && from[1] == '*') {
            for (from += 2; end - from > 1 && !(from[0] == '*' && from[1] == '/'); from++)
                ;
            from = end - from > 1 ? from + 2 : end;
        } else if (end - from > 1 && from[0] == '/' && from[1] == '/') {
            from = end;
        } else {
            *to++ = *from++;
        }
    }
    while (text && to > text && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
        to--;
    if (text)
        *to = '\0';
    return text;
}

static const char *past_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

static void free_macro(struct atomic_macro *macro)
{
    if (macro) {
        free(macro->name);
        free(macro->parameters);
        free(macro->body);
    }
    free(macro);
}

static bool is_one_name(const char *text)
{
    while (name_is_character(*text))
        text++;
    return *text == '\0';
}

/* What follows "define".  A macro without parameters counts when it is but another name. */
static void define(struct atomic_macros *macros, const char *at, const char *end)
{
    const char *name = at, *parameters = NULL, *body;
    while (at < end && name_is_character(*at))
        at++;
    size_t size = (size_t)(at - name);
    if (at < end && *at == '(') {
        parameters = at + 1;
        at = memchr(at, ')', (size_t)(end - at));
        if (!at)
            return;
    }
    body = past_blanks(parameters ? at + 1 : at, end);
    struct atomic_macro *macro = calloc(1, sizeof *macro);
    if (macro) {
        macro->name = strndup(name, size);
        macro->parameters = parameters ? strndup(parameters, (size_t)(at - parameters)) : NULL;
        macro->body = copy(body, end);
    }
    bool is_whole = macro && macro->name && macro->body && size > 0 && (macro->parameters || !parameters);
    if (!is_whole || (!parameters && (*macro->body == '\0' || !is_one_name(macro->body)))) {
        free_macro(macro);
        return;
    }
    struct atomic_macro **bucket = &macros->macros[hash_of(name, size)];
    macro->next = *bucket;
    *bucket = macro;
    macros->count++;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static bool make_tables(struct atomic_macros *macros)
{
    if (!macros->macros)
        macros->macros = calloc(BUCKETS, sizeof(struct atomic_macro *));
    if (!macros->inodes)
        macros->inodes = calloc(BUCKETS, sizeof *macros->inodes);
    return macros->macros && macros->inodes;
}

/* Returns: false when there is no such file.  One that is known is added no more, by whatever path. */
static bool add_file(struct atomic_macros *macros, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || !make_tables(macros))
        return false;
    uint32_t *first = &macros->inodes[status.st_ino % BUCKETS];
    for (uint32_t i = *first; i != 0; i = macros->files[i - 1].next) {
        if (macros->files[i - 1].inode == status.st_ino && macros->files[i - 1].device == status.st_dev)
            return true;
    }
    if (macros->file_count == macros->file_capacity) {
        size_t capacity = macros->file_capacity ? 2 * macros->file_capacity : 64;
        struct atomic_file *grown = capacity > FILES_MOST ? NULL : realloc(macros->files, capacity * sizeof *grown);
        if (!grown)
            return true;
        macros->files = grown;
        macros->file_capacity = capacity;
    }
    char *own = realpath(path, NULL);
    if (own) {
        macros->files[macros->file_count++] = (struct atomic_file){own, status.st_dev, status.st_ino, *first};
        *first = (uint32_t)macros->file_count;
    }
    return true;
}

/* What follows "include", in a file at `path`. */
static void include(struct atomic_macros *macros, const char *path, const char *at, const char *end)
{
    static const char *const folders[] = {"/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/local/include"};
    const char *last = at < end ? memchr(at + 1, *at == '<' ? '>' : '"', (size_t)(end - at - 1)) : NULL;
    if (!last || (*at != '<' && *at != '"'))
        return;
    char found[PATH_MAX];
    int size = (int)(last - at - 1);
    size_t folder = strlen(path);
    for (unsigned up = 0; up < FOLDERS_UP && folder > 0; up++) {
        while (folder > 0 && path[folder - 1] != '/')
            folder--;
        folder -= folder > 0;
        if (snprintf(found, sizeof found, "%.*s/%.*s", (int)folder, path, size, at + 1) < (int)sizeof found &&
            add_file(macros, found))
            return;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (snprintf(found, sizeof found, "%s/%.*s", folders[i], size, at + 1) < (int)sizeof found &&
            add_file(macros, found))
            return;
    }
}

/* Returns: where a directive ends, lines that are continued taken together. */
static const char *end_of_directive(const char *at, const char *end)
{
    for (const char *line = at; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return end;
        const char *before = newline > at && newline[-1] == '\r' ? newline - 1 : newline;
        if (before == at || before[-1] != '\\')
            return newline;
        line = newline + 1;
    }
    return end;
}

void atomic_macros_scan(struct atomic_macros *macros, const char *path, const char *text, size_t size)
{
    const char *end = text + size;
    if (!make_tables(macros))
        return;
    for (const char *at = text; at < end;) {
        const char *first = past_blanks(at, end);
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (first < end && *first == '#') {
            newline = end_of_directive(first, end);
            first = past_blanks(first + 1, newline);
            if (newline - first > 7 && memcmp(first, "define ", 7) == 0)
                define(macros, past_blanks(first + 7, newline), newline);
            else if (newline - first > 8 && memcmp(first, "include", 7) == 0)
                include(macros, path, past_blanks(first + 7, newline), newline);
        }
        at = newline && newline < end ? newline + 1 : end;
    }
}

static void read_file(struct atomic_macros *macros, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 && status.st_size <= LARGEST_FILE) {
        void *text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text != MAP_FAILED) {
            atomic_macros_scan(macros, path, text, (size_t)status.st_size);
            munmap(text, (size_t)status.st_size);
        }
    }
    close(fd);
}

void atomic_macros_read(struct atomic_macros *macros, const char *path)
{
    (void)add_file(macros, path);
    while (macros->files_read < macros->file_count)
        read_file(macros, macros->files[macros->files_read++].path);
}

void atomic_macros_free(struct atomic_macros *macros)
{
    for (size_t i = 0; macros->macros && i < BUCKETS; i++) {
        while (macros->macros[i]) {
            struct atomic_macro *next = macros->macros[i]->next;
            free_macro(macros->macros[i]);
            macros->macros[i] = next;
        }
    }
    for (size_t i = 0; i < macros->file_count; i++)
        free(macros->files[i].path);
    free(macros->macros);
    free(macros->inodes);
    free(macros->files);
    *macros = (struct atomic_macros){0};
}

#include "weaver/atomic_headers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "weaver/atomic_names.h"
#include "weaver/source_file.h"

enum { BUCKETS = 1 << 12, LARGEST_FILE = 4 << 20, FILES_MOST = 4096, FOLDERS_UP = 8 };

static bool make_table(struct atomic_headers *headers)
{
    if (!headers->inodes)
        headers->inodes = calloc(BUCKETS, sizeof *headers->inodes);
    return headers->inodes != NULL;
}

/* Returns: false when there is no such file.  One that is known is added no more, by whatever path. */
static bool add_file(struct atomic_headers *headers, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || !make_table(headers))
        return false;
    uint32_t *first = &headers->inodes[status.st_ino % BUCKETS];
    for (uint32_t i = *first; i != 0; i = headers->files[i - 1].next)
        if (headers->files[i - 1].inode == status.st_ino && headers->files[i - 1].device == status.st_dev)
            return true;
    if (headers->file_count == headers->file_capacity) {
        size_t capacity = headers->file_capacity ? 2 * headers->file_capacity : 64;
        struct atomic_file *grown = capacity > FILES_MOST ? NULL : realloc(headers->files, capacity * sizeof *grown);
        if (!grown)
            return true;
        headers->files = grown;
        headers->file_capacity = capacity;
    }
    char *own = realpath(path, NULL);
    if (own) {
        headers->files[headers->file_count++] = (struct atomic_file){own, status.st_dev, status.st_ino, *first};
        *first = (uint32_t)headers->file_count;
    }
    return true;
}

/* What follows "include", in a file at `path`. */
static void include(struct atomic_headers *headers, const char *path, const char *at, const char *end)
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
            add_file(headers, found))
            return;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (snprintf(found, sizeof found, "%s/%.*s", folders[i], size, at + 1) < (int)sizeof found &&
            add_file(headers, found))
            return;
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

void atomic_headers_scan(struct atomic_headers *headers, const char *path, const char *text, size_t size)
{
    const char *end = text + size;
    for (const char *at = text; at < end;) {
        const char *first = name_past_blanks(at, end);
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (first < end && *first == '#') {
            newline = end_of_directive(first, end);
            first = name_past_blanks(first + 1, newline);
            if (newline - first > 7 && memcmp(first, "define ", 7) == 0)
                atomic_macros_define(&headers->macros, name_past_blanks(first + 7, newline), newline);
            else if (newline - first > 8 && memcmp(first, "include", 7) == 0)
                include(headers, path, name_past_blanks(first + 7, newline), newline);
        }
        at = newline && newline < end ? newline + 1 : end;
    }
}

static void scan(void *arg, const char *path, const char *text, size_t size)
{
    atomic_headers_scan(arg, path, text, size);
}

void atomic_headers_read(struct atomic_headers *headers, const char *path)
{
    (void)add_file(headers, path);
    while (headers->files_read < headers->file_count)
        source_file_read(headers->files[headers->files_read++].path, LARGEST_FILE, scan, headers);
}

void atomic_headers_free(struct atomic_headers *headers)
{
    for (size_t i = 0; i < headers->file_count; i++)
        free(headers->files[i].path);
    free(headers->inodes);
    free(headers->files);
    atomic_macros_free(&headers->macros);
    *headers = (struct atomic_headers){0};
}

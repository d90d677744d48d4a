#include "report/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#define FILE_LIMIT ((off_t)8 << 20)

struct source_file {
    const char *path;
    struct timespec modified;
    char **lines; /* NULL: not to be shown */
    size_t count;
    UT_hash_handle hh;
};

struct source_cache {
    struct pool pool;
    struct source_file *files;
};

struct source_cache *source_cache_new(void)
{
    struct source_cache *cache = memory_grow(NULL, 1, sizeof *cache);
    *cache = (struct source_cache){0};
    return cache;
}

void source_cache_free(struct source_cache *cache)
{
    HASH_CLEAR(hh, cache->files);
    pool_free(&cache->pool);
    free(cache);
}

/* Cuts `text` into lines.  A file with a zero byte is no source. */
static void cut_lines(struct source_cache *cache, struct source_file *file, char *text, size_t length)
{
    size_t lines = 1, at = 0;
    if (memchr(text, '\0', length))
        return;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    file->lines = pool_array(&cache->pool, lines, sizeof *file->lines);
    file->count = lines;
    for (char *line = text; line; at++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        file->lines[at] = line;
        line = end ? end + 1 : NULL;
    }
}

static void read_file(struct source_cache *cache, struct source_file *file)
{
    struct stat st;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_LIMIT) {
        char *text = pool_alloc(&cache->pool, (size_t)st.st_size + 1);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        if (n > 0) {
            file->modified = st.st_mtim;
            cut_lines(cache, file, text, (size_t)n);
        }
    }
    close(fd);
}

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

const char *source_line(struct source_cache *cache, const struct symbol_frame *frame, size_t *at)
{
    struct source_file *file;
    struct stat program;
    if (!frame->file || frame->line == 0 || !frame->module || stat(frame->module->path, &program) != 0)
        return NULL;
    HASH_FIND_STR(cache->files, frame->file, file);
    if (!file) {
        file = pool_alloc(&cache->pool, sizeof *file);
        file->path = pool_string(&cache->pool, frame->file);
        read_file(cache, file);
        HASH_ADD_KEYPTR(hh, cache->files, file->path, strlen(file->path), file);
    }
    if (frame->line > file->count || is_newer(&file->modified, &program.st_mtim))
        return NULL;
    const char *line = file->lines[frame->line - 1];
    size_t indentation = strspn(line, " \t");
    *at = frame->column > indentation ? frame->column - 1 - indentation : 0;
    return line + indentation;
}

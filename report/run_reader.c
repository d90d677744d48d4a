#include "report/run_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_LIMIT ((size_t)64 << 20)
#define READ_BYTES ((size_t)256 << 10)

static const char record_start[] = "{\"r\":";

int run_reader_open(struct run_reader *reader, const char *path, struct run *run, run_take_finding *take, void *ctx)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        close(fd);
        return -EISDIR;
    }
    *reader = (struct run_reader){.path = path, .fd = fd, .run = run, .take_finding = take, .ctx = ctx};
    return 0;
}

/* A bad line may be a torn record with a whole one behind it: what follows the last record's beginning counts. */
static void take_line(struct run_reader *reader, const char *line, size_t length, uint64_t offset)
{
    if (length == 0 || run_decode_line(reader, line, length, offset))
        return;
    const char *from = line + 1;
    while (from < line + length) {
        const char *start = memmem(from, (size_t)(line + length - from), record_start, sizeof record_start - 1);
        if (!start)
            return;
        if (run_decode_line(reader, start, (size_t)(line + length - start), offset + (uint64_t)(start - line)))
            return;
        from = start + 1;
    }
}

static void drop_pending(struct run_reader *reader, size_t length)
{
    buffer_consume(&reader->pending, length);
    reader->offset += length;
    reader->scanned = 0;
}

static void take_whole_lines(struct run_reader *reader)
{
    size_t begin = 0;
    while (reader->pending.length > begin + reader->scanned) {
        const char *line = reader->pending.data + begin;
        size_t rest = reader->pending.length - begin;
        const char *end = memchr(line + reader->scanned, '\n', rest - reader->scanned);
        if (!end) {
            reader->scanned = rest;
            break;
        }
        if (!reader->is_skipping)
            take_line(reader, line, (size_t)(end - line), reader->offset + begin);
        reader->is_skipping = false;
        reader->scanned = 0;
        begin += (size_t)(end - line) + 1;
    }
    size_t scanned = reader->scanned;
    if (begin) {
        drop_pending(reader, begin);
        reader->scanned = scanned;
    }
    if (reader->pending.length > LINE_LIMIT) {
        if (!reader->is_skipping) {
            run_add_problem(reader->run, reader->path, reader->offset, "a line longer than %zu MiB is skipped",
                            LINE_LIMIT >> 20);
        }
        reader->is_skipping = true;
        drop_pending(reader, reader->pending.length);
    }
}

/* Returns: bytes read, at most `most`; 0 at the end; a negative errno. */
static ssize_t read_some(struct run_reader *reader, size_t most)
{
    char bytes[READ_BYTES];
    ssize_t n;
    do {
        n = read(reader->fd, bytes, most < sizeof bytes ? most : sizeof bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    buffer_add(&reader->pending, bytes, (size_t)n);
    return n;
}

int run_reader_poll(struct run_reader *reader)
{
    ssize_t n;
    while ((n = read_some(reader, READ_BYTES)) > 0)
        take_whole_lines(reader);
    return (int)n;
}

int run_reader_window(struct run_reader *reader, uint64_t begin, uint64_t end)
{
    run_take_finding *take = reader->take_finding;
    uint64_t at = 0;
    ssize_t n = 1;
    while (n > 0 && at < end) {
        uint64_t limit = at < begin ? begin : end;
        reader->take_finding = at < begin ? reader->take_earlier : take;
        n = read_some(reader, limit - at < READ_BYTES ? (size_t)(limit - at) : READ_BYTES);
        if (n > 0) {
            at += (uint64_t)n;
            take_whole_lines(reader);
        }
    }
    return n < 0 ? (int)n : 0;
}

void run_reader_close(struct run_reader *reader)
{
    if (reader->pending.length && !reader->is_skipping) {
        /* The writer may have been killed after the last byte but before the line end. */
        take_line(reader, reader->pending.data, reader->pending.length, reader->offset);
    }
    buffer_free(&reader->pending);
    close(reader->fd);
    reader->fd = -1;
}

/* analyze_trace.c: runs one trace through the detector and prints what it finds, one line a finding.
 *
 * Usage: analyze_trace [--all] FILE      --all: with the checks that are off by default
 * Returns: 0 when every line could be read, 1 when not, 2 for wrong usage or a file that cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/offline/trace_driver.h"

static void print_line(void *ctx, enum trace_output_kind kind, const char *line)
{
    const char *file = ctx;
    if (kind == TRACE_OUTPUT_ERROR)
        fprintf(stderr, "%s:%s\n", file, line);
    else
        puts(line);
}

/* Returns: the bytes of the file, to be freed by the caller, or NULL with errno set. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = NULL;
    size_t capacity = 0;
    *length = 0;
    do {
        capacity = capacity ? capacity * 2 : 65536;
        char *larger = realloc(text, capacity);
        if (!larger)
            break;
        text = larger;
        *length += fread(text + *length, 1, capacity - *length, file);
    } while (*length == capacity);
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    struct detector_options options;
    detector_options_default(&options);
    if (argc == 3 && strcmp(argv[1], "--all") == 0) {
        for (size_t kind = 0; kind < FINDING_COUNT; kind++)
            options.enabled[kind] = true;
    } else if (argc != 2) {
        fprintf(stderr, "usage: analyze_trace [--all] FILE\n");
        return 2;
    }
    char *path = argv[argc - 1];
    size_t length = 0;
    char *text = read_file(path, &length);
    if (!text) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 2;
    }
    struct trace_summary summary;
    enum trace_outcome outcome = trace_driver_run(text, length, &options, print_line, path, &summary);
    free(text);
    return outcome == TRACE_COMPLETE ? 0 : 1;
}

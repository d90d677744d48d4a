#include "report/format_github.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/escape.h"

/* Adds `text` so that nothing in it ends the annotation or, in a property, begins another one. */
static void add_text(struct buffer *out, const char *text, bool is_property)
{
    struct buffer clean = {0};
    escape_text(&clean, text);
    for (size_t i = 0; i < clean.length; i++) {
        unsigned char c = (unsigned char)clean.data[i];
        if (c == '%' || (is_property && (c == ':' || c == ',')))
            buffer_printf(out, "%%%02X", c);
        else
            buffer_add(out, clean.data + i, 1);
    }
    buffer_free(&clean);
}

static const struct symbol_frame *frame_with_source(const struct run_finding *f)
{
    for (size_t p = 0; p < f->party_count; p++) {
        const struct run_stack *stack = &f->parties[p].stack;
        for (size_t i = stack->user_first; i < stack->user_end; i++)
            if (stack->symbols[i].file && stack->symbols[i].line)
                return &stack->symbols[i];
    }
    return NULL;
}

/* Annotations name files from the root of the repository, which is where a workflow runs. */
static const char *below_directory(const char *path, const char *directory)
{
    size_t length = directory ? strlen(directory) : 0;
    return length > 1 && strncmp(path, directory, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

static void add_finding(struct buffer *out, const struct run_finding *f, const char *directory)
{
    const struct symbol_frame *frame = frame_with_source(f);
    const char *level = strcmp(f->severity, "note") == 0 ? "notice" : f->severity;
    buffer_printf(out, "::%s title=lockhound ", level);
    add_text(out, f->kind, true);
    if (frame) {
        buffer_string(out, ",file=");
        add_text(out, below_directory(frame->file, directory), true);
        buffer_printf(out, ",line=%" PRIu32, frame->line);
        if (frame->column)
            buffer_printf(out, ",col=%" PRIu32, frame->column);
    }
    buffer_string(out, "::");
    add_text(out, f->message, false);
    buffer_printf(out, " (fingerprint %s)\n", f->fingerprint);
}

void format_github(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    char *directory = getcwd(NULL, 0);
    (void)symbols;
    buffer_add(out, "", 0);
    for (const struct run_finding *f = run->findings; f; f = f->next)
        add_finding(out, f, directory);
    free(directory);
}

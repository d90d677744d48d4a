#include "preload/intercept/format_notes.h"

#include "preload/intercept/format_walk.h"

struct noting {
    struct self *self;
    struct callers_id at;
};

/* Returns: false when there is nothing to note. */
static bool begin(struct noting *noting, struct caller caller)
{
    noting->self = access_enter_watched(caller);
    if (noting->self != NULL)
        noting->at = access_callers(noting->self, caller);
    return noting->self != NULL;
}

static void note(void *ctx, const void *memory, size_t size, bool is_written)
{
    const struct noting *noting = ctx;
    memory_access(noting->self, memory, size, is_written ? RACE_WRITE : 0, noting->at);
}

/* A format or a text as the program has it; its directives are read apart, from a narrow one. */
struct string {
    const void *at;
    size_t size; /* with its end; 0: there is none. Units: bytes */
};

static struct string narrow(const char *string)
{
    return (struct string){string, string == NULL ? 0 : real.strlen(string) + 1};
}

static struct string wide(const wchar_t *string)
{
    return (struct string){string, string == NULL ? 0 : (real.wcslen(string) + 1) * sizeof *string};
}

static void note_string(struct noting *noting, struct string string)
{
    if (string.size != 0)
        note(noting, string.at, string.size, false);
}

static void note_output(struct string format, const char *directives, va_list list, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        note_string(&noting, format);
        format_walk_output(directives, list, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

static void note_input(struct string text, struct string format, const char *directives, va_list list, int converted,
                       struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        note_string(&noting, format);
        note_string(&noting, text);
        format_walk_input(directives, list, converted, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) void format_notes_output(const char *format, va_list list, struct caller caller)
{
    note_output(narrow(format), format, list, caller);
}

__attribute__((noinline, cold)) void format_notes_output_wide(const wchar_t *format, va_list list, struct caller caller)
{
    char directives[FORMAT_NARROW_MOST];
    format_narrow(directives, format);
    note_output(wide(format), directives, list, caller);
}

__attribute__((noinline, cold)) void format_notes_written(const void *text, size_t size, struct caller caller)
{
    access_note(text, size, RACE_WRITE, caller);
}

__attribute__((noinline, cold)) void format_notes_input(const char *text, const char *format, va_list list,
                                                        int converted, struct caller caller)
{
    note_input(narrow(text), narrow(format), format, list, converted, caller);
}

__attribute__((noinline, cold)) void format_notes_input_wide(const wchar_t *text, const wchar_t *format, va_list list,
                                                             int converted, struct caller caller)
{
    char directives[FORMAT_NARROW_MOST];
    format_narrow(directives, format);
    note_input(wide(text), wide(format), directives, list, converted, caller);
}

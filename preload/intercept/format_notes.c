#include "preload/intercept/format_notes.h"

#include "preload/intercept/format_walk.h"

struct noting {
    struct self *self;
    struct callers_id at;
};

/* Returns: false when there is nothing to note. */
static bool begin(struct noting *noting, struct caller caller)
{
    noting->self = access_enter(caller);
    if (noting->self == NULL)
        return false;
    if (memory_is_watched(noting->self)) {
        noting->at = access_callers(noting->self, caller);
        return true;
    }
    access_leave(noting->self);
    return false;
}

static void note(void *ctx, const void *memory, size_t size, bool is_written)
{
    const struct noting *noting = ctx;
    memory_access(noting->self, memory, size, is_written ? RACE_WRITE : 0, noting->at);
}

static void note_string(struct noting *noting, const char *string)
{
    if (string != NULL)
        note(noting, string, real.strlen(string) + 1, false);
}

static void note_string_wide(struct noting *noting, const wchar_t *string)
{
    if (string != NULL)
        note(noting, string, (real.wcslen(string) + 1) * sizeof *string, false);
}

__attribute__((noinline, cold)) void format_notes_output(const char *format, va_list list, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        note_string(&noting, format);
        format_walk_output(format, list, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) void format_notes_output_wide(const wchar_t *format, va_list list, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    char narrow[FORMAT_NARROW_MOST];
    if (begin(&noting, caller)) {
        note_string_wide(&noting, format);
        format_narrow(narrow, format);
        format_walk_output(narrow, list, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) void format_notes_written(const void *text, size_t size, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        note(&noting, text, size, true);
        access_leave(noting.self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) void format_notes_input(const char *text, const char *format, va_list list,
                                                        int converted, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    if (begin(&noting, caller)) {
        note_string(&noting, format);
        note_string(&noting, text);
        format_walk_input(format, list, converted, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) void format_notes_input_wide(const wchar_t *text, const wchar_t *format, va_list list,
                                                             int converted, struct caller caller)
{
    int saved = errno;
    struct noting noting;
    char narrow[FORMAT_NARROW_MOST];
    if (begin(&noting, caller)) {
        note_string_wide(&noting, format);
        note_string_wide(&noting, text);
        format_narrow(narrow, format);
        format_walk_input(narrow, list, converted, &(struct format_visitor){note, &noting});
        access_leave(noting.self);
    }
    errno = saved;
}

#include "report/pattern.h"

#include <stddef.h>
#include <string.h>

/* Matches `glob` (its first `length` characters) against `text`; with `open_end`, a prefix of `text` suffices. */
static bool match(const char *glob, size_t length, const char *text, bool has_question, bool open_end)
{
    const char *end = glob + length, *star = NULL, *retry = NULL;
    for (;;) {
        if (glob == end && (open_end || *text == '\0'))
            return true;
        if (glob < end && *glob == '*') {
            star = ++glob;
            retry = text;
        } else if (glob < end && *text && (*glob == *text || (has_question && *glob == '?'))) {
            glob++;
            text++;
        } else if (star && *retry) {
            glob = star;
            text = ++retry;
        } else {
            return false;
        }
    }
}

bool pattern_glob(const char *glob, const char *text)
{
    return match(glob, strlen(glob), text, true, false);
}

bool pattern_within(const char *pattern, const char *text)
{
    size_t length = strlen(pattern);
    bool is_tied_front = *pattern == '^';
    pattern += is_tied_front;
    length -= is_tied_front;
    bool is_tied_end = length > 0 && pattern[length - 1] == '$';
    length -= is_tied_end;
    do {
        if (match(pattern, length, text, false, !is_tied_end))
            return true;
    } while (!is_tied_front && *text++);
    return false;
}

bool pattern_is_broad(const char *pattern)
{
    return pattern[strspn(pattern, "*?^$. \t")] == '\0';
}

/* touched.c: calls that read and write what the program hands them: paths, times, addresses, patterns, structures.
 *
 *   HOOK_TOUCHES of hooks_touches.def --> libc's --> what it has read is read, what it has filled in is written
 *
 * The words of the table are those of touches.h and, for what several calls have in common, those below.
 * Invariant: one load and a jump beside libc's own while accesses are not checked.
 */
#include <netdb.h>

#include "preload/intercept/touches.h"

/* What the kernel has of a sigset_t, and the pages that it counts in.  Units: bytes */
enum { SIGNAL_SET_SIZE = sizeof(uint64_t), PAGE = 4096 };

/* What ends an address in a text. */
#define WHITE " \t\n\v\f\r"

#define FILLS_STATUS(path, status)                                                                                     \
    READS_PATH(outcome == 0, path);                                                                                    \
    if (outcome == 0)                                                                                                  \
    WRITES(status, sizeof *(status))

#define FILLS_LINK(path, to)                                                                                           \
    READS_PATH(outcome >= 0, path);                                                                                    \
    if (outcome > 0)                                                                                                   \
    WRITES(to, (size_t)outcome)

#define FILLS_REAL_PATH(path, to)                                                                                      \
    READS_PATH(outcome != NULL, path);                                                                                 \
    if (outcome != NULL)                                                                                               \
    WRITES_TEXT(to)

/* The state that is one's own, and what was drawn. */
#define DRAWN(state, size, number)                                                                                     \
    if (outcome == 0) {                                                                                                \
        WRITES(state, size);                                                                                           \
        WRITES(number, sizeof *(number));                                                                              \
    }

/* ---- texts ------------------------------------------------------------------------------------------------------------ */

/* A text that was cut at `position`: how far it was read from `begin`, and the end that was set unless it was the text's own. */
static void note_cut(const char *piece, const char *begin, char **position, const char *separators,
                     struct caller caller)
{
    if (piece != NULL) {
        const char *end = *position;
        READS(begin, (size_t)(end - begin));
        if (end[-1] == '\0')
            WRITES(end - 1, 1);
        else
            READS(end, 1);
    }
    WRITES(position, sizeof *position);
    READS_TEXT(separators);
}

/* The same where the position may be past the last piece. */
static void note_separated(const char *piece, char **position, const char *separators, struct caller caller)
{
    if (piece == NULL)
        return;
    READS(piece, real.strlen(piece) + 1);
    if (*position != NULL)
        WRITES(*position - 1, 1);
    WRITES(position, sizeof *position);
    READS_TEXT(separators);
}

/* All of the source was read where it came to its end; else `least`, for how much is not known. */
#define CONVERTED(to, from, size_of_source, least, room)                                                               \
    if (outcome != (size_t)-1) {                                                                                       \
        READS(from, (to) == NULL || outcome < (room) ? (size_of_source) : (least));                                    \
        if ((to) != NULL)                                                                                              \
            WRITES(to, (outcome < (room) ? outcome + 1 : (room)) * sizeof *(to));                                      \
    }
#define NARROWED(to, from, room) CONVERTED(to, from, (real.wcslen(from) + 1) * sizeof *(from), 0, room)
#define WIDENED(to, from, room)  CONVERTED(to, from, real.strlen(from) + 1, outcome, room)

/* Returns: where iconv() begins; NULL where there is nothing. */
static char *begin_converted(iconv_t set, char *const *at)
{
    return at == NULL || set == (iconv_t)-1 ? NULL : *at; /* (iconv_t)-1 is refused */
}

static void end_converted(const char *begin, char *const *at, const size_t *left, uint32_t flags, struct caller caller)
{
    if (begin == NULL)
        return;
    bool has_moved = *at != begin;
    access_note_far(begin, (size_t)(*at - begin), flags, caller);
    access_note_far(at, sizeof *at, has_moved ? RACE_WRITE : 0, caller);
    access_note_far(left, sizeof *left, has_moved ? RACE_WRITE : 0, caller);
}

/* ---- times ------------------------------------------------------------------------------------------------------------ */

/* Of what strptime() sets again to what it was nothing is known. */
static void note_changed_parts(const struct tm *before, const struct tm *parts, struct caller caller)
{
    const char *old = (const char *)before, *new = (const char *)parts;
    for (size_t at = 0; new != NULL &&at < sizeof *parts; at += sizeof(int))
        if (real.memcmp(old + at, new + at, sizeof(int)) != 0)
            WRITES(new + at, sizeof(int));
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define HOOK_TOUCHES(result, name, version, parameters, arguments, before, after)                                      \
    DEFINE_TOUCHING(result, name, parameters, arguments, before, after)
#include "preload/hooks.def"

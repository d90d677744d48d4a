/* strings.c: what memcpy(), strlen() and their like read and write on the program's behalf.
 *
 *   call --weave_on?--no--> libc's                       a load, a branch and a jump
 *                   \-yes-> ranges it will touch --> memory_access() --> libc's
 *
 * Model:     a function touches what the C standard lets it need: a comparison ends at the first difference, a search
 *            where it finds.  That libc reads whole vectors is nobody's business.
 * Early:     these are called before the library is resolved; see plain.h.
 * Locale:    comparisons that a locale's rules decide may need all of both strings; those that ignore case end as others do.
 */
#include <ctype.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "detector/bytes.h"
#include "preload/intercept/access.h"

/* ---- what a call touches ----------------------------------------------------------------------------------------- */

static void note_ranges(const void *written, size_t written_size, const void *first, size_t first_size,
                        const void *second, size_t second_size, struct caller caller)
{
    if (access_is_known(first, first_size, 0) && access_is_known(second, second_size, 0) &&
        access_is_known(written, written_size, RACE_WRITE))
        return;
    int saved = errno;
    struct self *self = access_enter_watched(caller);
    if (self != NULL) {
        struct callers_id at = access_callers(self, caller);
        memory_access(self, first, first_size, 0, at);
        memory_access(self, second, second_size, 0, at);
        memory_access(self, written, written_size, RACE_WRITE, at);
        access_leave(self);
    }
    errno = saved;
}

__attribute__((noinline, cold)) static void note_read(const void *memory, size_t size, struct caller caller)
{
    note_ranges(NULL, 0, memory, size, NULL, 0, caller);
}

__attribute__((noinline, cold)) static void note_two_reads(const void *a, size_t size, const void *b, size_t b_size,
                                                           struct caller caller)
{
    note_ranges(NULL, 0, a, size, b, b_size, caller);
}

__attribute__((noinline, cold)) static void note_written(const void *memory, size_t size, struct caller caller)
{
    note_ranges(memory, size, NULL, 0, NULL, 0, caller);
}

__attribute__((noinline, cold)) static void note_copy(const void *to, size_t size, const void *from, size_t from_size,
                                                      struct caller caller)
{
    note_ranges(to, size, from, from_size, NULL, 0, caller);
}

/* Returns: characters of a string of at most `size`, its end included when that lies within. */
static size_t extent(const char *string, size_t size)
{
    size_t length = real.strnlen(string, size);
    return length < size ? length + 1 : size;
}

/* Returns: a multiple of 8 up to which two blocks are equal. */
static size_t extent_equal(const unsigned char *a, const unsigned char *b, size_t size)
{
    size_t i = 0;
    while (i + 8 <= size && bytes_load(a + i) == bytes_load(b + i))
        i += 8;
    return i;
}

static size_t extent_compared(const unsigned char *a, const unsigned char *b, size_t size, bool are_strings)
{
    size_t i = are_strings ? 0 : extent_equal(a, b, size);
    while (i < size && a[i] == b[i] && !(are_strings && a[i] == '\0'))
        i++;
    return i < size ? i + 1 : size;
}

__attribute__((noinline, cold)) static void note_compared(const void *a, const void *b, size_t size, bool are_strings,
                                                          struct caller caller)
{
    size_t compared = extent_compared(a, b, size, are_strings);
    note_two_reads(a, compared, b, compared, caller);
}

__attribute__((noinline, cold)) static void note_searched(const void *memory, const void *found, size_t extra,
                                                          size_t size, struct caller caller)
{
    note_read(memory, found != NULL ? (size_t)((const char *)found - (const char *)memory) + extra : size, caller);
}

__attribute__((noinline, cold)) static void note_appended(const char *to, const char *from, size_t size,
                                                          struct caller caller)
{
    size_t length = real.strlen(to), more = real.strnlen(from, size);
    note_ranges(to + length, more + 1, from, extent(from, size), to, length, caller);
}

/* A hook, with what it does while accesses are checked set apart: the usual way through keeps nothing and jumps. */
#define UNPACK(...) __VA_ARGS__
#define NOTED(result, name, parameters, arguments, note)                                                               \
    __attribute__((noinline, cold)) static result noted_##name(UNPACK parameters, struct caller caller)                \
    {                                                                                                                  \
        note;                                                                                                          \
        return real.name arguments;                                                                                    \
    }                                                                                                                  \
    HOOK_EXPORT result name parameters                                                                                 \
    {                                                                                                                  \
        if (hook_likely(!weave_on))                                                                                    \
            return real.name arguments;                                                                                \
        return noted_##name(UNPACK arguments, CALLER());                                                               \
    }

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

NOTED(void *, memcpy, (void *restrict to, const void *restrict from, size_t size), (to, from, size),
      note_copy(to, size, from, size, caller))

NOTED(void *, memmove, (void *to, const void *from, size_t size), (to, from, size),
      note_copy(to, size, from, size, caller))

NOTED(void *, mempcpy, (void *restrict to, const void *restrict from, size_t size), (to, from, size),
      note_copy(to, size, from, size, caller))

HOOK_EXPORT void bcopy(const void *from, void *to, size_t size)
{
    if (hook_unlikely(weave_on))
        note_copy(to, size, from, size, CALLER());
    real.bcopy(from, to, size);
}

NOTED(void *, memset, (void *to, int byte, size_t size), (to, byte, size), note_written(to, size, caller))

HOOK_EXPORT void bzero(void *to, size_t size)
{
    if (hook_unlikely(weave_on))
        note_written(to, size, CALLER());
    real.bzero(to, size);
}

NOTED(int, memcmp, (const void *a, const void *b, size_t size), (a, b, size), note_compared(a, b, size, false, caller))

NOTED(int, bcmp, (const void *a, const void *b, size_t size), (a, b, size), note_compared(a, b, size, false, caller))

NOTED(void *, memchr, (const void *memory, int byte, size_t size), (memory, byte, size),
      note_searched(memory, real.memchr(memory, byte, size), 1, size, caller))

NOTED(void *, memrchr, (const void *memory, int byte, size_t size), (memory, byte, size),
      note_read(memory, size, caller))

/* Returns: bytes up to the first of these, which counts. */
static size_t extent_until(const void *memory, int byte, size_t size)
{
    const char *found = real.memchr(memory, byte, size);
    return found != NULL ? (size_t)(found - (const char *)memory) + 1 : size;
}

NOTED(void *, memccpy, (void *restrict to, const void *restrict from, int byte, size_t size), (to, from, byte, size),
      note_copy(to, extent_until(from, byte, size), from, extent_until(from, byte, size), caller))

NOTED(void *, rawmemchr, (const void *memory, int byte), (memory, byte),
      note_searched(memory, real.rawmemchr(memory, byte), 1, 0, caller))

__attribute__((noinline, cold)) static void note_block_searched(const void *memory, size_t size, const void *part,
                                                                size_t part_size, struct caller caller)
{
    const char *found = real.memmem(memory, size, part, part_size);
    size_t searched = part_size > size ? 0 : found == NULL ? size : (size_t)(found - (const char *)memory) + part_size;
    note_two_reads(memory, searched, part, part_size > size ? 0 : part_size, caller);
}

NOTED(void *, memmem, (const void *memory, size_t size, const void *part, size_t part_size),
      (memory, size, part, part_size), note_block_searched(memory, size, part, part_size, caller))

/* Under C names of their own: the header says that what they are given is only written. */
HOOK_EXPORT void hook_explicit_bzero(void *to, size_t size) __asm__("explicit_bzero");
void hook_explicit_bzero(void *to, size_t size)
{
    if (hook_unlikely(weave_on))
        note_written(to, size, CALLER());
    real.explicit_bzero(to, size);
}

/* Pairs alone: of an odd size the last byte stays. */
HOOK_EXPORT void hook_swab(const void *from, void *to, ssize_t size) __asm__("swab");
void hook_swab(const void *from, void *to, ssize_t size)
{
    size_t pairs = size > 1 ? (size_t)size & ~(size_t)1 : 0;
    if (hook_unlikely(weave_on))
        note_copy(to, pairs, from, pairs, CALLER());
    real.swab(from, to, size);
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

NOTED(size_t, strlen, (const char *string), (string), note_read(string, real.strlen(string) + 1, caller))

NOTED(size_t, strnlen, (const char *string, size_t size), (string, size),
      note_read(string, extent(string, size), caller))

NOTED(char *, strcpy, (char *restrict to, const char *restrict from), (to, from),
      note_copy(to, real.strlen(from) + 1, from, real.strlen(from) + 1, caller))

NOTED(char *, stpcpy, (char *restrict to, const char *restrict from), (to, from),
      note_copy(to, real.strlen(from) + 1, from, real.strlen(from) + 1, caller))

NOTED(char *, strncpy, (char *restrict to, const char *restrict from, size_t size), (to, from, size),
      note_copy(to, size, from, extent(from, size), caller))

NOTED(char *, stpncpy, (char *restrict to, const char *restrict from, size_t size), (to, from, size),
      note_copy(to, size, from, extent(from, size), caller))

NOTED(char *, strcat, (char *restrict to, const char *restrict from), (to, from),
      note_appended(to, from, SIZE_MAX, caller))

NOTED(char *, strncat, (char *restrict to, const char *restrict from, size_t size), (to, from, size),
      note_appended(to, from, size, caller))

NOTED(int, strcmp, (const char *a, const char *b), (a, b), note_compared(a, b, SIZE_MAX, true, caller))

NOTED(int, strncmp, (const char *a, const char *b, size_t size), (a, b, size), note_compared(a, b, size, true, caller))

/* Numbers in it may be looked at further, to their ends. */
NOTED(int, strverscmp, (const char *a, const char *b), (a, b), note_compared(a, b, SIZE_MAX, true, caller))

NOTED(char *, strchr, (const char *string, int byte), (string, byte),
      note_searched(string, real.strchrnul(string, byte), 1, 0, caller))

NOTED(char *, strchrnul, (const char *string, int byte), (string, byte),
      note_searched(string, real.strchrnul(string, byte), 1, 0, caller))

NOTED(char *, strrchr, (const char *string, int byte), (string, byte),
      note_read(string, real.strlen(string) + 1, caller))

__attribute__((noinline, cold)) static void note_part_searched(const char *string, const char *part,
                                                               struct caller caller)
{
    size_t length = real.strlen(part);
    const char *found = real.strstr(string, part);
    size_t searched = found != NULL ? (size_t)(found - string) + length : real.strlen(string) + 1;
    note_two_reads(string, searched, part, length + 1, caller);
}

NOTED(char *, strstr, (const char *string, const char *part), (string, part), note_part_searched(string, part, caller))

NOTED(size_t, strspn, (const char *string, const char *set), (string, set),
      note_two_reads(string, real.strspn(string, set) + 1, set, real.strlen(set) + 1, caller))

NOTED(size_t, strcspn, (const char *string, const char *set), (string, set),
      note_two_reads(string, real.strcspn(string, set) + 1, set, real.strlen(set) + 1, caller))

NOTED(char *, strpbrk, (const char *string, const char *set), (string, set),
      note_two_reads(string, real.strcspn(string, set) + 1, set, real.strlen(set) + 1, caller))

/* ---- by the rules of a locale -------------------------------------------------------------------------------------- */

__attribute__((noinline, cold)) static void note_case_compared(const char *a, const char *b, size_t size,
                                                               struct caller caller)
{
    size_t i = 0;
    while (i < size && a[i] != '\0' && tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]))
        i++;
    size_t compared = i < size ? i + 1 : size;
    note_two_reads(a, compared, b, compared, caller);
}

NOTED(int, strcasecmp, (const char *a, const char *b), (a, b), note_case_compared(a, b, SIZE_MAX, caller))

NOTED(int, strncasecmp, (const char *a, const char *b, size_t size), (a, b, size),
      note_case_compared(a, b, size, caller))

__attribute__((noinline, cold)) static void note_case_searched(const char *string, const char *part,
                                                               struct caller caller)
{
    size_t length = real.strlen(part);
    const char *found = real.strcasestr(string, part);
    size_t searched = found != NULL ? (size_t)(found - string) + length : real.strlen(string) + 1;
    note_two_reads(string, searched, part, length + 1, caller);
}

NOTED(char *, strcasestr, (const char *string, const char *part), (string, part),
      note_case_searched(string, part, caller))

NOTED(int, strcoll, (const char *a, const char *b), (a, b),
      note_two_reads(a, real.strlen(a) + 1, b, real.strlen(b) + 1, caller))

/* What is cut off is not specified, and not noted. */
HOOK_EXPORT size_t strxfrm(char *restrict to, const char *restrict from, size_t size)
{
    size_t length = real.strxfrm(to, from, size);
    if (hook_unlikely(weave_on))
        note_ranges(to, length < size ? length + 1 : 0, from, real.strlen(from) + 1, NULL, 0, CALLER());
    return length;
}

/* The copy comes from malloc(), which says that it is new. */
NOTED(char *, strdup, (const char *string), (string), note_read(string, real.strlen(string) + 1, caller))
HOOK_ALIAS(__strdup, strdup);

NOTED(char *, strndup, (const char *string, size_t size), (string, size),
      note_read(string, extent(string, size), caller))
HOOK_ALIAS(__strndup, strndup);

/* ---- wide characters --------------------------------------------------------------------------------------------- */

NOTED(size_t, wcslen, (const wchar_t *string), (string),
      note_read(string, (real.wcslen(string) + 1) * sizeof *string, caller))

NOTED(wchar_t *, wmemcpy, (wchar_t *restrict to, const wchar_t *restrict from, size_t count), (to, from, count),
      note_copy(to, count * sizeof *to, from, count * sizeof *from, caller))

NOTED(wchar_t *, wmemset, (wchar_t * to, wchar_t character, size_t count), (to, character, count),
      note_written(to, count * sizeof *to, caller))

NOTED(wchar_t *, wmemmove, (wchar_t * to, const wchar_t *from, size_t count), (to, from, count),
      note_copy(to, count * sizeof *to, from, count * sizeof *from, caller))

static size_t wide_size(const wchar_t *string)
{
    return (real.wcslen(string) + 1) * sizeof *string;
}

static size_t wide_extent(const wchar_t *string, size_t count)
{
    size_t length = real.wcsnlen(string, count);
    return (length < count ? length + 1 : length) * sizeof *string;
}

static size_t wide_extent_compared(const wchar_t *a, const wchar_t *b, size_t count, bool are_strings)
{
    size_t i = 0;
    while (i < count && a[i] == b[i] && !(are_strings && a[i] == L'\0'))
        i++;
    return (i < count ? i + 1 : count) * sizeof *a;
}

NOTED(wchar_t *, wcscpy, (wchar_t *restrict to, const wchar_t *restrict from), (to, from),
      note_copy(to, wide_size(from), from, wide_size(from), caller))

NOTED(wchar_t *, wcsncpy, (wchar_t *restrict to, const wchar_t *restrict from, size_t count), (to, from, count),
      note_copy(to, count * sizeof *to, from, wide_extent(from, count), caller))

NOTED(wchar_t *, wcscat, (wchar_t *restrict to, const wchar_t *restrict from), (to, from),
      note_ranges(to + real.wcslen(to), wide_size(from), from, wide_size(from), to, real.wcslen(to) * sizeof *to,
                  caller))

NOTED(int, wcscmp, (const wchar_t *a, const wchar_t *b), (a, b),
      note_two_reads(a, wide_extent_compared(a, b, SIZE_MAX, true), b, wide_extent_compared(a, b, SIZE_MAX, true),
                     caller))

NOTED(int, wmemcmp, (const wchar_t *a, const wchar_t *b, size_t count), (a, b, count),
      note_two_reads(a, wide_extent_compared(a, b, count, false), b, wide_extent_compared(a, b, count, false), caller))

NOTED(int, wcsncmp, (const wchar_t *a, const wchar_t *b, size_t count), (a, b, count),
      note_two_reads(a, wide_extent_compared(a, b, count, true), b, wide_extent_compared(a, b, count, true), caller))

NOTED(int, wcscoll, (const wchar_t *a, const wchar_t *b), (a, b),
      note_two_reads(a, wide_size(a), b, wide_size(b), caller))

__attribute__((noinline, cold)) static void note_wide_case_compared(const wchar_t *a, const wchar_t *b,
                                                                    struct caller caller)
{
    size_t i = 0;
    while (a[i] != L'\0' && towlower((wint_t)a[i]) == towlower((wint_t)b[i]))
        i++;
    note_two_reads(a, (i + 1) * sizeof *a, b, (i + 1) * sizeof *b, caller);
}

NOTED(int, wcscasecmp, (const wchar_t *a, const wchar_t *b), (a, b), note_wide_case_compared(a, b, caller))

NOTED(wchar_t *, wcsrchr, (const wchar_t *string, wchar_t character), (string, character),
      note_read(string, wide_size(string), caller))

__attribute__((noinline, cold)) static void note_wide_part_searched(const wchar_t *string, const wchar_t *part,
                                                                    struct caller caller)
{
    const wchar_t *found = real.wcsstr(string, part);
    size_t length = real.wcslen(part) * sizeof *part;
    size_t searched = found != NULL ? (size_t)(found - string) * sizeof *string + length : wide_size(string);
    note_two_reads(string, searched, part, length + sizeof *part, caller);
}

NOTED(wchar_t *, wcsstr, (const wchar_t *string, const wchar_t *part), (string, part),
      note_wide_part_searched(string, part, caller))

NOTED(wchar_t *, wcschr, (const wchar_t *string, wchar_t character), (string, character),
      note_searched(string, real.wcschr(string, character), sizeof *string, wide_size(string), caller))

NOTED(wchar_t *, wcsdup, (const wchar_t *string), (string), note_read(string, wide_size(string), caller))

NOTED(size_t, wcsnlen, (const wchar_t *string, size_t count), (string, count),
      note_read(string, wide_extent(string, count), caller))

/* ---- with the size of the target, as _FORTIFY_SOURCE calls them; no header declares these --------------------------- */

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
#define HOOK_PLAIN(result, name, version, parameters, arguments) HOOK_EXPORT result name parameters;
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

NOTED(void *, __memcpy_chk, (void *restrict to, const void *restrict from, size_t size, size_t room),
      (to, from, size, room), note_copy(to, size, from, size, caller))

NOTED(void *, __memmove_chk, (void *to, const void *from, size_t size, size_t room), (to, from, size, room),
      note_copy(to, size, from, size, caller))

NOTED(void *, __mempcpy_chk, (void *restrict to, const void *restrict from, size_t size, size_t room),
      (to, from, size, room), note_copy(to, size, from, size, caller))

NOTED(void *, __memset_chk, (void *to, int byte, size_t size, size_t room), (to, byte, size, room),
      note_written(to, size, caller))

NOTED(char *, __strcpy_chk, (char *restrict to, const char *restrict from, size_t room), (to, from, room),
      note_copy(to, real.strlen(from) + 1, from, real.strlen(from) + 1, caller))

NOTED(char *, __stpcpy_chk, (char *restrict to, const char *restrict from, size_t room), (to, from, room),
      note_copy(to, real.strlen(from) + 1, from, real.strlen(from) + 1, caller))

NOTED(char *, __strncpy_chk, (char *restrict to, const char *restrict from, size_t size, size_t room),
      (to, from, size, room), note_copy(to, size, from, extent(from, size), caller))

NOTED(char *, __strcat_chk, (char *restrict to, const char *restrict from, size_t room), (to, from, room),
      note_appended(to, from, SIZE_MAX, caller))

NOTED(char *, __strncat_chk, (char *restrict to, const char *restrict from, size_t size, size_t room),
      (to, from, size, room), note_appended(to, from, size, caller))

void __explicit_bzero_chk(void *to, size_t size, size_t room);

HOOK_EXPORT void __explicit_bzero_chk(void *to, size_t size, size_t room)
{
    if (hook_unlikely(weave_on))
        note_written(to, size, CALLER());
    real.__explicit_bzero_chk(to, size, room);
}

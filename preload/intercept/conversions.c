/* conversions.c: text to numbers, and sorting: what libc reads and writes on the program's behalf.
 *
 *   strtol(text, ...) --> libc's --> what was converted, and the character that ended it, are read; where it ended is written
 *   qsort(array, ...) --> the array is read --> libc's, whose comparisons are the program's own --> the array is written
 */
#include <stdlib.h>

#include "preload/intercept/access.h"

/* ---- those that say where they ended ----------------------------------------------------------------------------------- */

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
/* With a base that is none libc says nothing: `end` stays as it was.  Under C names of their own, for headers rename them. */
#define HOOK_CONVERTS(result, name, version, parameters, arguments)                                                    \
    HOOK_EXPORT result converts_##name parameters __asm__(#name);                                                      \
    result converts_##name parameters                                                                                  \
    {                                                                                                                  \
        if (hook_likely(!weave_on))                                                                                    \
            return real.name arguments;                                                                                \
        char **wanted = end, *stop = NULL;                                                                             \
        end = &stop;                                                                                                   \
        result value = real.name arguments;                                                                            \
        if (stop != NULL && wanted != NULL) {                                                                          \
            *wanted = stop;                                                                                            \
            access_note_far(wanted, sizeof *wanted, RACE_WRITE, CALLER());                                             \
        }                                                                                                              \
        if (stop != NULL)                                                                                              \
            access_note(text, (size_t)(stop - text) + 1, 0, CALLER());                                                 \
        return value;                                                                                                  \
    }
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

/* ---- those that do not --------------------------------------------------------------------------------------------------- */

/* Returns: characters that atoi() needs to see: one that is no digit ends it. */
static size_t extent_of_number(const char *text)
{
    const char *at = text;
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    at += *at == '-' || *at == '+';
    while (*at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - text) + 1;
}

#define READS_NUMBER(text)                                                                                             \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            access_note((text), extent_of_number(text), 0, CALLER());                                                  \
    } while (0)

HOOK_EXPORT int hook_atoi(const char *text) __asm__("atoi");
int hook_atoi(const char *text)
{
    READS_NUMBER(text);
    return real.atoi(text);
}

HOOK_EXPORT long hook_atol(const char *text) __asm__("atol");
long hook_atol(const char *text)
{
    READS_NUMBER(text);
    return real.atol(text);
}

HOOK_EXPORT long long hook_atoll(const char *text) __asm__("atoll");
long long hook_atoll(const char *text)
{
    READS_NUMBER(text);
    return real.atoll(text);
}

/* What stands behind the first digits is not looked at. */
HOOK_EXPORT double hook_atof(const char *text) __asm__("atof");
double hook_atof(const char *text)
{
    READS_NUMBER(text);
    return real.atof(text);
}

/* ---- sorting --------------------------------------------------------------------------------------------------------- */

#define SORTS(array, count, size, flags)                                                                               \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && (count) > 1)                                                                    \
            access_note((array), (count) * (size), (flags), CALLER());                                                 \
    } while (0)

HOOK_EXPORT void qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    SORTS(array, count, size, 0);
    real.qsort(array, count, size, compare);
    SORTS(array, count, size, RACE_WRITE);
}

HOOK_EXPORT void qsort_r(void *array, size_t count, size_t size, int (*compare)(const void *, const void *, void *),
                         void *argument)
{
    SORTS(array, count, size, 0);
    real.qsort_r(array, count, size, compare, argument);
    SORTS(array, count, size, RACE_WRITE);
}

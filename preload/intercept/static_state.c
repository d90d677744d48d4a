#include "preload/intercept/static_state.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "preload/intercept/touches.h"

enum { TIME_TEXT_SIZE = 26, PLACE_SIZE = 8 };

enum state {
#define STATE(name, functions) STATE_##name,
#include "preload/intercept/static_state.def"
#undef STATE
    STATE_COUNT
};

static const char *const functions_of[STATE_COUNT] = {
#define STATE(name, functions) functions,
#include "preload/intercept/static_state.def"
#undef STATE
};

/* Nothing is stored in it: each state's bytes are its place. */
static uint8_t places[STATE_COUNT][PLACE_SIZE];

/* What a function of the state gives out: one buffer of libc's.  Relaxed: it is the same each time. */
static struct {
    _Atomic uintptr_t address;
    _Atomic size_t size;
} given_out[STATE_COUNT];

/* What a call does to the state. */
enum touch { UNTOUCHED, LOOKED_AT, CHANGED };

__attribute__((noinline, cold)) static void note(const void *memory, size_t size, uint32_t flags, struct caller caller)
{
    if (memory != NULL)
        access_note(memory, size, flags, caller);
}

__attribute__((noinline, cold)) static void note_given_out(enum state state, const void *memory, size_t size,
                                                           struct caller caller)
{
    atomic_store_explicit(&given_out[state].size, size, memory_order_relaxed);
    atomic_store_explicit(&given_out[state].address, (uintptr_t)memory, memory_order_relaxed);
    note(memory, size, RACE_WRITE, caller);
}

#define TOUCHES(memory, size, flags)                                                                                   \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            note((memory), (size), (flags), CALLER());                                                                 \
    } while (0)

#define GIVEN(memory, size)                                                                                            \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            access_note_far((memory), (size), 0, CALLER());                                                            \
    } while (0)

/* Without an environment libc looks at no name. */
#define READS_NAME(name)                                                                                               \
    do {                                                                                                               \
        if (hook_unlikely(weave_on) && environ != NULL)                                                                \
            touches_text((name), 0, CALLER());                                                                         \
    } while (0)

#define GIVES_OUT(state, memory, size)                                                                                 \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            note_given_out((state), (memory), (size), CALLER());                                                       \
    } while (0)

/* ---- reports ------------------------------------------------------------------------------------------------------- */

/* Returns: STATE_COUNT when it is none. */
static enum state state_at(uint64_t address)
{
    if (address - (uint64_t)(uintptr_t)places < sizeof places)
        return (enum state)((address - (uint64_t)(uintptr_t)places) / PLACE_SIZE);
    for (unsigned i = 0; i < STATE_COUNT; i++) {
        uint64_t low = atomic_load_explicit(&given_out[i].address, memory_order_relaxed);
        if (low != 0 && address - low < atomic_load_explicit(&given_out[i].size, memory_order_relaxed))
            return (enum state)i;
    }
    return STATE_COUNT;
}

bool static_state_is_place(uint64_t address)
{
    return state_at(address) != STATE_COUNT;
}

void static_state_describe(struct text *text, uint64_t address)
{
    text_string(text, "{\"in\":\"libc\",\"function\":");
    text_json_string(text, functions_of[state_at(address)]);
    text_string(text, "}");
}

/* ---- those of the table -------------------------------------------------------------------------------------------- */

#define HOOK(result, name, version, parameters, arguments)
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)
/* Under C names of their own, for headers define some inline. */
#define HOOK_STATE(result, name, version, parameters, arguments, state, touch)                                         \
    HOOK_EXPORT result state_##name parameters __asm__(#name);                                                         \
    result state_##name parameters                                                                                     \
    {                                                                                                                  \
        if (hook_unlikely(weave_on) && (touch) != UNTOUCHED)                                                           \
            note(places[STATE_##state], PLACE_SIZE, (touch) == CHANGED ? RACE_WRITE : 0, CALLER());                    \
        return real.name arguments;                                                                                    \
    }
#define HOOK_STATE_TOUCHES(result, name, version, parameters, arguments, state, touch, after)                          \
    HOOK_EXPORT result state_##name parameters __asm__(#name);                                                         \
    result state_##name parameters                                                                                     \
    {                                                                                                                  \
        if (hook_likely(!weave_on))                                                                                    \
            return real.name arguments;                                                                                \
        struct caller caller = CALLER();                                                                               \
        note(places[STATE_##state], PLACE_SIZE, (touch) == CHANGED ? RACE_WRITE : 0, caller);                          \
        result outcome = real.name arguments;                                                                          \
        after;                                                                                                         \
        return outcome;                                                                                                \
    }
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

/* ---- those that give out a buffer that the program reads ------------------------------------------------------------ */

HOOK_EXPORT struct tm *localtime(const time_t *time)
{
    struct tm *result = real.localtime(time);
    GIVEN(time, sizeof *time);
    GIVES_OUT(STATE_TM, result, sizeof *result);
    return result;
}

HOOK_EXPORT struct tm *gmtime(const time_t *time)
{
    struct tm *result = real.gmtime(time);
    GIVEN(time, sizeof *time);
    GIVES_OUT(STATE_TM, result, sizeof *result);
    return result;
}

HOOK_EXPORT char *asctime(const struct tm *time)
{
    char *result = real.asctime(time);
    GIVEN(time, offsetof(struct tm, tm_yday));
    GIVES_OUT(STATE_ASCTIME, result, TIME_TEXT_SIZE);
    return result;
}

HOOK_EXPORT char *ctime(const time_t *time)
{
    char *result = real.ctime(time);
    GIVEN(time, sizeof *time);
    GIVES_OUT(STATE_ASCTIME, result, TIME_TEXT_SIZE);
    return result;
}

/* ---- the environment, which is the program's ------------------------------------------------------------------------- */

HOOK_EXPORT char *getenv(const char *name)
{
    TOUCHES(&environ, sizeof environ, 0);
    char *value = real.getenv(name);
    READS_NAME(name);
    return value;
}

HOOK_EXPORT char *secure_getenv(const char *name)
{
    TOUCHES(&environ, sizeof environ, 0);
    char *value = real.secure_getenv(name);
    if (value != NULL)
        READS_NAME(name);
    return value;
}

HOOK_EXPORT int setenv(const char *name, const char *value, int replace)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    int result = real.setenv(name, value, replace);
    if (result == 0) {
        READS_NAME(name);
        READS_NAME(value);
    }
    return result;
}

HOOK_EXPORT int unsetenv(const char *name)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    int result = real.unsetenv(name);
    if (result == 0)
        READS_NAME(name);
    return result;
}

HOOK_EXPORT int putenv(char *string)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    int result = real.putenv(string);
    if (result == 0)
        READS_NAME(string);
    return result;
}

HOOK_EXPORT int clearenv(void)
{
    TOUCHES(&environ, sizeof environ, RACE_WRITE);
    return real.clearenv();
}

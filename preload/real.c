#include "preload/real.h"

#include <gnu/libc-version.h>
#include <string.h>

#include "preload/dynamic_symbol.h"
#include "preload/plain.h"

/* Before resolution a member is a function of the hook's own type that resolves the table and calls on. */
#define HOOK(result, name, version, parameters, arguments)                                                             \
    static result early_##name parameters                                                                              \
    {                                                                                                                  \
        real_resolve();                                                                                                \
        return real.name arguments;                                                                                    \
    }
#define HOOK_OPTIONAL                                            HOOK
#define HOOK_PLAIN(result, name, version, parameters, arguments) /* plain.h has it */
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)                                              \
    HOOK(result, name##_##tag, version, parameters, arguments)
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

struct real_functions real = {
#define HOOK(result, name, version, parameters, arguments)                .name = early_##name,
#define HOOK_OPTIONAL                                                     HOOK
#define HOOK_PLAIN(result, name, version, parameters, arguments)          .name = plain_##name,
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments) .name##_##tag = early_##name##_##tag,
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED
};

struct resolution {
    void *member; /* of `real` */
    const char *name;
    const char *version;
    bool is_optional;
};

static const struct resolution resolutions[] = {
#define HOOK(result, name, version, parameters, arguments)                {&real.name, #name, version, false},
#define HOOK_OPTIONAL(result, name, version, parameters, arguments)       {&real.name, #name, version, true},
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments) {&real.name##_##tag, #name, version, false},
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED
};

/* Returns: the number behind "GLIBC_2." or "2.", or 0. */
static unsigned minor_of(const char *version)
{
    static const char major[] = "2.";
    const char *at = strstr(version, major);
    unsigned minor = 0;
    for (at = at == NULL ? "" : at + sizeof major - 1; *at >= '0' && *at <= '9'; at++)
        minor = minor * 10 + (unsigned)(*at - '0');
    return minor;
}

static bool is_of_libc(const char *version)
{
    return strncmp(version, "GLIBC_", 6) == 0;
}

static bool is_newer_than_libc(const char *version)
{
    return is_of_libc(version) && minor_of(version) > minor_of(gnu_get_libc_version());
}

static bool are_in_one_module(void *a, void *b)
{
    struct dl_find_object first, second;
    return _dl_find_object(a, &first) == 0 && _dl_find_object(b, &second) == 0 &&
           first.dlfo_link_map == second.dlfo_link_map;
}

/* Among the versions in libc, dlvsym() chooses; but it passes over the unversioned definition of another allocator or
 * preloaded library that stands before libc, which dlsym() finds.
 *
 * A look-up that fails would allocate its message, and the program's allocator may be what called us: so whatever may
 * be missing is not asked for. */
static void *look_up(const struct resolution *r)
{
    /* Kept by libc for old programs, with no default version that dlsym() could find; or of another runtime, which is
     * looked up when it is first needed. */
    if (r->is_optional)
        return is_of_libc(r->version) && dynamic_symbol_find(r->name) != 0 ? dlvsym(RTLD_NEXT, r->name, r->version)
                                                                           : NULL;
    void *next = dlsym(RTLD_NEXT, r->name);
    if (next == NULL || is_newer_than_libc(r->version))
        return next;
    void *versioned = dlvsym(RTLD_NEXT, r->name, r->version);
    return versioned != NULL && are_in_one_module(next, versioned) ? versioned : next;
}

void real_resolve(void)
{
    for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++) {
        const struct resolution *r = &resolutions[i];
        void *found = look_up(r);
        /* ISO C has no conversion from void * to a function pointer; POSIX promises that the bytes are the same. */
        if (found != NULL)
            memcpy(r->member, &found, sizeof found);
    }
}

#include "preload/real.h"

#include <string.h>

/* Before resolution a member is a function of the hook's own type that resolves the table and calls on. */
#define HOOK(result, name, version, parameters, arguments)                                                             \
    static result early_##name parameters                                                                              \
    {                                                                                                                  \
        real_resolve();                                                                                                \
        return real.name arguments;                                                                                    \
    }
#define HOOK_OPTIONAL HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments)                                              \
    HOOK(result, name##_##tag, version, parameters, arguments)
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED

struct real_functions real = {
#define HOOK(result, name, version, parameters, arguments)                .name = early_##name,
#define HOOK_OPTIONAL                                                     HOOK
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
};

static const struct resolution resolutions[] = {
#define HOOK(result, name, version, parameters, arguments)                {&real.name, #name, version},
#define HOOK_OPTIONAL                                                     HOOK
#define HOOK_VERSIONED(result, name, tag, version, parameters, arguments) {&real.name##_##tag, #name, version},
#include "preload/hooks.def"
#undef HOOK
#undef HOOK_OPTIONAL
#undef HOOK_VERSIONED
};

void real_resolve(void)
{
    for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++) {
        const struct resolution *r = &resolutions[i];
        void *found = dlvsym(RTLD_NEXT, r->name, r->version);
        if (found == NULL)
            found = dlsym(RTLD_NEXT, r->name);
        /* ISO C has no conversion from void * to a function pointer; POSIX promises that the bytes are the same. */
        if (found != NULL)
            memcpy(r->member, &found, sizeof found);
    }
}

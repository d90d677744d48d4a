#include "preload/weave/scope.h"

#include <stddef.h>
#include <string.h>

#include "detector/relaxed.h"
#include "preload/dynamic_symbol.h"
#include "preload/lockhound.h"

/* ---- globs -------------------------------------------------------------------------------------------------------- */

/* The glob is [glob, end); `*` matches slashes too. */
static bool glob_matches(const char *glob, const char *end, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (glob < end && *glob == '*') {
            star = ++glob;
            retry = text;
        } else if (glob < end && (*glob == '?' || *glob == *text)) {
            glob++;
            text++;
        } else if (star != NULL) {
            glob = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (glob < end && *glob == '*')
        glob++;
    return glob == end;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool scope_list_matches(const char *list, const char *path)
{
    const char *name = name_of(path);
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (length > 0 && (glob_matches(list, list + length, path) || glob_matches(list, list + length, name)))
            return true;
        list += length + (list[length] != '\0');
    }
    return false;
}

/* ---- what is left by default ---------------------------------------------------------------------------------------- */

/* Never, whatever the options say: the checks themselves run through them, or there is no file. */
static const char never[] = "liblockhound.so*,ld-linux*.so*,ld-2.*.so,linux-vdso.so*,linux-gate.so*";

static const struct {
    const char *names, *why;
} left[] = {
    {"libc.so*,libc-2.*.so,libm.so*,libm-2.*.so,libmvec*.so*,libpthread.so*,libpthread-2.*.so,libdl.so*,"
     "libdl-2.*.so,librt.so*,librt-2.*.so",
     "part of libc"},
    {"libunwind*.so*,libgcc_s.so*,libgcc_s-*.so*", "unwinder"},
    {"libasan.so*,liblsan.so*,libtsan.so*,libubsan.so*,libhwasan.so*,libclang_rt.*", "run-time of a sanitizer"},
};

static bool is_allocator(const struct module *module)
{
    return dynamic_symbol_is_defined_in(module, "malloc") && dynamic_symbol_is_defined_in(module, "free");
}

bool scope_hides_blocks(const struct module *module)
{
    return is_allocator(module) && dynamic_symbol_is_defined_in(module, "_Znwm");
}

static bool is_program(const struct module *module)
{
    for (unsigned i = 0; i < module->phdr_count; i++)
        if (module->phdr[i].p_type == PT_INTERP)
            return true;
    return false;
}

/* Asked when the module was loaded and kept: a finding may tell of one whose headers are gone. */
enum { VERDICTS_MAX = 4096 };
static _Atomic uint8_t gates_alone[VERDICTS_MAX]; /* by the module's number: 0 not asked, else 1 no, 2 yes */

static bool is_gates_alone(const struct module *module)
{
    return lockhound.options.weave[0] == '\0' && is_allocator(module) && !is_program(module);
}

bool scope_is_gates_alone(const struct module *module)
{
    if (module->id >= VERDICTS_MAX)
        return is_gates_alone(module);
    /* relaxed: whoever asks first finds the same */
    uint8_t verdict = relaxed_load(&gates_alone[module->id]);
    if (verdict == 0) {
        verdict = is_gates_alone(module) ? 2 : 1;
        relaxed_store(&gates_alone[module->id], verdict);
    }
    return verdict == 2;
}

bool scope_holds_sanitizer(const struct module *module)
{
    static const char *const starts[] = {"__asan_init", "__lsan_init", "__msan_init", "__hwasan_init"};
    bool found = false;
    for (size_t i = 0; i < sizeof starts / sizeof *starts && !found; i++)
        found = dynamic_symbol_is_defined_in(module, starts[i]);
    return found;
}

static const char *default_exclusion(const struct module *module)
{
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (scope_list_matches(left[i].names, module->path))
            return left[i].why;
    return scope_holds_sanitizer(module) ? "holds the run-time of a sanitizer" : NULL;
}

const char *scope_exclusion(const struct module *module)
{
    const struct options *options = &lockhound.options;
    if (module == module_of((uintptr_t)&lockhound) || scope_list_matches(never, module->path))
        return "lockhound, the loader or the kernel's own page";
    if (options->no_weave[0] != '\0' && scope_list_matches(options->no_weave, module->path))
        return "--no-weave matches it";
    if (options->weave[0] != '\0')
        return scope_list_matches(options->weave, module->path) ? NULL : "--weave does not match it";
    return default_exclusion(module);
}

/* loader.c: modules that come and go while the program runs.
 *
 *   dlopen, dlmopen --> marked, then a jump into libc's with the program's own return address
 *   dlclose         --> libc's, then what lived in the data of modules that are gone is forgotten
 */
#include <errno.h>

#include "preload/emit.h"
#include "preload/hook.h"
#include "preload/modules.h"
#include "preload/weave/weave.h"

/* libc looks at the return address of dlopen() for the caller's RUNPATH and namespace.  A C function keeps it only when
 * the compiler happens to make the last call a jump; this always does. */
#define JUMP_AFTER(name, prepare)                                                                                      \
    __asm__(".text\n"                                                                                                  \
            ".p2align 4\n"                                                                                             \
            ".globl " #name "\n"                                                                                       \
            ".type " #name ", @function\n" #name ":\n"                                                                 \
            ".cfi_startproc\n"                                                                                         \
            "endbr64\n"                                                                                                \
            "push %rdi\n"                                                                                              \
            ".cfi_adjust_cfa_offset 8\n"                                                                               \
            "push %rsi\n"                                                                                              \
            ".cfi_adjust_cfa_offset 8\n"                                                                               \
            "push %rdx\n"                                                                                              \
            ".cfi_adjust_cfa_offset 8\n"                                                                               \
            "call " #prepare "\n"                                                                                      \
            "pop %rdx\n"                                                                                               \
            ".cfi_adjust_cfa_offset -8\n"                                                                              \
            "pop %rsi\n"                                                                                               \
            ".cfi_adjust_cfa_offset -8\n"                                                                              \
            "pop %rdi\n"                                                                                               \
            ".cfi_adjust_cfa_offset -8\n"                                                                              \
            "jmp *%rax\n"                                                                                              \
            ".cfi_endproc\n"                                                                                           \
            ".size " #name ", . - " #name "\n")

static void prepare_loading(void)
{
    if (!lockhound.ready)
        real_resolve(); /* before it a member of `real` is a function of ours, with our return address */
    modules_changed();
    weave_loading();
}

__attribute__((used, visibility("hidden"))) uintptr_t loader_prepare_dlopen(void);
__attribute__((used, visibility("hidden"))) uintptr_t loader_prepare_dlmopen(void);

/* Returns: where to jump. */
uintptr_t loader_prepare_dlopen(void)
{
    prepare_loading();
    return (uintptr_t)real.dlopen;
}

uintptr_t loader_prepare_dlmopen(void)
{
    prepare_loading();
    return (uintptr_t)real.dlmopen;
}

JUMP_AFTER(dlopen, loader_prepare_dlopen);
JUMP_AFTER(dlmopen, loader_prepare_dlmopen);

/* The modules with data that are loaded, by number. */
enum { LOADED_MAX = 4096, BITS = 64 };

struct loaded {
    uint64_t bits[LOADED_MAX / BITS];
};

static bool has_data(const struct module *module)
{
    return module->data_low < module->data_high;
}

static void take_loaded(struct loaded *loaded)
{
    *loaded = (struct loaded){0};
    const struct module *module = NULL;
    for (uint32_t id = 1; id < LOADED_MAX && (module = module_by_id(id)) != NULL; id++)
        if (has_data(module) && module_is_loaded(module))
            loaded->bits[id / BITS] |= UINT64_C(1) << id % BITS;
}

/* What lived in modules that were loaded before and are not now ended with them. */
static void forget_unloaded(struct self *self, const struct loaded *before)
{
    struct loaded after;
    modules_changed();
    take_loaded(&after);
    for (uint32_t id = 1; id < LOADED_MAX; id++) {
        uint64_t gone = before->bits[id / BITS] & ~after.bits[id / BITS];
        if ((gone >> id % BITS & 1) == 0)
            continue;
        const struct module *module = module_by_id(id);
        weave_forget(module);
        emit_object_range_gone(self, module->data_low, module->data_high, false, (struct stack_id){0});
    }
}

HOOK_EXPORT int dlclose(void *handle)
{
    struct self *self = hook_enter();
    if (self == NULL)
        return real.dlclose(handle);
    int saved = errno;
    struct loaded before;
    take_loaded(&before);
    errno = saved;
    hook_pause(self);
    int result = real.dlclose(handle); /* runs destructors of the program */
    hook_resume(self);
    saved = errno;
    forget_unloaded(self, &before);
    hook_leave(self);
    errno = saved;
    return result;
}

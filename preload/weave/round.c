#include "preload/weave/round.h"

#include <string.h>

#include "preload/arena.h"
#include "preload/lockhound.h"
#include "preload/sink.h"
#include "preload/text.h"
#include "preload/weave/scope.h"
#include "preload/weave/weaver_run.h"
#include "preload/weave/window.h"

/* Modules that were looked at, by number. */
enum { MODULES_MAX = 4096, BITS = 64 };
static uint64_t considered[MODULES_MAX / BITS];

/* ---- the modules -------------------------------------------------------------------------------------------------- */

static uintptr_t first_address(const struct dl_phdr_info *info)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            return info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    return 0;
}

/* Returns: true once for each module. */
static bool is_new(const struct module *module)
{
    if (module->id >= MODULES_MAX)
        return false;
    uint64_t *word = &considered[module->id / BITS], bit = UINT64_C(1) << module->id % BITS;
    bool was_new = (*word & bit) == 0;
    *word |= bit;
    return was_new;
}

/* While the loader's lock keeps modules from going: another thread may close one that it has just opened. */
static int take_module(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    struct round *round = argument;
    const struct module *module = module_of(first_address(info));
    if (module == NULL || round->count == CANDIDATES_MAX || !is_new(module))
        return 0;
    round->candidates[round->count++] = (struct candidate){.module = module,
                                                           .left = scope_exclusion(module),
                                                           .gates_alone = scope_is_gates_alone(module),
                                                           .hides_blocks = scope_hides_blocks(module)};
    struct candidate *taken = &round->candidates[round->count - 1];
    taken->is_wanted = taken->left == NULL && !taken->gates_alone;
    return 0;
}

void round_take(struct round *round)
{
    dl_iterate_phdr(take_module, round);
}

/* ---- images --------------------------------------------------------------------------------------------------------- */

static void open_image(struct candidate *candidate)
{
    if (candidate->image == NULL)
        candidate->image = arena_alloc(sizeof *candidate->image);
    if (candidate->image == NULL) {
        candidate->left = "there is no memory";
        return;
    }
    candidate->image->module = candidate->module;
    candidate->image->is_narrow = window_is_narrow();
    candidate->left = image_open(candidate->image);
    candidate->wants_image = candidate->left != NULL;
    if (candidate->left == NULL)
        candidate->left = image_refusal(candidate->image);
}

static void open_images(struct round *round, bool again)
{
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        bool is_open = candidate->image != NULL && candidate->image->header != NULL;
        if (again ? candidate->wants_image : candidate->left == NULL && !is_open)
            open_image(candidate);
    }
}

void round_open(struct round *round)
{
    open_images(round, false);
}

void round_make_missing(struct round *round)
{
    const char *files[WEAVER_FILES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < round->count && count < WEAVER_FILES_MAX; i++)
        if (round->candidates[i].wants_image)
            files[count++] = round->candidates[i].module->path;
    if (count == 0)
        return;
    if (!weaver_run(files, count, window_is_narrow()))
        sink_note("weave-no-command",
                  "not all is woven: the lockhound command, which weaves, could not be run; `lockhound "
                  "weave FILE` makes an image ahead of time");
    open_images(round, true);
    for (size_t i = 0; i < round->count; i++)
        if (round->candidates[i].wants_image)
            sink_note("weave-no-image",
                      "not all is woven: some images are missing and could not be made; --verbose says "
                      "which, and `lockhound weave FILE` why");
}

/* ---- what becomes of them -------------------------------------------------------------------------------------------- */

void round_leave(struct candidate *candidate, const char *why)
{
    struct text text = {0};
    candidate->left = why;
    text_string(&text, "not all is woven, so that accesses are not checked everywhere: ");
    text_string(&text, why);
    text_string(&text, "; --verbose says where");
    if (text.at != NULL)
        sink_note("weave-left", text.at);
    text_release(&text);
}

size_t round_count_woven(const struct round *round)
{
    size_t woven = 0;
    for (size_t i = 0; i < round->count; i++)
        woven += round->candidates[i].left == NULL;
    return woven;
}

static void say_counts(const struct round *round)
{
    struct text text = {0};
    size_t woven = round_count_woven(round);
    text_number(&text, woven);
    text_string(&text, " of ");
    text_number(&text, round->count);
    sink_complain("modules woven", text.at == NULL ? "" : text.at, text.length);
    text_release(&text);
}

void round_say_fates(const struct round *round)
{
    if (!lockhound.options.verbose || round->count == 0)
        return;
    say_counts(round);
    for (size_t i = 0; i < round->count; i++) {
        const struct candidate *candidate = &round->candidates[i];
        struct text text = {0};
        text_string(&text, candidate->left != NULL  ? "left: "
                           : candidate->gates_alone ? "allocator: calls of it are watched"
                                                    : "woven");
        text_string(&text, candidate->left == NULL ? "" : candidate->left);
        sink_complain(text.at == NULL ? "" : text.at, candidate->module->path, strlen(candidate->module->path));
        text_release(&text);
    }
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

static void close_image(struct candidate *candidate)
{
    image_close(candidate->image);
    arena_free(candidate->image, sizeof *candidate->image);
}

void round_free_unused(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        if (candidate->left == NULL || candidate->image == NULL)
            continue;
        close_image(candidate);
    }
}

void round_drop(struct round *round, const struct module *module)
{
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        if (candidate->module != module)
            continue;
        if (candidate->image != NULL)
            close_image(candidate);
        *candidate = round->candidates[--round->count];
    }
}

void round_forget(const struct module *module)
{
    if (module->id < MODULES_MAX)
        considered[module->id / BITS] &= ~(UINT64_C(1) << module->id % BITS);
}

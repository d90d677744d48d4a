#include "preload/weave/weave.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/arena.h"
#include "preload/dynamic_symbol.h"
#include "preload/lockhound.h"
#include "preload/process_status.h"
#include "preload/raw_signal.h"
#include "preload/sink.h"
#include "preload/text.h"
#include "preload/weave/blocks.h"
#include "preload/weave/debugger.h"
#include "preload/weave/image_map.h"
#include "preload/weave/patch.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/scope.h"
#include "preload/weave/switch.h"
#include "preload/weave/unseen_thread.h"
#include "preload/weave/weaver_run.h"
#include "preload/weave/window.h"

enum { CANDIDATES_MAX = 1024 };

/* A loaded module and what becomes of it. */
struct candidate {
    struct woven_image *image; /* from the arena; kept when the module is woven */
    const struct module *module;
    const char *left;  /* why it is not woven; NULL: it is, or is going to be */
    bool is_wanted;    /* in scope */
    bool wants_image;  /* the weaver may make the one it lacks */
    bool gates_alone;  /* scope_is_gates_alone() */
    bool hides_blocks; /* scope_hides_blocks() */
};

struct round {
    struct candidate candidates[CANDIDATES_MAX];
    size_t count;
    bool contended; /* another thread may be in what was loaded lately */
};

static atomic_bool is_on;
static atomic_bool has_raw_threads; /* some of which is_alone() cannot see */
static atomic_bool is_order_hidden;

/* Modules that were looked at, by number; changed by one thread at a time. */
enum { MODULES_MAX = 4096, BITS = 64 };
static uint64_t considered[MODULES_MAX / BITS];

static atomic_bool has_begun;
static struct round *prepared; /* by the only thread, before weaving begins */

/* The thread that has called dlopen() and whose modules have not been looked at since; whether it was alone in that. */
static _Atomic(struct self *) loading;
static atomic_bool loading_contended;

void weave_init(char **envp)
{
    image_cache_init(envp);
    blocks_on = lockhound.options.memory == MEMORY_WEAVE;
}

bool weave_hides_order(void)
{
    return atomic_load_explicit(&is_order_hidden, memory_order_relaxed); /* see look_for_hidden_order() */
}

bool weave_is_on(void)
{
    return atomic_load_explicit(&is_on, memory_order_relaxed); /* never unset: a late look is harmless */
}

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

/* Has what is missing woven, and looks again. */
static void make_missing(struct round *round)
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

/* ---- weaving ------------------------------------------------------------------------------------------------------ */

/* It was to be woven, and cannot be here; said once, with the first reason. */
static void leave(struct candidate *candidate, const char *why)
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

/* Returns: the one with the most code of those that are to be mapped still; NULL when none is. */
static struct candidate *largest_waiting(struct round *round)
{
    struct candidate *largest = NULL;
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        if (candidate->left == NULL && candidate->image->code == 0 &&
            (largest == NULL || candidate->image->header->code_size > largest->image->header->code_size))
            largest = candidate;
    }
    return largest;
}

/* The largest first: whose home is taken by another must be copied and mended. */
static void map_code(struct round *round)
{
    bool is_traced = process_is_traced();
    for (struct candidate *candidate; (candidate = largest_waiting(round)) != NULL;) {
        const char *why = is_traced && debugger_is_in(candidate->module) ? "a debugger has set breakpoints in it"
                                                                         : image_map_code(candidate->image);
        if (why == NULL && !pc_map_add(candidate->image))
            why = "there is no memory";
        if (why != NULL)
            leave(candidate, why);
    }
}

static size_t count_woven(const struct round *round)
{
    size_t woven = 0;
    for (size_t i = 0; i < round->count; i++)
        woven += round->candidates[i].left == NULL;
    return woven;
}

/* What an allocator gives out unseen must not be claimed to race. */
static void look_for_hidden_blocks(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct candidate *candidate = &round->candidates[i];
        bool is_gated = candidate->left == NULL && candidate->image->header->counts[IMAGE_GATES_LEFT] == 0;
        if (!is_gated && candidate->hides_blocks)
            blocks_set_hidden();
    }
}

/* Returns: whether the module may synchronise by instructions that are not woven. */
static bool hides_order(const struct candidate *candidate)
{
    const struct image_header *header = candidate->image == NULL ? NULL : candidate->image->header;
    if (!candidate->is_wanted)
        return false;
    if (header == NULL)
        return true;
    return header->counts[IMAGE_ATOMICS_LEFT] > 0 || (candidate->left != NULL && header->counts[IMAGE_ATOMICS] > 0);
}

/* Races are told with doubt from then on. */
static void look_for_hidden_order(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        const struct candidate *candidate = &round->candidates[i];
        if (!hides_order(candidate))
            continue;
        atomic_store_explicit(&is_order_hidden, true, memory_order_relaxed); /* before those threads that may race */
        if (candidate->left == NULL)
            sink_note("weave-undescribed",
                      "not all is woven: there is code without unwinding information that synchronises by atomic "
                      "operations; races are told as possible ones; `lockhound weave --explain FILE` says how much");
    }
}

static void find_usable_size(struct woven_image *image)
{
    uintptr_t found =
        image->header->gates.count == 0 ? 0 : dynamic_symbol_function_in(image->module, "malloc_usable_size");
    memcpy(&image->usable_size, &found, sizeof found);
}

static void patch_modules(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        if (candidate->left == NULL)
            find_usable_size(candidate->image);
        const char *why = candidate->left == NULL ? patch_module(candidate->image, candidate->gates_alone) : NULL;
        if (why != NULL)
            leave(candidate, why);
        if (candidate->left != NULL)
            pc_map_remove(candidate->module);
        else
            image_settle(candidate->image);
    }
}

static void leave_all(struct round *round, const char *why)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->candidates[i].left == NULL) {
            leave(&round->candidates[i], why);
            pc_map_remove(round->candidates[i].module);
        }
}

static bool uses_gs(const struct candidate *candidate)
{
    return candidate->image != NULL && candidate->image->header != NULL && image_uses_gs(candidate->image);
}

static bool has_sanitizer(const struct candidate *candidate)
{
    return scope_holds_sanitizer(candidate->module);
}

static const struct candidate *find(const struct round *round, bool (*is_it)(const struct candidate *))
{
    for (size_t i = 0; i < round->count; i++)
        if (is_it(&round->candidates[i]))
            return &round->candidates[i];
    return NULL;
}

static void say_unchecked(const char *code, const char *path, const char *why)
{
    struct text text = {0};
    text_string(&text, "accesses to memory are not checked: ");
    text_string(&text, path);
    text_string(&text, why);
    if (text.at != NULL)
        sink_note(code, text.at);
    text_release(&text);
}

static void leave_those_wanted(struct round *round, const char *why)
{
    for (size_t i = 0; i < round->count; i++)
        if (round->candidates[i].left == NULL)
            round->candidates[i].left = why;
}

/* It keeps its own books of the program's memory, by code that stands in the program where Clang has linked it. */
static void look_for_sanitizer(struct round *round)
{
    const struct candidate *holder = weave_is_on() ? NULL : find(round, has_sanitizer);
    if (holder == NULL)
        return;
    say_unchecked("weave-sanitizer", holder->module->path, " holds the run-time of a sanitizer");
    leave_those_wanted(round, "another module holds the run-time of a sanitizer");
}

/* Code that has changed the GS base may call woven code, which looks for the thread's plane there. */
static void look_for_gs(struct round *round)
{
    static const char warning[] =
        "uses the GS segment itself, as woven code does: the program may crash; with --memory=none it does not";
    const struct candidate *user = find(round, uses_gs);
    if (user == NULL)
        return;
    if (weave_is_on()) /* what is written at the end may never be */
        sink_complain(warning, user->module->path, strlen(user->module->path));
    else
        say_unchecked("weave-gs", user->module->path, " uses the GS segment itself");
    leave_those_wanted(round, "another module uses the GS segment itself");
}

static void free_unused(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct candidate *candidate = &round->candidates[i];
        if (candidate->left == NULL || candidate->image == NULL)
            continue;
        image_close(candidate->image);
        arena_free(candidate->image, sizeof *candidate->image);
    }
}

/* ---- what is said --------------------------------------------------------------------------------------------------- */

static void say_counts(const struct round *round)
{
    struct text text = {0};
    size_t woven = count_woven(round);
    text_number(&text, woven);
    text_string(&text, " of ");
    text_number(&text, round->count);
    sink_complain("modules woven", text.at == NULL ? "" : text.at, text.length);
    text_release(&text);
}

static void say_fates(const struct round *round)
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

/* ---- the beginning -------------------------------------------------------------------------------------------------- */

/* Returns: how many threads the process has, 2 for more than one; 0 when that cannot be known. */
static uint64_t count_threads(void)
{
    struct process_status status;
    pid_t pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (process_status_read(pid, &status))
        return status.thread_count;
    /* Another root may have no /proc.  This does nothing, and fails where there is another thread (unshare(2)). */
    long got = raw_syscall(SYS_unshare, CLONE_THREAD, 0, 0, 0, 0, 0);
    return got == 0 ? 1 : got == -EINVAL ? 2 : 0;
}

/* Returns: NULL when no other thread can be in the program's code; else what is to be said. */
static const char *why_not_alone(void)
{
    uint64_t count = count_threads();
    if (count == 0)
        return "accesses to memory are not checked: whether there are other threads could not be learnt from "
               "/proc/PID/stat";
    /* relaxed: set by this thread */
    if (count == 1 && !atomic_load_explicit(&has_raw_threads, memory_order_relaxed))
        return NULL;
    return "accesses to memory are not checked: the program had threads that lockhound did not see begin";
}

static void weave_modules(struct self *self, struct round *round)
{
    dl_iterate_phdr(take_module, round);
    /* relaxed: whose module was met has set it before he took the loader's lock */
    round->contended |= atomic_load_explicit(&loading_contended, memory_order_relaxed);
    if (round->contended)
        leave_all(round, "two threads loaded modules at once");
    open_images(round, false);
    make_missing(round);
    look_for_gs(round);
    look_for_sanitizer(round);
    map_code(round);
    if (count_woven(round) > 0) {
        if (!weave_is_on() && !plane_start(self))
            leave_all(round, "there is no address space for the planes");
        patch_modules(round);
    }
    if (count_woven(round) > 0)
        atomic_store_explicit(&is_on, true, memory_order_relaxed); /* other threads begin later, by a system call */
    look_for_hidden_blocks(round);
    look_for_hidden_order(round);
    say_fates(round);
    free_unused(round);
}

/* A handler of the program would run in code that is half patched. */
static void weave_without_signals(struct self *self, struct round *round)
{
    uint64_t before = raw_mask_block_all();
    weave_modules(self, round);
    raw_mask_change(SIG_SETMASK, before);
}

static void weave_round(struct self *self)
{
    struct round *round = prepared != NULL ? prepared : arena_alloc(sizeof *round);
    prepared = NULL;
    if (round == NULL)
        return;
    weave_without_signals(self, round);
    arena_free(round, sizeof *round);
}

/* Returns: true while weaving is still to begin.  relaxed: whoever comes second is another thread, and finds that this is
 * not the first creation. */
static bool is_to_begin(void)
{
    return lockhound.options.memory == MEMORY_WEAVE && !atomic_load_explicit(&has_begun, memory_order_relaxed);
}

void weave_prepare(void)
{
    if (!is_to_begin() || prepared != NULL || why_not_alone() != NULL || !window_choose())
        return;
    struct round *round = arena_alloc(sizeof *round);
    if (round == NULL)
        return;
    dl_iterate_phdr(take_module, round);
    open_images(round, false);
    make_missing(round);
    for (size_t i = 0; i < round->count; i++)
        if (round->candidates[i].image != NULL)
            image_keep(round->candidates[i].image);
    prepared = round;
}

void weave_begin(struct self *self)
{
    if (!is_to_begin() || atomic_exchange_explicit(&has_begun, true, memory_order_relaxed))
        return;
    const char *obstacle = why_not_alone();
    if (obstacle != NULL) {
        sink_note("weave-late", obstacle);
    } else if (window_choose()) {
        weave_round(self);
    } else {
        sink_note("weave-no-room",
                  "accesses to memory are not checked: there is no address space for that (see ulimit -v)");
    }
    blocks_on = weave_on;
}

void weave_note_raw_thread(void)
{
    atomic_store_explicit(&has_raw_threads, true, memory_order_relaxed); /* read before the program's first thread */
}

bool weave_has_raw_threads(void)
{
    /* relaxed: whoever it matters to has waited, by the kernel, for what such a thread did */
    return atomic_load_explicit(&has_raw_threads, memory_order_relaxed) || unseen_thread_has_come();
}

/* ---- modules that come later ------------------------------------------------------------------------------------------ */

void weave_loading(void)
{
    struct self *self = self_current, *other = NULL;
    if (!weave_is_on() || self == NULL || self == SELF_GONE)
        return;
    /* relaxed: the flag only makes modules be left that could perhaps be woven */
    if (!atomic_compare_exchange_strong_explicit(&loading, &other, self, memory_order_relaxed, memory_order_relaxed) &&
        other != self)
        atomic_store_explicit(&loading_contended, true, memory_order_relaxed);
    self->stack_watch = 0; /* the next hook comes by */
}

void weave_loaded(struct self *self)
{
    /* relaxed: only this thread sets it to `self` */
    if (atomic_load_explicit(&loading, memory_order_relaxed) != self)
        return;
    weave_round(self);
    atomic_store_explicit(&loading_contended, false, memory_order_relaxed);
    atomic_store_explicit(&loading, NULL, memory_order_relaxed);
}

/* Nothing of it runs yet. */
static void forget_prepared(const struct module *module)
{
    for (size_t i = 0; prepared != NULL && i < prepared->count; i++) {
        struct candidate *candidate = &prepared->candidates[i];
        if (candidate->module != module)
            continue;
        if (candidate->image != NULL) {
            image_close(candidate->image);
            arena_free(candidate->image, sizeof *candidate->image);
        }
        *candidate = prepared->candidates[--prepared->count];
    }
}

void weave_forget(const struct module *module)
{
    forget_prepared(module);
    if (!weave_is_on())
        return;
    if (module->id < MODULES_MAX)
        considered[module->id / BITS] &= ~(UINT64_C(1) << module->id % BITS); /* it may be loaded again */
    struct woven_image *image = pc_map_remove(module);
    if (image == NULL)
        return;
    image_close(image);
    arena_free(image, sizeof *image);
}

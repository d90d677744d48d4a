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
#include "preload/weave/blocks.h"
#include "preload/weave/debugger.h"
#include "preload/weave/obstacles.h"
#include "preload/weave/patch.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/round.h"
#include "preload/weave/switch.h"
#include "preload/weave/unseen_thread.h"
#include "preload/weave/window.h"

static atomic_bool is_on;
static atomic_bool has_raw_threads; /* some of which is_alone() cannot see */

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

bool weave_is_on(void)
{
    return atomic_load_explicit(&is_on, memory_order_relaxed); /* never unset: a late look is harmless */
}

/* ---- weaving ------------------------------------------------------------------------------------------------------ */

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
            round_leave(candidate, why);
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
            round_leave(candidate, why);
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
            round_leave(&round->candidates[i], why);
            pc_map_remove(round->candidates[i].module);
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
    round_take(round);
    /* relaxed: whose module was met has set it before he took the loader's lock */
    round->contended |= atomic_load_explicit(&loading_contended, memory_order_relaxed);
    if (round->contended)
        leave_all(round, "two threads loaded modules at once");
    round_open(round);
    round_make_missing(round);
    obstacles_heed(round, weave_is_on());
    map_code(round);
    if (round_count_woven(round) > 0) {
        if (!weave_is_on() && !plane_start(self))
            leave_all(round, "there is no address space for the planes");
        patch_modules(round);
    }
    if (round_count_woven(round) > 0)
        atomic_store_explicit(&is_on, true, memory_order_relaxed); /* other threads begin later, by a system call */
    obstacles_note_hidden(round);
    round_say_fates(round);
    round_free_unused(round);
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
    round_take(round);
    round_open(round);
    round_make_missing(round);
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

void weave_forget(const struct module *module)
{
    if (prepared != NULL)
        round_drop(prepared, module);
    if (!weave_is_on())
        return;
    round_forget(module);
    struct woven_image *image = pc_map_remove(module);
    if (image == NULL)
        return;
    image_close(image);
    arena_free(image, sizeof *image);
}

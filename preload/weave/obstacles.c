#include "preload/weave/obstacles.h"

#include <stdatomic.h>
#include <string.h>

#include "preload/sink.h"
#include "preload/text.h"
#include "preload/weave/blocks.h"
#include "preload/weave/scope.h"

static atomic_bool is_order_hidden;

/* ---- what forbids it -------------------------------------------------------------------------------------------------- */

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
static void look_for_sanitizer(struct round *round, bool is_on)
{
    const struct candidate *holder = is_on ? NULL : find(round, has_sanitizer);
    if (holder == NULL)
        return;
    say_unchecked("weave-sanitizer", holder->module->path, " holds the run-time of a sanitizer");
    leave_those_wanted(round, "another module holds the run-time of a sanitizer");
}

/* Code that has changed the GS base may call woven code, which looks for the thread's plane there. */
static void look_for_gs(struct round *round, bool is_on)
{
    static const char warning[] =
        "uses the GS segment itself, as woven code does: the program may crash; with --memory=none it does not";
    const struct candidate *user = find(round, uses_gs);
    if (user == NULL)
        return;
    if (is_on) /* what is written at the end may never be */
        sink_complain(warning, user->module->path, strlen(user->module->path));
    else
        say_unchecked("weave-gs", user->module->path, " uses the GS segment itself");
    leave_those_wanted(round, "another module uses the GS segment itself");
}

void obstacles_heed(struct round *round, bool is_on)
{
    look_for_gs(round, is_on);
    look_for_sanitizer(round, is_on);
}

/* ---- what is hidden --------------------------------------------------------------------------------------------------- */

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

void obstacles_note_hidden(const struct round *round)
{
    look_for_hidden_blocks(round);
    look_for_hidden_order(round);
}

bool obstacles_hide_order(void)
{
    return atomic_load_explicit(&is_order_hidden, memory_order_relaxed); /* see look_for_hidden_order() */
}

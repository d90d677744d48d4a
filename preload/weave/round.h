/* round.h: the modules that are looked at together, and what becomes of each.
 *
 *   loaded modules, those that are new --round_take--> [candidates] --round_open--> images, or why there are none
 *      --round_make_missing--> the weaver makes what is missing --weave.c--> woven, or left with the reason --round_say_fates-->
 *
 * Owns:      the images, until they are woven; round_free_unused() gives back those of what was left.
 * Limit:     past CANDIDATES_MAX at once, and MODULES_MAX in all, modules are not looked at.
 * Threads:   one round at a time.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_ROUND_H
#define LOCKHOUND_PRELOAD_WEAVE_ROUND_H

#include "preload/weave/image_map.h"

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

/* Adds the loaded modules that no round had before.  Context: may-block. */
void round_take(struct round *round);
/* Opens the images of what is to be woven and has none open.  Context: loader-lock, in-malloc. */
void round_open(struct round *round);
/* Has images that are missing made by the weaver, and opens them.  Context: may-block. */
void round_make_missing(struct round *round);
/* The candidate was to be woven, and cannot be here: said once, with the first reason.  Context: loader-lock, in-malloc. */
void round_leave(struct candidate *candidate, const char *why);
/* Returns: how many are woven, or are going to be.  Context: signal, in-malloc, loader-lock. */
size_t round_count_woven(const struct round *round);
/* With --verbose: says what became of each.  Context: loader-lock, in-malloc. */
void round_say_fates(const struct round *round);
/* Gives back the images of what is left.  Context: loader-lock, in-malloc. */
void round_free_unused(struct round *round);
/* The module, of whose code nothing is woven yet, is no longer mapped.  Context: loader-lock, in-malloc. */
void round_drop(struct round *round, const struct module *module);
/* A module of that number may come again.  Context: signal, in-malloc, loader-lock. */
void round_forget(const struct module *module);

#endif

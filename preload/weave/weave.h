/* weave.h: the program's code is led into woven clones, before its first thread is created.
 *
 *   first creation of a thread, or the start (early.h); one task --> [modules in scope] --image_open--> missing: weaver_run,
 *        once for all --image_map_code--> plane_start (this thread's plane) --patch_module--> woven
 *   first setuid(), chroot() and the like before that --> missing images made, all opened
 *   next hook of a thread that called dlopen --> the same for what is new        dlclose --> images forgotten
 *
 * Model:     a program with one thread runs as it is.  What cannot be woven runs as it is too, is counted and, with
 *            --verbose, said with its reason.
 * Invariant: code is patched only while no other thread can be in it: for the first time when the process has one task,
 *            later what the calling thread alone has just loaded.
 * Order:     a plane comes before the first patch: from then on this thread may read it.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_WEAVE_H
#define LOCKHOUND_PRELOAD_WEAVE_WEAVE_H

#include "preload/modules.h"
#include "preload/self.h"

/* Finds the place of the images.  Context: early. */
void weave_init(char **envp);

/* The calling thread, inside a hook, is about to give up rights or its place in the file system, and the process may have
 * threads later: its images are made and opened while they can be.  Context: may-block. */
void weave_prepare(void);

/* The calling thread, inside a hook, is about to create a thread; or is at its start.  Context: may-block. */
void weave_begin(struct self *self);

/* The program makes threads that libc does not know of: its code is not woven any more if it is not yet.  Context: signal. */
void weave_note_raw_thread(void);
/* Returns: whether it has made some.  Context: signal, in-malloc, loader-lock. */
bool weave_has_raw_threads(void);

/* The calling thread is about to load modules: what they are is looked at in one of its next hooks, weave_loaded(), for
 * dlopen() must return to its caller.  Context: signal. */
void weave_loading(void);
/* The calling thread, inside a hook, may have loaded modules.  Context: may-block. */
void weave_loaded(struct self *self);

/* The module is no longer mapped.  Context: takes(OWN_RANK_MODULES). */
void weave_forget(const struct module *module);

/* Returns: true when code of the program has been woven.  Context: signal, in-malloc, loader-lock. */
bool weave_is_on(void);

#endif

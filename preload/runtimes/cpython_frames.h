/* cpython_frames.h: reads the Python frames of the calling thread from the interpreter's memory.
 *
 *   thread state --layout of its version, confirmed once by the exported functions--> frame --> frame --> ...
 *                                             (code object, instruction) of each --> key
 *                                                          once for each new key --> function, file, line
 *
 * Model:     the thread holds the GIL, so that nothing of this changes meanwhile.  Walking takes no reference, allocates
 *            nothing and calls nothing; only describing a new stack calls the interpreter.
 * Layout:    CPython does not promise where a frame keeps what; a layout is used only after PyThreadState_GetFrame(),
 *            PyFrame_GetCode() and PyFrame_GetLasti() have named the same code and instruction.  Making frame objects for
 *            that could start a collection, and that the program's code: it is put off for as long.
 * Source:    CPython's Include/cpython/pystate.h, Include/internal/pycore_frame.h, Include/cpython/code.h.
 */
#ifndef LOCKHOUND_PRELOAD_RUNTIMES_CPYTHON_FRAMES_H
#define LOCKHOUND_PRELOAD_RUNTIMES_CPYTHON_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/runtimes/cpython.h"
#include "preload/stack_cache.h"
#include "preload/stacks.h"

struct cpython_frame {
    void *code;
    uintptr_t instruction;
};

struct cpython_frames {
    uint32_t depth;
    uint64_t key;                                 /* of equal frames the same; 0 for none */
    struct cpython_frame frames[STACK_MAX_DEPTH]; /* innermost first */
};

/* Finds the interpreter's functions.  Returns: false when some are missing, or its version is one whose frames are not
 * known.  Context: signal, in-malloc, loader-lock. */
bool cpython_frames_init(void);
/* Returns: the thread state of the calling thread when it holds the GIL and the interpreter is not being torn down;
 * NULL otherwise.  Context: signal. */
void *cpython_frames_thread(void);
enum cpython_layout { CPYTHON_LAYOUT_UNTRIED, CPYTHON_LAYOUT_CONFIRMED, CPYTHON_LAYOUT_REFUTED };
/* To be called, by a holder of the GIL, before the functions below.  Returns: untried when no Python function runs.
 * Context: reentrant. */
enum cpython_layout cpython_frames_confirm(void *thread);
/* Context: signal. */
void cpython_frames_walk(void *thread, uint32_t max_depth, struct cpython_frames *result);
/* Returns: the key of a frame behind those of `key`; 0 for none.  Context: signal. */
uint64_t cpython_frames_key(uint64_t key, const struct cpython_frame *frame);
/* Returns: what a report shows of it.  Context: takes(OWN_RANK_STACKS). */
struct frame cpython_frames_describe(const struct cpython_frame *frame);
/* Returns: scoped when it executes a `with`, waits for a call without arguments.  Context: reentrant. */
enum cpython_intent cpython_frames_intent(const struct cpython_frame *frame);

#endif

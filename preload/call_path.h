/* call_path.h: the frames that the thread's last walk met, so that the next one goes only as far as something is new.
 *
 *   innermost caller --step--> frame --not met before--> step out ...
 *                                    \--met: the words outside stand--> what is new [call_tree.h] --> node
 *
 * Model:     a frame is met again where the program counter, the stack pointer and RBP are those of then.  The next one
 *            outwards is then where it was, and it is the same when the same return address stands there; and so on.
 *            A new chain costs a step of frame_walk.h for each frame that is new, and a load for each that is not.
 * Invariant: stack pointers fall from frame to frame inwards.
 * Threads:   a path is its thread's.
 */
#ifndef LOCKHOUND_PRELOAD_CALL_PATH_H
#define LOCKHOUND_PRELOAD_CALL_PATH_H

#include "preload/frame_walk.h"

enum { CALL_PATH_MOST = 128 };

struct call_path_frame {
    uintptr_t pc, sp, bp; /* as a walk has them: `pc` stands in the word below `sp` */
    uint32_t module;
    uint32_t node, caller; /* of call_tree.h: the frame's own, and that of the frame outside; 0 while it is new */
};

/* Zeroed before the first use. */
struct call_path {
    uint32_t depth;
    bool is_whole;    /* there is nothing outside the outermost frame */
    bool is_changing; /* also when a signal handler left a walk by longjmp: the next one starts anew */
    /* Outermost first; behind `depth` older ones.  During a walk those that are new gather at the end. */
    struct call_path_frame frames[CALL_PATH_MOST];
};

/* Walks from the innermost caller, where `walk` has come to, by `step`: one of frame_walk.h.  Of the innermost `certain`
 * frames each is looked at, those beyond may be of an earlier time.
 * Returns: true and their node in call_tree.h; false where `step` is unable to, and then the path is empty.
 * Context: signal, in-malloc, loader-lock. */
bool call_path_take(struct call_path *path, struct frame_walk *walk, enum frame_step (*step)(struct frame_walk *),
                    uint32_t certain, uint32_t *node);

#endif

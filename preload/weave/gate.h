/* gate.h: calls of an allocator that the program has of its own, or that came with a library.
 *
 *   call of malloc --entry, patched--> clone: call gs:[PLANE_GATE] --> gate_enter(): this thread's checks are silent,
 *        blocks that go are noted --> body --> gate_leave(): blocks that came are new; checks speak again
 *
 * Model:     what an allocator does to memory is no access of the program's: it hands memory over in ways of its own, and its
 *            lists lie in blocks that are nobody's.  So while a thread is inside, woven code records nothing for it, whatever
 *            function it is in; neither do the hooks of memcpy() and the like.  Calls inside are part of the outermost one.
 * Left out:  what the allocator does of itself (at the end of a thread, by a timer) counts as the program's.
 * Left:      a call that longjmp() leaves is noticed by the next hook that the thread comes by: plane_settle().
 * Registers: all are kept, for a compiler may know of a function of the same file which ones it changes.
 * Test:      tests/programs/races/arena.c, operators.cc
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_GATE_H
#define LOCKHOUND_PRELOAD_WEAVE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct self;

/* The outermost call that a thread is in. */
struct gate_call {
    uintptr_t frame; /* of struct gate_frame; 0: none */
    uint64_t first, second, third, end;
    size_t (*usable_size)(void *block); /* of that allocator; or NULL */
    uint32_t kind;                      /* enum image_gate_kind */
};

/* The registers at a gate, as gate_path.c pushes them. */
struct gate_frame {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t body;           /* where the function goes on */
    uint64_t return_address; /* to its caller */
};

/* Called by the assembly.  Returns: true when the call's return is to be seen too.
 * Context: signal, in-malloc, loader-lock. */
bool gate_enter(const struct gate_frame *frame);
void gate_leave(const struct gate_frame *frame);
/* The outermost call is left by an exception.  Context: signal, in-malloc, loader-lock. */
void gate_abandon(void);

/* The thread, whose hook's frame is self->inside_frame, has perhaps left a gate without returning.  Context: signal. */
void gate_look(struct self *self);

#endif

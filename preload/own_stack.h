/* own_stack.h: a stack of the library's own, for what takes more of one than the program may have left on its.
 *
 *   program's stack --own_stack_call--> [own stack: work(arg)] --> program's stack
 *
 * Why:       a handler on an alternate stack, a fiber or a small thread has a few KiB, which unwinding alone would fill.
 * Threads:   whoever uses a stack holds the lock that goes with it, so that signals wait meanwhile (deferral.h).
 */
#ifndef LOCKHOUND_PRELOAD_OWN_STACK_H
#define LOCKHOUND_PRELOAD_OWN_STACK_H

enum { OWN_STACK_SIZE = 64 << 10 };

struct own_stack {
    _Alignas(16) char bytes[OWN_STACK_SIZE];
};

/* Calls work(arg) on `stack`; calls do not nest on one.  Context: signal, loader-lock, in-malloc. */
void own_stack_call(struct own_stack *stack, void (*work)(void *arg), void *arg);

#endif

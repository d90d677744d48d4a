/* fiber.h: a flow of control with a stack of its own, and the switch to it and back.
 *
 * ThreadSanitizer and AddressSanitizer are told of each switch; a normal build is makecontext and swapcontext alone.
 */
#ifndef LHP_SRC_FIBER_H
#define LHP_SRC_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct fiber {
    ucontext_t inside, outside; /* where to go on, and where to come back to */
    void (*body)(void *arg);
    void *arg;
    unsigned char *stack; /* with its guard page */
    size_t stack_size;
    void *tsan_inside, *tsan_outside; /* ThreadSanitizer's idea of the two flows */
    void *asan_inside, *asan_outside; /* AddressSanitizer's fake stacks */
    const void *asan_bottom;          /* of the stack outside */
    size_t asan_size;
};

/* `f` must not move.  Returns: false when there is no memory. */
bool lhp_fiber_init(struct fiber *f, size_t stack_size, void (*body)(void *arg), void *arg);
void lhp_fiber_destroy(struct fiber *f);
/* Runs it until it leaves. */
void lhp_fiber_enter(struct fiber *f);
/* Inside: back to whoever entered.  With `last` it never comes back. */
void lhp_fiber_leave(struct fiber *f, bool last);

#endif

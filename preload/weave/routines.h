/* routines.h: where woven code arrives when a check has missed.
 *
 *   stub --call gs:[ROUTINE]--> same callers? --yes--> quick: own chunk --yes--> tags, history entry --ret--> stub
 *                                 \--no--> routine_callers() --^   \--no--> registers saved --> routine_miss() --> miss.h
 *
 * The quick paths are assembly, for every access of a fixed size.  Gates are in gate_path.c.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_ROUTINES_H
#define LOCKHOUND_PRELOAD_WEAVE_ROUTINES_H

#include <stdbool.h>

#include "weaver/image.h"
#include "weaver/plane.h"

struct plane;

/* The program's registers at a miss, as routines.c pushes them. */
struct routine_frame {
    uint64_t r15, r14, r13, r12, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax, rbp;
    uint64_t routine;        /* enum plane_routine; not for routine_callers() */
    uint64_t return_address; /* of the site */
    uint64_t below[16];      /* the red zone: the program's RSP points past it */
};

/* Returns: what a mark behind the site says: 0 is the site's own, others what its routine needs besides. */
static inline uint32_t routine_mark(const struct routine_frame *frame, unsigned number)
{
    uint32_t mark;
    __builtin_memcpy(
        &mark, (const char *)(uintptr_t)frame->return_address + (size_t)number * IMAGE_MARK_LENGTH + IMAGE_MARK_AT,
        sizeof mark);
    return mark;
}

/* Returns: which bytes of a load with gaps are used, as bits. */
static inline uint64_t routine_gaps(const struct routine_frame *frame, uint32_t size)
{
    uint64_t beyond = size > IMAGE_GAPS_SIZE ? routine_mark(frame, 2) : 0;
    return beyond << IMAGE_GAPS_SIZE | routine_mark(frame, 1);
}

/* Fills the header's routines: the true ones, or ones that do nothing.  Context: signal. */
void routines_set(struct plane_header *header, bool recording);

/* Returns: whether the address lies in the assembly of a quick path, or of the way to the slow one.
 * Context of both: signal, in-malloc, loader-lock. */
bool routines_are_quick(uintptr_t pc);
bool routines_are_slow(uintptr_t pc);

/* Called by the assembly, on the program's stack, compiled without vector registers.
 * Context: signal, in-malloc, loader-lock. */
void routine_miss(uint64_t address, struct routine_frame *frame, struct plane *plane);

/* The same, for the callers alone: the rest is left to the quick path.
 * Context: signal, in-malloc, loader-lock. */
void routine_callers(uint64_t address, struct routine_frame *frame, struct plane *plane);

#endif

/* spin_entry.c: the load that a compiler puts before a loop that waits, to test once whether there is anything to wait for.
 *
 *      mov flag(%rip), %eax;  test %eax, %eax;  jnz 2f        <- this one
 *      lea flag(%rip), %rbx
 *   1: call sched_yield;  mov (%rbx), %eax;  test %eax, %eax;  jz 1b
 *   2:
 *
 * Model: a load shortly before the loop of the place that the loop loads: a place of the module, or at the same distance from a
 *        register that nothing changes between the two.
 */
#include "weaver/places.h"

enum { INSNS_BACK = 24 };

void spin_entry_mark(struct function *function, size_t first, size_t load)
{
    size_t floor = first > INSNS_BACK ? first - INSNS_BACK : 0;
    struct place awaited = place_find(function, load, first, floor);
    for (size_t i = floor; awaited.is_known && i < first; i++) {
        struct insn *insn = &function->insns[i];
        if (!insn_may_wait(insn))
            continue;
        struct place place = place_find(function, i, i, floor);
        if (place.is_known && place.base == awaited.base && place.since == awaited.since &&
            place.displacement == awaited.displacement)
            insn_waits(insn);
    }
}

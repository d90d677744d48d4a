#include "preload/weave/routine_state.h"

#include <stddef.h>

#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"
#include "preload/weave/routines.h"

/* How far the engine's own frames reach below the routine's, at most; and how far routine_miss()'s own does.  Units: bytes;
 * words. */
enum { ENGINE_STACK = 1 << 20, PUSHED_MOST = 96 };

/* What is pushed below the return address, in that order; -1: no register. */
static const int pushed_slow[] = {-1,     REG_RBP, REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_R8,
                                  REG_R9, REG_R10, REG_R11, REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15};
static const int pushed_quick[] = {REG_RAX, REG_RCX, REG_RDX};

/* Returns: where on the stack the return address of the site stands, or NULL. */
static const uint64_t *find_return(const struct plane *plane, uintptr_t pc, uintptr_t rsp)
{
    uintptr_t frame = (uintptr_t)plane->frame;
    const struct module *module = NULL;
    if (frame != 0 && rsp <= frame && frame - rsp < ENGINE_STACK)
        return &plane->frame->return_address;
    if (!routines_are_quick(pc) && !routines_are_slow(pc))
        return NULL;
    const uint64_t *word = (const uint64_t *)rsp; /* NOLINT(performance-no-int-to-ptr): the stack's top */
    for (unsigned i = 0; i < PUSHED_MOST; i++)
        if (pc_map_site((uintptr_t)word[i], &module) != NULL)
            return &word[i];
    return NULL;
}

static void take_pushed(greg_t *registers, const uint64_t *place, size_t count, const int *order, size_t most)
{
    for (size_t i = 0; i < count && i < most; i++)
        if (order[i] >= 0)
            registers[order[i]] = (greg_t) * (place - 1 - i);
}

bool routine_state_present(const struct plane *plane, greg_t *registers)
{
    uintptr_t pc = (uintptr_t)registers[REG_RIP], rsp = (uintptr_t)registers[REG_RSP];
    const uint64_t *place = find_return(plane, pc, rsp);
    if (place == NULL)
        return false;
    size_t count = ((uintptr_t)place - rsp) / sizeof *place;
    bool is_quick = routines_are_quick(pc);
    take_pushed(registers, place, count, is_quick ? pushed_quick : pushed_slow,
                is_quick ? sizeof pushed_quick / sizeof *pushed_quick : sizeof pushed_slow / sizeof *pushed_slow);
    registers[REG_RSP] = (greg_t)(place + 1);
    registers[REG_RIP] = (greg_t)*place;
    return true;
}

#include "preload/weave/interruption.h"

#include <ucontext.h>

#include "preload/weave/pc_map.h"
#include "preload/weave/weave.h"

void interruption_begin(struct interruption *interruption, void *context)
{
    interruption->self = NULL;
    interruption->pc = 0;
    if (!weave_is_on())
        return;
    struct self *self = self_current;
    plane_start_unknown();
    if (self > SELF_GONE) {
        interruption->self = self;
        plane_spills_save(self, &interruption->spills);
    }
    greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    uintptr_t program_pc = pc_map_original((uintptr_t)*pc);
    interruption->pc = (uintptr_t)*pc;
    interruption->program_pc = program_pc == 0 ? interruption->pc : program_pc;
    *pc = (greg_t)interruption->program_pc;
}

void interruption_end(const struct interruption *interruption, void *context)
{
    if (interruption->pc == 0)
        return;
    greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    bool has_moved = (uintptr_t)*pc != interruption->program_pc;
    *pc = (greg_t)(has_moved ? pc_map_resumable((uintptr_t)*pc) : interruption->pc);
    /* A handler that goes on in another thread (swapcontext) leaves that one's slots alone. */
    if (interruption->self != NULL && interruption->self == self_current)
        plane_spills_restore(interruption->self, &interruption->spills);
}

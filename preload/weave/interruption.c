#include "preload/weave/interruption.h"

#include <string.h>

#include "preload/weave/check_state.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/routine_state.h"
#include "preload/weave/weave.h"

/* What the handler's own woven code would overwrite. */
static void keep_plane(struct interruption *interruption, struct self *self)
{
    interruption->self = self;
    plane_spills_save(self, &interruption->spills);
    if (self->plane == NULL)
        return;
    interruption->frame = self->plane->frame;
    self->plane->frame = NULL; /* misses of the handler have their own; and it may leave for good */
}

/* Makes the registers the program's. */
static void present(const struct self *self, greg_t *registers)
{
    if (self->plane != NULL)
        routine_state_present(self->plane, registers);
    const struct woven_image *image = pc_map_image((uintptr_t)registers[REG_RIP]);
    if (image != NULL && self->plane_header != NULL)
        check_state_present(image, self->plane_header, registers);
}

void interruption_begin(struct interruption *interruption, void *context)
{
    interruption->self = NULL;
    interruption->is_woven = weave_is_on();
    if (!interruption->is_woven)
        return;
    struct self *self = self_current;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    memcpy(interruption->true_registers, registers, sizeof interruption->true_registers);
    plane_start_unknown();
    if (self > SELF_GONE) {
        present(self, registers);
        keep_plane(interruption, self);
    }
    uintptr_t program_pc = pc_map_original((uintptr_t)registers[REG_RIP]);
    if (program_pc == 0)
        program_pc = pc_map_hopping((uintptr_t)registers[REG_RIP]);
    if (program_pc != 0)
        registers[REG_RIP] = (greg_t)program_pc;
    memcpy(interruption->told_registers, registers, sizeof interruption->told_registers);
}

/* Where the pc is as it was told, so is what goes on; but for registers that the handler has changed. */
static void take_back(const struct interruption *interruption, greg_t *registers)
{
    for (size_t i = 0; i < sizeof interruption->told_registers / sizeof *interruption->told_registers; i++)
        if (registers[i] == interruption->told_registers[i])
            registers[i] = interruption->true_registers[i];
}

void interruption_end(const struct interruption *interruption, void *context)
{
    if (!interruption->is_woven)
        return;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool has_moved = registers[REG_RIP] != interruption->told_registers[REG_RIP];
    if (has_moved)
        registers[REG_RIP] = (greg_t)pc_map_resumable((uintptr_t)registers[REG_RIP]);
    else
        take_back(interruption, registers);
    /* A handler that goes on in another thread (swapcontext) leaves that one's slots alone. */
    if (interruption->self == NULL || interruption->self != self_current)
        return;
    plane_spills_restore(interruption->self, &interruption->spills);
    if (interruption->self->plane != NULL && !has_moved)
        interruption->self->plane->frame = interruption->frame;
}

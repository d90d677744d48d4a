/* scratch.h: a register and the arithmetic flags, free for a check's use between scratch_begin() and scratch_end(). */
#ifndef LOCKHOUND_WEAVER_SCRATCH_H
#define LOCKHOUND_WEAVER_SCRATCH_H

#include "weaver/draft.h"
#include "weaver/model.h"

enum { SCRATCH_NONE = 16, SCRATCH_SPILL = 1 /* the slot of a register that was live */ };

/* Returns: the number of a register of these, SCRATCH_NONE when there is none; a low one, which needs no REX prefix. */
unsigned scratch_first(register_set free);

struct scratch {
    unsigned reg; /* free for use, when one was taken */
    bool is_spilled;
    enum { FLAGS_DEAD, FLAGS_IN_RAX, FLAGS_IN_SPILL } flags;
    bool is_rax_live;
};

/* Emits what saves the flags.  `live` must be kept; `used` are the registers that the code between needs with the program's
 * values. */
void scratch_begin(struct scratch *scratch, struct image_draft *draft, register_set live, register_set used);
/* Finds a register, and emits what saves it when none is dead: then rather one that the program does not need `soon`, for it
 * is some cycles until it is back; and another one than last time, for each waits until it is back before it is saved again. */
void scratch_take_register(struct scratch *scratch, struct image_draft *draft, register_set live, register_set used,
                           register_set soon);
/* Emits what restores. */
void scratch_end(const struct scratch *scratch, struct image_draft *draft);

#endif

/* loop_round.h: one round of a loop while it is looked at, for counted_loops.c and loop_runs.c. */
#ifndef LOCKHOUND_WEAVER_LOOP_ROUND_H
#define LOCKHOUND_WEAVER_LOOP_ROUND_H

#include "weaver/passes.h"

enum { ROUND_MOST = 96 /* instructions */, ROUND_REGISTERS = 16, RUNS_MOST = 12, RUN_STRIDE_MOST = 1 << 14 };

/* What a round does to a register. */
struct progress {
    uint32_t changes; /* how many instructions change it */
    uint32_t at;      /* the one that moves it on, ... */
    int32_t step;     /* ... by so much; 0: none does */
    bool is_64;
};

struct round {
    struct function *function;
    struct counted_loop loop;
    bool is_sometimes[ROUND_MOST]; /* a branch may lead around it */
    struct progress progress[ROUND_REGISTERS];
};

/* Returns: the number of the general-purpose register that `reg` is, or is a part of; ROUND_REGISTERS for others. */
static inline unsigned round_register(ZydisRegister reg)
{
    register_set bit = register_bit(reg) & REGISTER_GPRS;
    return bit == 0 ? ROUND_REGISTERS : (unsigned)__builtin_ctz(bit);
}

static inline bool round_keeps(const struct round *round, unsigned reg)
{
    return round->progress[reg].changes == 0;
}

/* Returns: whether the register moves on once a round, by the same. */
static inline bool round_moves(const struct round *round, unsigned reg)
{
    return round->progress[reg].changes == 1 && round->progress[reg].step != 0;
}

/* loop_runs.c: marks the accesses that are runs.  Returns: how many there are. */
uint32_t loop_runs_find(struct round *round);

#endif

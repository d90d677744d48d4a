/* passes.h: what function_model_make() does to one function, in this order.
 *
 *   bytes --decode--> instructions --blocks--> --cfi--> --accesses--> --spin_loops--> --atomic_moves-->
 *   --decisions--> --table_stores--> --wide_loads--> --vector_loads--> --liveness--> --early_loads--> --vector_choices-->
 *   --redundant--> --untold--> --counted_loops--> model
 *
 * Each pass reads what the ones before it wrote.  None changes the module.
 */
#ifndef LOCKHOUND_WEAVER_PASSES_H
#define LOCKHOUND_WEAVER_PASSES_H

#include "weaver/elf_private.h"

enum { FUNCTION_NONE = UINT32_MAX };

/* Decodes the whole range.  Returns: false when there is no memory. */
bool decode_function(const struct elf_module *module, struct function *function);

/* Returns: the index of the instruction that begins at `address`, or FUNCTION_NONE. */
uint32_t function_find(const struct function *function, uint64_t address);

/* escape.c: the lowest place of the frame whose address the function takes, in two ways of counting: from the canonical
 * frame address, and from RSP where that stands at an unknown distance from it.  INT64_MAX: none is taken; INT64_MIN:
 * any may be. */
struct frame {
    int64_t taken_from_cfa, taken_from_rsp;
};
struct frame frame_find(const struct function *function);

/* Returns: whether the memory operand is a place in the frame that no address taken can lead to. */
bool frame_is_private(const struct frame *frame, const struct insn *insn, const ZydisDecodedOperand *operand);

/* cfi.c: how the frame is found before each instruction. */
void cfi_apply(const struct elf_module *module, struct function *function);

/* accesses.c: which memory operands another thread could see.  redundant.c: and which of them are known already. */
void accesses_find(const struct elf_module *module, struct function *function);
void accesses_find_redundant(struct function *function);
/* Returns: whether an atomic load or store of the source may have become this instruction. */
bool insn_is_plain_move(const struct insn *insn, uint16_t size);
/* Returns: whether that may have been one of a float or double: a move by a vector register, or, by clang, an addition that has the load
 * in it.  Such a variable tells how much there is of something, and hands nothing over. */
bool insn_is_number_move(const struct insn *insn, uint16_t size);
/* Returns: whether it is either, or may be part of a lock: a library that makes locks of its own reads and changes what they
 * consist of by plain instructions too, where its authors know that they may. */
bool insn_may_be_atomic(const struct elf_module *module, const struct insn *insn, uint16_t size);
/* Returns: whether the access may be an atomic one that hands something over. */
static inline bool access_may_hand_over(const struct insn *insn, const struct access *access)
{
    return access->is_guess && !insn_is_number_move(insn, access->size);
}
/* Returns: whether it is a CMOV from memory: it reads always, but uses what it read where its condition holds. */
bool insn_loads_on_condition(const struct insn *insn);

/* Returns: whether it is no more than a read or a write. */
static inline bool access_is_plain(const struct access *access)
{
    return access->role == ACCESS_PLAIN || access->role == ACCESS_LANES;
}

/* spin_loops.c: which loads wait for another thread. */
void spin_loops_find(const struct elf_module *module, struct function *function);
/* Returns: whether a plain load of a word, and nothing else, touches memory here. */
bool insn_may_wait(const struct insn *insn);
/* Makes that load an atomic one, by guess. */
void insn_waits(struct insn *insn);
/* spin_entry.c: marks loads shortly before the loop that begins at `first`, of the place that `load` in it waits for. */
void spin_entry_mark(struct function *function, size_t first, size_t load);

/* atomic_moves.c: which plain moves are atomic loads and stores. */
void atomic_moves_mark(const struct elf_module *module, struct function *function);

/* decisions.c: which guessed loads decide where the code goes. */
void decisions_mark(struct function *function);
/* A plain load that decides is checked behind it. */
void decisions_put_behind(const struct insn *insn, struct access *access);

/* table_stores.c: which stores set what may be there already, and are none then. */
void table_stores_mark(const struct elf_module *module, struct function *function);

/* wide_loads.c: which loads are of fewer bytes than they take. */
void wide_loads_narrow(struct function *function);

/* vector_loads.c: the same of vectors: access->used. */
void vector_loads_narrow(const struct elf_module *module, struct function *function);

/* additions.c: which atomic instructions add something. */
void additions_find(struct function *function);

/* plt.c.  Returns: the name of the function that the stub at `address` leads to, or NULL. */
const char *plt_name(const struct elf_module *module, uint64_t address);

/* untold.c; after liveness_find(). */
void untold_find(struct function *function);
/* liveness.c.  Returns: false when there is no memory. */
bool liveness_find(struct function *function);

/* What an instruction does to registers and flags: which it reads, and of which it leaves nothing. */
struct insn_effect {
    register_set reads, kills;
};
struct insn_effect insn_effect(const struct insn *insn);

/* early_loads.c: which loads are checked where a CMOV wants what they got; after liveness_find(). */
void early_loads_find(struct function *function);
/* Returns: whether nothing but reads and writes, registers and flags comes of it, and no time passes. */
bool insn_is_quiet(const struct insn *insn);
/* The load is checked at the instruction that chooses it, which may choose what is made of several. */
void insn_put_early(struct insn *choice, struct insn *load, bool is_taken);

/* vector_choices.c: the same of vectors, of which a mask says what is wanted; after liveness_find(). */
void vector_choices_find(const struct elf_module *module, struct function *function);

/* counted_loops.c; after liveness_find() and accesses_find_redundant().  Returns: false when there is no memory. */
bool counted_loops_find(struct function *function);

/* registers.c.  Returns: the bit of the general-purpose register that `reg` is, or is a part of; 0 for others. */
register_set register_bit(ZydisRegister reg);

/* Returns: whether writing `reg` writes all 64 bits of it: a register of 64 or 32 bits. */
bool register_is_whole(ZydisRegister reg);

/* Returns: the general-purpose registers that the instruction may change, in whole or in part. */
register_set insn_changes(const struct insn *insn);

/* Returns: those that it reads, changes or addresses memory by, also unwritten ones. */
register_set insn_names(const struct insn *insn);

/* What the calling convention says of general-purpose registers. */
enum {
    CALL_RETURNS = 0x1,     /* RAX; a second half in RDX is rare */
    CALL_ARGUMENTS = 0x3c6, /* RDI, RSI, RDX, RCX, R8, R9 */
    CALL_KEEPS = 0xf028     /* RBX, RBP, R12 to R15 */
};

bool insn_writes_flags(const struct insn *insn);

/* Returns: whether it is XOR or SUB of a register with itself: nothing of the value is in what that leaves. */
bool insn_clears(const struct insn *insn);

/* Returns: whether control may go from `insn` to the one after it. */
static inline bool insn_falls_through(const struct insn *insn)
{
    return insn->role == ROLE_PLAIN || insn->role == ROLE_BRANCH || insn->role == ROLE_CALL;
}

#endif

/* model.h: what the weaver knows of a module and of one function at a time.
 *
 *   ELF file --elf_module--> struct elf_module --functions, entries--> [function ranges, entry points]
 *       for each function:  --decode, blocks, cfi, accesses, liveness--> struct function --emit--> code and tables of the image
 *
 * A function's model is made, emitted and freed before the next one: a module of 300 000 instructions fits in little memory.
 */
#ifndef LOCKHOUND_WEAVER_MODEL_H
#define LOCKHOUND_WEAVER_MODEL_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weaver/image.h"

/* ---- the module --------------------------------------------------------------------------------------------------- */

struct elf_segment {
    uint64_t address, file_offset, file_size, memory_size; /* units: bytes */
    bool readable, writable, executable;
};

struct function_range {
    uint64_t low, high; /* [low, high), from .eh_frame (symbols add what it lacks) */
    uint32_t fde;       /* index, for CFI; UINT32_MAX: none */
};

/* What control may reach in original code other than by a direct branch inside one function: bits of entry_kinds[]. */
enum entry_kind {
    ENTRY_FUNCTION = 1 << 0, /* start of a function */
    ENTRY_AFTER_CALL = 1 << 1,
    ENTRY_JUMP_TABLE = 1 << 2,           /* target of a jump table */
    ENTRY_LANDING_PAD = 1 << 3,          /* of .gcc_except_table */
    ENTRY_ADDRESS = 1 << 4,              /* its address is taken: in code or in data */
    ENTRY_BRANCH_FROM_ORIGINAL = 1 << 5, /* target of a direct branch in code that stays original */
    ENTRY_CALLED = 1 << 6                /* by a direct call, or by its name: it may lie in the midst of a function */
};

struct elf_module {
    const char *path;
    const uint8_t *bytes; /* the file, mapped */
    uint64_t size;
    uint8_t build_id[IMAGE_BUILD_ID_SIZE];
    uint32_t build_id_size;
    bool is_pie;     /* or a library: addresses are relative to a bias */
    bool is_program; /* has PT_INTERP */
    struct elf_segment *segments;
    size_t segment_count;
    struct function_range *functions; /* by address, not overlapping */
    size_t function_count;
    uint64_t text_low, text_high; /* hull of the executable segments */
    uint8_t *entry_kinds;         /* one byte for each byte of [text_low, text_high): enum entry_kind bits */
    bool has_debug_info;          /* .debug_info, in the file or in a separate debug file that was found */
    bool makes_locks;             /* a library with system calls for futexes of its own (code_scan.c) */
    bool makes_atomics;           /* GCC's libatomic: compilers call it for what they have no instruction for */
    bool shows_thread_variables;  /* its code reads the thread pointer, by which their addresses are made */
    const char *refusal;          /* why the module must not be woven, or NULL */
    bool uses_gs;                 /* this is why */
    struct elf_private *own;      /* elf_private.h: sections, frame descriptions, symbols */
};

/* ---- one function ------------------------------------------------------------------------------------------------- */

/* General-purpose registers as bits: 1 << (ZYDIS_REGISTER_RAX-relative number), RAX=0, RCX=1, RDX=2, RBX=3, RSP=4, RBP=5,
 * RSI=6, RDI=7, R8..R15.  Bit 16: the arithmetic flags. */
typedef uint32_t register_set;
#define REGISTER_FLAGS ((register_set)1 << 16)
#define REGISTER_GPRS  ((register_set)0xffff)
#define REGISTER_ALL   (REGISTER_GPRS | REGISTER_FLAGS)

enum insn_role {
    ROLE_PLAIN,
    ROLE_CALL, /* any CALL: clones jump to the original instruction, which returns to an entry */
    ROLE_RETURN,
    ROLE_JUMP,   /* direct, unconditional */
    ROLE_BRANCH, /* direct, conditional (also LOOP, JRCXZ, XBEGIN) */
    ROLE_INDIRECT_JUMP,
    ROLE_TRAP /* UD2, HLT, INT3: control does not go on */
};

enum access_role {
    ACCESS_PLAIN,
    ACCESS_LANES,       /* plain, of elements that a vector or a mask tells: lanes.h */
    ACCESS_ATOMIC,      /* LOCK prefix or XCHG with memory: read-modify-write, acquire-release on its address */
    ACCESS_ATOMIC_LOAD, /* a plain load known (debug information) or guessed (exit test of a spin loop) to be atomic */
    ACCESS_ATOMIC_STORE,
    ACCESS_RELAXED_LOAD,
    ACCESS_RELAXED_STORE, /* debug information says memory_order_relaxed */
    ACCESS_FENCE,  /* LOCK-prefixed operation on the top of the stack, used as a fence; MFENCE has access_count 1 too,
                    * with operand < 0 */
    ACCESS_REQUEST /* the end of the sequence that is a client request of Valgrind's; operand < 0 */
};

/* Of a load of a vector from which a later instruction takes, under a mask, what it wants (vector_choices.c): the element of the load
 * that each bit of the mask stands for, four bits each, and for which bits there is one. */
struct choice {
    uint64_t order;
    uint16_t lanes;
    uint8_t count;   /* of bits; 0: there is no such instruction */
    uint8_t element; /* units: bytes */
    uint8_t sign;    /* of the mask's elements, where it is a vector whose signs count; 0: its bits do.  Units: bytes */
};

/* One memory access of an instruction that another thread could see. */
struct access {
    int8_t operand; /* index in insn.operands; -1: implicit (string instructions: see is_range) */
    uint8_t role;   /* enum access_role */
    bool is_write;  /* a read-modify-write is one access with is_write and read_modify */
    bool read_modify;
    bool is_relaxed; /* of ACCESS_ATOMIC: debug information says memory_order_relaxed */
    bool untold;     /* IMAGE_SITE_UNTOLD */
    bool adds;       /* IMAGE_SITE_ADDS */
    bool is_guess;   /* IMAGE_SITE_GUESS */
    bool decides;    /* IMAGE_SITE_DECIDES */
    bool looks;      /* IMAGE_SITE_LOOKS */
    bool
        may_repeat; /* a store of one constant or of two, from a register or an immediate: none where that is there already */
    /* REP MOVS/STOS/LODS (operand is -1; without REP it is the hidden operand): from RSI (read) or RDI (write), RCX
     * elements of `size` bytes, upwards */
    bool is_range;
    bool is_behind;     /* checked behind the load: what its value tells was there before */
    bool keeps_address; /* which the load overwrites a part of: it is kept meanwhile */
    bool is_early;      /* a load that is checked at the instruction which chooses it, or not: insn.early */
    bool is_redundant;  /* an earlier check in the block, with nothing in between, covers it: none is emitted */
    bool is_run;        /* of a counted loop: where that one's beginning has checked all its rounds, none is emitted */
    uint16_t size;      /* units: bytes; of an element when is_range */
    uint64_t used;      /* of a load with gaps: the bytes of it that are used, as bits; 0: all of them */
    struct choice choice; /* with is_early: of which lanes, if not of all */
    /* With is_run: how far it moves each round, and how far its first address lies from what the operand is before the loop.  Units:
     * bytes. */
    int32_t stride, ahead;
    int16_t
        uncovered; /* so many last rounds, or first ones when it is negative, are not covered by an earlier run; IMAGE_RUN_ALL */
};

struct insn {
    uint64_t address;
    uint8_t length;
    uint8_t role; /* enum insn_role */
    uint8_t access_count;
    bool is_block_start;
    bool is_join;  /* control may come to it from elsewhere than the instruction before it */
    bool is_entry; /* entry_kinds[] of its address is not 0 */
    uint8_t cfa;   /* enum image_cfa, before the instruction */
    int16_t cfa_offset;
    uint32_t target_index; /* of the instruction at `target` in this function; UINT32_MAX: none, or elsewhere */
    uint64_t target;       /* of ROLE_JUMP, ROLE_BRANCH and direct ROLE_CALL; 0 otherwise */
    register_set live; /* registers and flags that may be read later with the value they have before this instruction;
                            * all of them where that is not known */
    register_set soon; /* general-purpose ones that it or one of the next few instructions reads or changes */
    /* Of a CMOV: so many instructions before it stands the load that it keeps, or takes, the value of; of an instruction under a mask,
     * that it takes; of that one the load before; 0: none. */
    uint8_t early[2];
    const char
        *refusal; /* why its accesses cannot be checked (gather, unknown length, ...): counted and left; or NULL */
    struct access access[2];
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* By number, as in the opcode of a jump; an odd one is the opposite of that below it. */
enum condition {
    CONDITION_BELOW = 2,
    CONDITION_NOT_BELOW = 3,
    CONDITION_EQUAL = 4,
    CONDITION_NOT_EQUAL = 5,
    CONDITION_NOT_ABOVE = 6,
    CONDITION_ABOVE = 7,
    CONDITION_LESS = 12,
    CONDITION_NOT_LESS = 13,
    CONDITION_NOT_GREATER = 14,
    CONDITION_GREATER = 15
};

enum { COUNTED_IMMEDIATE = 16 };

/* A loop of which is known, before it begins, how many rounds it has (counted_loops.c): those in which `counter`, that moves on by
 * `step` each round, holds the condition against the bound.  It is left at its last instruction alone. */
struct counted_loop {
    uint32_t first, last;   /* instructions; the last is the branch back to the first */
    uint8_t counter, bound; /* registers by number; COUNTED_IMMEDIATE: the bound is `immediate` */
    uint8_t condition;      /* enum condition */
    bool is_32;             /* the low 32 bits of both are compared */
    bool is_ahead;          /* ... when the counter has moved on; else before */
    int32_t immediate, step;
};

struct function {
    struct function_range range;
    const char *name;   /* from the symbol table, or NULL */
    struct insn *insns; /* linear, by address; padding after the last instruction of the function is not included */
    size_t insn_count;
    bool uses_red_zone;
    bool is_of_container; /* containers.h */
    size_t spin_loops;
    size_t stack_skipped, readonly_skipped; /* memory operands that are no candidates: IMAGE_STACK_SKIPPED, ... */
    const char *refusal;                    /* why the whole function is left alone, or NULL */
    struct counted_loop *loops;             /* by address; none lies in another */
    size_t loop_count;
};

/* ---- analysis (elf_module.c, functions.c, entries.c, function_model.c and what they use) -------------------------------- */

/* Maps the file and finds segments, build-id, functions and entries.  Returns: 0, or -errno with *message set. */
int elf_module_open(struct elf_module *module, const char *path, const char **message);
void elf_module_close(struct elf_module *module);

/* Returns: true with the model of functions[index]; false when there is no memory.  A function that cannot be decoded has
 * `refusal` and whatever was decoded before. */
bool function_model_make(const struct elf_module *module, size_t index, struct function *function);
void function_model_free(struct function *function);

/* Returns: true when the whole of [address, address + size) is in a segment that is never written. */
bool elf_module_is_readonly(const struct elf_module *module, uint64_t address, uint64_t size);

/* ---- emission (emit.c, relocate.c, check.c, image_writer.c) ----------------------------------------------------------- */

struct weave_options {
    bool narrow;       /* for planes with smaller windows: IMAGE_NARROW */
    bool explain;      /* print what was done and left, function by function */
    int output_fd;     /* of the explanation */
    size_t code_limit; /* 0: DRAFT_CODE_LIMIT.  Units: bytes */
    void (*progress)(void *progress_of, size_t done, size_t total); /* NULL, or told of each function */
    void *progress_of;
};

/* Weaves the module at `path` into the image file `output` (written beside under a temporary name and renamed).
 * Returns: 0, or -errno with *message set; a module that must not be woven gives an image that says so, and 0. */
int weave_module(const char *path, const char *output, const struct weave_options *options, const char **message);
/* The same for a module that is open. */
int weave_open_module(const struct elf_module *module, const char *output, const struct weave_options *options,
                      const char **message);

#endif

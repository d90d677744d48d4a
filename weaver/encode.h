/* encode.h: instructions of our own: one opcode with a ModRM memory operand, which may be one of the program's.
 *
 *   Zydis operand --encode_operand_from--> struct encode_operand --encode_memory--> bytes, and a fix-up when RIP-relative
 *
 * The operand is taken from what was decoded, not from the bytes: so the compressed displacements of EVEX and the inverted
 * register bits of VEX become plain ones.
 */
#ifndef LOCKHOUND_WEAVER_ENCODE_H
#define LOCKHOUND_WEAVER_ENCODE_H

#include "weaver/draft.h"
#include "weaver/model.h"

enum encode_register {
    ENCODE_RAX,
    ENCODE_RCX,
    ENCODE_RDX,
    ENCODE_RBX,
    ENCODE_RSP,
    ENCODE_RBP,
    ENCODE_RSI,
    ENCODE_RDI,
    ENCODE_R12 = 12,
    ENCODE_R15 = 15,
    ENCODE_RIP = 16,
    ENCODE_NONE = 17
};

/* base + index * scale + displacement; with ENCODE_RIP the displacement is the module address itself.  In thread-local memory
 * the thread pointer comes to it, which only encode_address() and encode_address_in_rdi() know of. */
struct encode_operand {
    uint8_t base, index; /* 0..15, or ENCODE_RIP or ENCODE_NONE */
    uint8_t scale;       /* 1, 2, 4, 8 */
    bool is_address32;   /* the program's instruction has an address-size prefix */
    int64_t displacement;
    bool is_thread; /* its segment is FS */
};

enum encode_flag {
    ENCODE_GS = 1 << 0,
    ENCODE_ADDRESS32 = 1 << 1,
    ENCODE_16 = 1 << 2,
    ENCODE_64 = 1 << 3,
    ENCODE_FS = 1 << 5,
    ENCODE_8 = 1 << 4 /* the register operand is a byte: RSP..RDI mean SPL..DIL */
};

/* A vector of indices is left out.  Returns: false when the operand is none that encode_memory() can express (segment GS, ...). */
bool encode_operand_from(struct encode_operand *operand, const struct insn *insn, int index);
/* Returns: the registers that the operand's address is made of. */
register_set encode_operand_registers(const struct encode_operand *operand);

/* Emits one instruction; an opcode of two bytes is 0x0f.. .  `trailing` bytes of an immediate will follow. */
void encode_memory(struct image_draft *draft, unsigned flags, unsigned opcode, unsigned reg,
                   const struct encode_operand *operand, size_t trailing);
/* The same with gs:[displacement], a field of the thread's plane header. */
void encode_field(struct image_draft *draft, unsigned flags, unsigned opcode, unsigned reg, int32_t displacement,
                  size_t trailing);
/* and reg, immediate; 32 bits. */
void encode_and(struct image_draft *draft, unsigned reg, uint32_t immediate);
/* test reg, immediate; 32 bits. */
void encode_test(struct image_draft *draft, unsigned reg, uint32_t immediate);
/* A jump to where encode_jump_end() is called, on a condition (enum condition).
 * Returns: the offset of its field, never 0. */
uint32_t encode_jump_on(struct image_draft *draft, unsigned condition);
/* `field` 0: there is no jump. */
void encode_jump_end(struct image_draft *draft, uint32_t field);
/* mov gs:[displacement], reg and back. */
void encode_store(struct image_draft *draft, unsigned reg, int32_t displacement);
void encode_load(struct image_draft *draft, unsigned reg, int32_t displacement);
/* A vector register, and one of masks, of which 16 bits are stored or 64.  Legacy: as CPUs without AVX know it. */
void encode_store_vector(struct image_draft *draft, ZydisRegister vector, bool is_legacy, int32_t displacement);
void encode_store_mask(struct image_draft *draft, ZydisRegister mask, bool is_long, int32_t displacement);
/* lea reg, operand, and what that is in thread-local memory; `reg` is no part of such an operand. */
void encode_address(struct image_draft *draft, const struct encode_operand *operand, unsigned reg);
/* lea RDI, operand, where RSP is `moved` bytes lower than the program's; the flags are lost. */
void encode_address_in_rdi(struct image_draft *draft, const struct encode_operand *operand, int moved);

#endif

/* check.c: the checks around one instruction. */
#include "weaver/check.h"

#include <stdlib.h>

#include "weaver/check_call.h"
#include "weaver/lanes.h"
#include "weaver/passes.h"
#include "weaver/plane.h"
#include "weaver/repetition.h"
#include "weaver/scratch.h"

/* An access of another size than these goes through a RANGE routine.  64 bytes are looked at in three places: the first,
 * the middle and the last 8 bytes, which whoever touched the rest has most likely touched as well. */
static const struct size_class {
    uint16_t size;
    uint8_t read, write; /* enum plane_routine */
    uint8_t piece_count;
    uint8_t pieces[8];
} size_classes[] = {
    {1, PLANE_READ_1, PLANE_WRITE_1, 1, {0}},
    {2, PLANE_READ_2, PLANE_WRITE_2, 1, {0}},
    {4, PLANE_READ_4, PLANE_WRITE_4, 1, {0}},
    {8, PLANE_READ_8, PLANE_WRITE_8, 1, {0}},
    {16, PLANE_READ_16, PLANE_WRITE_16, 2, {0, 8}},
    {32, PLANE_READ_32, PLANE_WRITE_32, 4, {0, 8, 16, 24}},
    {64, PLANE_READ_64, PLANE_WRITE_64, 3, {0, 32, 56}},
};

/* Of elements each may be the only one that was touched before. */
static const struct size_class every_lane = {64, PLANE_READ_64, PLANE_WRITE_64, 8, {0, 8, 16, 24, 32, 40, 48, 56}};

enum { SPILL_ADDRESS = 5 };

static const struct size_class *size_class_of(const struct access *access)
{
    bool has_lanes = access->role == ACCESS_LANES || access->choice.count != 0;
    if (has_lanes && access->size == every_lane.size)
        return &every_lane;
    for (size_t i = 0; i < sizeof size_classes / sizeof size_classes[0]; i++)
        if (size_classes[i].size == access->size)
            return &size_classes[i];
    return NULL;
}

void check_stubs_begin(struct check_stubs *stubs)
{
    stubs->array = (struct draft_array){.width = sizeof(struct check_stub)};
}

void check_stubs_end(struct check_stubs *stubs)
{
    free(stubs->array.data);
}

bool check_is_wanted(const struct insn *insn, const struct access *access)
{
    struct encode_operand operand;
    if (insn->refusal || access->is_redundant)
        return false;
    if (access->role == ACCESS_FENCE || access->role == ACCESS_REQUEST)
        return true;
    if (access->is_range)
        return insn->decoded.address_width == 64 && access->size <= 8;
    return access->size && encode_operand_from(&operand, insn, access->operand);
}

/* ---- stubs ---------------------------------------------------------------------------------------------------------- */

/* Returns: what a signal in the check is shown as the program's: behind an instruction the next one. */
static uint64_t place_of(const struct insn *insn, const struct access *access)
{
    return insn->address + (access->is_behind ? insn->length : 0u);
}

/* Callers are found by what the program has in these. */
static bool is_unwound_by(unsigned reg)
{
    return reg == ENCODE_RBX || reg == ENCODE_RBP || (reg >= ENCODE_R12 && reg <= ENCODE_R15);
}

static enum plane_routine routine_of(const struct access *access)
{
    const struct size_class *class = size_class_of(access);
    if (access->role == ACCESS_LANES || access->choice.count != 0)
        return access->is_write ? PLANE_WRITE_LANES : PLANE_READ_LANES;
    return access->used != 0 ? PLANE_READ_GAPS : access->is_write ? class->write : class->read;
}

void check_flush_stubs(struct image_draft *draft, struct check_stubs *stubs)
{
    const struct check_stub *all = stubs->array.data;
    for (size_t i = 0; i < stubs->array.count; i++) {
        const struct check_stub *stub = &all[i];
        struct image_place *place = draft_add(draft, &draft->places);
        if (place)
            *place = (struct image_place){draft_offset(draft), (uint32_t)place_of(stub->here, stub->access)};
        for (uint32_t k = 0; k < stub->jump_count; k++)
            draft_set_u32(draft, stub->jumps[k], draft_offset(draft) - (stub->jumps[k] + 4));
        if (is_unwound_by(stub->spilled))
            encode_load(draft, stub->spilled, PLANE_SPILL(SCRATCH_SPILL));
        check_call_begin(draft);
        lanes_spill(draft, stub->here, stub->insn, stub->access);
        if (stub->access->keeps_address)
            encode_load(draft, ENCODE_RDI, PLANE_SPILL(SPILL_ADDRESS));
        else
            encode_address_in_rdi(draft, &stub->operand, CHECK_RED_ZONE);
        check_call_end(draft, routine_of(stub->access), stub->here, stub->insn, stub->access);
        check_move_stack(draft, CHECK_RED_ZONE);
        draft_byte(draft, 0xe9);
        draft_u32(draft, stub->back - (draft_offset(draft) + 4));
    }
    stubs->array.count = 0;
}

/* ---- checks in line ------------------------------------------------------------------------------------------------ */

static unsigned width_flags(unsigned width)
{
    return width == 1 ? ENCODE_8 : width == 2 ? ENCODE_16 : width == 8 ? ENCODE_64 : 0;
}

static void add_jump(struct image_draft *draft, struct check_stub *stub)
{
    draft_bytes(draft, "\x0f\x85\0\0\0\0", 6); /* jne stub */
    stub->jumps[stub->jump_count++] = draft_offset(draft) - 4;
}

enum {
    OPCODE_AND_LOAD = 0x23,
    OPCODE_XOR_LOAD = 0x33,
    OPCODE_CMP_LOAD = 0x3b,
    OPCODE_MOV_LOAD = 0x8b,
    OPCODE_MOVZX_BYTE = 0x0fb6,
    OPCODE_MOVZX_WORD = 0x0fb7
};

/* All 32 bits of the register are written, so that nothing waits for what it held. */
static void emit_load(struct image_draft *draft, unsigned width, unsigned reg, const struct encode_operand *piece)
{
    unsigned opcode = width == 1 ? OPCODE_MOVZX_BYTE : width == 2 ? OPCODE_MOVZX_WORD : OPCODE_MOV_LOAD;
    encode_memory(draft, (width == 8 ? ENCODE_64 : 0) | ENCODE_GS | ENCODE_ADDRESS32, opcode, reg, piece, 0);
}

/* An immediate has 32 bits at most. */
static void emit_clear_written(struct image_draft *draft, unsigned width, unsigned reg)
{
    if (width == 8) {
        encode_field(draft, ENCODE_64, 0x23, reg, PLANE_GENERATION_MASK, 0); /* and reg, mask */
    } else {
        uint32_t above = width == 1   ? 0xffffff80u
                         : width == 2 ? 0xffff8000u
                                      : 0x80000000u; /* a short, sign-extended immediate */
        encode_and(draft, reg, (uint32_t)(PLANE_GENERATION_BITS * UINT32_C(0x01010101)) | above);
    }
}

/* The register gets the place in the window of the access's first byte; a wide window is as large as its low half. */
static void emit_place(struct image_draft *draft, const struct encode_operand *operand, unsigned reg)
{
    encode_address(draft, operand, reg);
    if (draft->is_narrow)
        encode_field(draft, 0, OPCODE_AND_LOAD, reg, PLANE_MASK, 0);
}

/* With a window of any size, or an address that takes a register: all in one register, so that a piece is loaded and compared with what the header holds. */
static void emit_placed_pieces(struct image_draft *draft, struct check_stub *stub, const struct size_class *class,
                               unsigned reg)
{
    unsigned width = class->piece_count > 1 ? 8 : class->size;
    for (unsigned i = 0; i < class->piece_count; i++) {
        const struct encode_operand piece = {(uint8_t)reg, ENCODE_NONE, 1, false, class->pieces[i], false};
        emit_place(draft, &stub->operand, reg);
        emit_load(draft, width, reg, &piece);
        if (!stub->access->is_write)
            emit_clear_written(draft, width, reg);
        encode_field(draft, width_flags(width), OPCODE_CMP_LOAD - (width == 1), reg,
                     stub->access->is_write ? PLANE_WRITE_TAG : PLANE_READ_TAG, 0);
        add_jump(draft, stub);
    }
}

/* Opcodes have a form for bytes, one less than the one for wider operands. */
static void emit_pieces(struct image_draft *draft, struct check_stub *stub, const struct size_class *class,
                        unsigned reg)
{
    unsigned width = class->piece_count > 1 ? 8 : class->size;
    unsigned flags = width_flags(width), wide = width > 1;
    if (stub->access->is_write)
        encode_field(draft, width == 8 ? ENCODE_64 : 0, OPCODE_MOV_LOAD, reg, PLANE_WRITE_TAG, 0);
    for (unsigned i = 0; i < class->piece_count; i++) {
        struct encode_operand piece = stub->operand;
        piece.displacement += class->pieces[i];
        if (stub->access->is_write) {
            encode_memory(draft, flags | ENCODE_GS | ENCODE_ADDRESS32, 0x38 + wide, reg, &piece,
                          0); /* cmp [piece], reg */
        } else {
            emit_load(draft, width, reg, &piece);
            emit_clear_written(draft, width, reg);
            encode_field(draft, flags, 0x3a + wide, reg, PLANE_READ_TAG, 0); /* cmp reg, tag */
        }
        add_jump(draft, stub);
    }
}

/* Of a load with gaps: four tags at a time, of which those of bytes that are used are compared. */
static void emit_gaps(struct image_draft *draft, struct check_stub *stub, unsigned reg, bool is_placed)
{
    enum { PIECE = 4 /* units: bytes */, PIECE_MASK = (1 << PIECE) - 1 };
    _Static_assert(64 / PIECE <= CHECK_PIECES_MOST, "each piece has a jump");
    for (unsigned at = 0; at < stub->access->size; at += PIECE) {
        unsigned used = (unsigned)(stub->access->used >> at) & PIECE_MASK;
        struct encode_operand piece = {(uint8_t)reg, ENCODE_NONE, 1, false, at, false};
        uint32_t tags = 0;
        for (unsigned i = 0; i < PIECE; i++)
            tags |= used >> i & 1 ? (uint32_t)PLANE_GENERATION_BITS << 8 * i : 0;
        if (tags == 0)
            continue;
        if (is_placed) {
            emit_place(draft, &stub->operand, reg);
        } else {
            piece = stub->operand;
            piece.displacement += at;
        }
        emit_load(draft, PIECE, reg, &piece);
        encode_field(draft, 0, OPCODE_XOR_LOAD, reg, PLANE_READ_TAG, 0);
        encode_test(draft, reg, tags);
        add_jump(draft, stub);
    }
}

/* The registers that a check needs with the program's values. */
static register_set needed(const struct insn *insn, const struct access *access, const struct encode_operand *operand)
{
    return encode_operand_registers(operand) | repetition_needs(insn, access);
}

/* The check stands before `here`, or behind it; `live`: what is live there. */
static void emit_inline(struct image_draft *draft, struct check_stubs *stubs, const struct insn *here,
                        const struct insn *insn, const struct access *access, const struct encode_operand *operand,
                        register_set live)
{
    struct scratch scratch;
    struct check_stub stub = {.here = here, .insn = insn, .access = access, .operand = *operand};
    register_set used = needed(insn, access, operand);
    scratch_begin(&scratch, draft, live, used);
    scratch_take_register(&scratch, draft, live, used, here->soon);
    stub.spilled = (uint8_t)(scratch.is_spilled ? scratch.reg : SCRATCH_NONE);
    if (access->keeps_address) {
        encode_load(draft, scratch.reg, PLANE_SPILL(SPILL_ADDRESS));
        stub.operand = (struct encode_operand){(uint8_t)scratch.reg, ENCODE_NONE, 1, false, 0, false};
    }
    uint32_t repetition = repetition_begin(draft, insn, access, operand, scratch.reg);
    bool is_placed = draft->is_narrow || operand->is_thread;
    if (access->used != 0)
        emit_gaps(draft, &stub, scratch.reg, is_placed);
    else
        (is_placed ? emit_placed_pieces : emit_pieces)(draft, &stub, size_class_of(access), scratch.reg);
    encode_jump_end(draft, repetition);
    stub.back = draft_offset(draft);
    scratch_end(&scratch, draft);
    struct check_stub *added = draft_add(draft, &stubs->array);
    if (added)
        *added = stub;
}

/* ---- ranges -------------------------------------------------------------------------------------------------------- */

static void end_range_call(struct image_draft *draft, const struct insn *insn, const struct access *access)
{
    check_call_end(draft, access->is_write ? PLANE_WRITE_RANGE : PLANE_READ_RANGE, insn, insn, access);
    encode_load(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    check_move_stack(draft, CHECK_RED_ZONE);
}

static void emit_odd_size(struct image_draft *draft, const struct insn *insn, const struct access *access,
                          const struct encode_operand *operand)
{
    struct scratch scratch;
    scratch_begin(&scratch, draft, insn->live, encode_operand_registers(operand));
    check_call_begin(draft);
    encode_store(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    encode_address_in_rdi(draft, operand, CHECK_RED_ZONE);
    draft_byte(draft, 0xbe); /* mov esi, size */
    draft_u32(draft, access->size);
    end_range_call(draft, insn, access);
    scratch_end(&scratch, draft);
}

/* REP MOVS and its like: RCX elements at RSI or RDI. */
static void emit_string(struct image_draft *draft, const struct insn *insn, const struct access *access)
{
    enum { STRING_REGISTERS = 1 << ENCODE_RCX | 1 << ENCODE_RSI | 1 << ENCODE_RDI };
    const struct encode_operand length = {ENCODE_NONE, ENCODE_RCX, (uint8_t)access->size, false, 0, false};
    struct scratch scratch;
    draft_bytes(draft, "\xe3\0", 2); /* jrcxz over it all */
    uint32_t start = draft_offset(draft);
    scratch_begin(&scratch, draft, insn->live, STRING_REGISTERS);
    check_call_begin(draft);
    encode_store(draft, ENCODE_RSI, PLANE_SAVED_RSI);
    if (!access->is_write)
        draft_bytes(draft, "\x48\x89\xf7", 3); /* mov rdi, rsi */
    encode_memory(draft, ENCODE_64, 0x8d, ENCODE_RSI, &length, 0);
    end_range_call(draft, insn, access);
    scratch_end(&scratch, draft);
    if (!draft->has_failed)
        draft->code[start - 1] = (uint8_t)(draft_offset(draft) - start);
}

/* ---- atomics ------------------------------------------------------------------------------------------------------- */

static void emit_routine_with(struct image_draft *draft, enum plane_routine routine, const struct insn *insn,
                              const struct access *access, const struct encode_operand *operand, register_set live)
{
    struct scratch scratch;
    scratch_begin(&scratch, draft, live, operand ? encode_operand_registers(operand) : 0);
    check_call_begin(draft);
    lanes_spill(draft, insn, insn, access);
    if (operand)
        encode_address_in_rdi(draft, operand, CHECK_RED_ZONE);
    else
        encode_load(draft, ENCODE_RDI, PLANE_SPILL(SPILL_ADDRESS));
    check_call_end(draft, routine, insn, insn, access);
    check_move_stack(draft, CHECK_RED_ZONE);
    scratch_end(&scratch, draft);
}

/* The instruction may overwrite what its address is made of: keeps the address in a spill slot. */
static void emit_keep_address(struct image_draft *draft, const struct insn *insn, const struct encode_operand *operand)
{
    register_set named = insn_names(insn) | register_bit(ZYDIS_REGISTER_RSP);
    unsigned reg = scratch_first(~(insn->live | named));
    bool is_dead = reg < SCRATCH_NONE;
    if (!is_dead) {
        reg = scratch_first(~named);
        encode_store(draft, reg, PLANE_SAVED_RDI);
    }
    encode_address(draft, operand, reg);
    encode_store(draft, reg, PLANE_SPILL(SPILL_ADDRESS));
    if (!is_dead)
        encode_load(draft, reg, PLANE_SAVED_RDI);
}

static void emit_before_atomic(struct image_draft *draft, const struct insn *insn, const struct access *access,
                               const struct encode_operand *operand)
{
    switch ((enum access_role)access->role) {
    case ACCESS_ATOMIC:
        if (!access->untold)
            emit_keep_address(draft, insn, operand);
        emit_routine_with(draft, access->is_relaxed ? PLANE_RELAXED_STORE : PLANE_ATOMIC_BEFORE, insn, access, operand,
                          insn->live);
        break;
    case ACCESS_ATOMIC_LOAD:
    case ACCESS_RELAXED_LOAD:
        emit_keep_address(draft, insn, operand);
        break;
    case ACCESS_ATOMIC_STORE:
        emit_routine_with(draft, PLANE_ATOMIC_STORE, insn, access, operand, insn->live);
        break;
    case ACCESS_RELAXED_STORE:
        emit_routine_with(draft, PLANE_RELAXED_STORE, insn, access, operand, insn->live);
        break;
    case ACCESS_PLAIN:
    case ACCESS_LANES:
    case ACCESS_FENCE:
    case ACCESS_REQUEST:
        break;
    }
}

static void emit_behind(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn,
                        const struct access *access, register_set live)
{
    struct encode_operand operand;
    if (encode_operand_from(&operand, insn, access->operand))
        emit_inline(draft, stubs, insn, insn, access, &operand, live);
}

static bool has_any_behind(const struct access *access)
{
    return access->is_behind || (access->role == ACCESS_ATOMIC && !access->untold) ||
           access->role == ACCESS_ATOMIC_LOAD || access->role == ACCESS_RELAXED_LOAD;
}

static void emit_after(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn,
                       const struct access *access, register_set live)
{
    struct image_place *place = draft_add(draft, &draft->places);
    if (place)
        *place = (struct image_place){draft_offset(draft), (uint32_t)(insn->address + insn->length)};
    if (access->is_behind) {
        emit_behind(draft, stubs, insn, access, live);
    } else if (access->role == ACCESS_ATOMIC) {
        emit_routine_with(draft, access->is_relaxed ? PLANE_RELAXED_LOAD : PLANE_ATOMIC_AFTER, insn, access, NULL,
                          live);
    } else if (access->role == ACCESS_ATOMIC_LOAD) {
        emit_routine_with(draft, PLANE_ATOMIC_LOAD, insn, access, NULL, live);
    } else {
        emit_routine_with(draft, PLANE_RELAXED_LOAD, insn, access, NULL, live);
    }
}

void check_after(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn, register_set live)
{
    for (size_t i = 0; i < insn->access_count; i++)
        if (check_is_wanted(insn, &insn->access[i]) && has_any_behind(&insn->access[i]))
            emit_after(draft, stubs, insn, &insn->access[i], live);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

/* The routine finds the program's RAX and RDX as they are. */
static void emit_request(struct image_draft *draft, const struct insn *insn, const struct access *access)
{
    enum { REQUEST_REGISTERS = 1 << ENCODE_RAX | 1 << ENCODE_RDX };
    struct scratch scratch;
    scratch_begin(&scratch, draft, insn->live, REQUEST_REGISTERS);
    check_call_begin(draft);
    check_call_end(draft, PLANE_REQUEST, insn, insn, access);
    check_move_stack(draft, CHECK_RED_ZONE);
    scratch_end(&scratch, draft);
}

/* ---- one instruction ------------------------------------------------------------------------------------------------ */

static void emit_access(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn,
                        const struct access *access)
{
    struct encode_operand operand;
    if (access->role == ACCESS_FENCE) {
        emit_routine_with(draft, PLANE_FENCE, insn, access, NULL, insn->live);
        draft->counts[IMAGE_ATOMICS]++;
    } else if (access->role == ACCESS_REQUEST) {
        emit_request(draft, insn, access);
    } else if (access->is_range) {
        emit_string(draft, insn, access);
        draft->counts[IMAGE_CHECKS]++;
    } else if (!encode_operand_from(&operand, insn, access->operand)) {
        return;
    } else if (insn->operands[access->operand].mem.type == ZYDIS_MEMOP_TYPE_VSIB) {
        emit_routine_with(draft, routine_of(access), insn, access, &operand, insn->live);
        draft->counts[IMAGE_CHECKS]++;
    } else if (!access_is_plain(access)) {
        emit_before_atomic(draft, insn, access, &operand);
        draft->counts[IMAGE_ATOMICS]++;
    } else if (size_class_of(access)) {
        if (access->keeps_address)
            emit_keep_address(draft, insn, &operand);
        else if (!access->is_behind)
            emit_inline(draft, stubs, insn, insn, access, &operand, insn->live);
        draft->counts[IMAGE_CHECKS]++;
    } else {
        emit_odd_size(draft, insn, access, &operand);
        draft->counts[IMAGE_CHECKS]++;
    }
}

/* Compilers make a load of a branch by CMOV from memory, which they may where the branch is not taken: what is read then
 * is thrown away.  Returns: the offset of the field of a jump over the check of such a load, taken when the condition does
 * not hold; 0 when there is none. */
static uint32_t begin_condition(struct image_draft *draft, const struct insn *insn)
{
    if (!insn_loads_on_condition(insn) || insn->access[0].role != ACCESS_PLAIN ||
        !check_is_wanted(insn, &insn->access[0]))
        return 0;
    return encode_jump_on(draft, (insn->decoded.opcode & 0xf) ^ 1U);
}

/* Loads whose value a CMOV takes, or keeps, are checked where its condition says so; those that an instruction under a mask takes from,
 * always. */
static void emit_early(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn, bool is_taken)
{
    bool has_condition = insn->decoded.meta.category == ZYDIS_CATEGORY_CMOV;
    for (const struct insn *load = insn; load->early[is_taken] != 0;) {
        struct encode_operand operand;
        load -= load->early[is_taken];
        if (!check_is_wanted(load, &load->access[0]) || !encode_operand_from(&operand, load, load->access[0].operand))
            continue;
        uint32_t field = has_condition ? encode_jump_on(draft, (insn->decoded.opcode & 0xf) ^ is_taken) : 0;
        emit_inline(draft, stubs, insn, load, &load->access[0], &operand, insn->live);
        encode_jump_end(draft, field);
        draft->counts[IMAGE_CHECKS]++;
    }
}

void check_before(struct image_draft *draft, struct check_stubs *stubs, const struct insn *insn)
{
    if (insn->decoded.meta.category == ZYDIS_CATEGORY_CMOV) {
        emit_early(draft, stubs, insn, false);
        emit_early(draft, stubs, insn, true);
    } else if (insn_has_mask(insn) || insn_signs_of_mask(insn) != 0) {
        emit_early(draft, stubs, insn, true);
    }
    uint32_t condition = begin_condition(draft, insn);
    for (size_t i = 0; i < insn->access_count; i++)
        if (check_is_wanted(insn, &insn->access[i]) && !insn->access[i].is_early)
            emit_access(draft, stubs, insn, &insn->access[i]);
    encode_jump_end(draft, condition);
}

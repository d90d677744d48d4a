#include "preload/weave/check_state.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "preload/weave/pc_map.h"

enum { MOVE_LENGTH = 9, ADD_LENGTH = 4, JUMP_LENGTH = 5, OPCODE_JUMP = 0xe9, RED_ZONE = 128 };
enum { FLAGS_IN_AH = 0xd5, FLAG_OVERFLOW = 0x800 };

/* Eight bytes each, from the first spill slot on; one of them is none. */
enum { SLOT_RDI = 7, SLOT_RSI = 8, SLOTS };
_Static_assert(PLANE_SAVED_RDI - PLANE_SPILL(0) == SLOT_RDI * 8 && PLANE_SAVED_RSI - PLANE_SPILL(0) == SLOT_RSI * 8,
               "slots are told by their distance from the first");

static const int by_number[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

struct reading {
    const uint8_t *low, *at, *end; /* low <= at: what has been read may be looked at */
    greg_t *registers;
    uint64_t slots[SLOTS];
};

/* mov gs:[slot], reg, or the other way round. */
struct move {
    bool is_load;
    int reg; /* REG_ */
    unsigned slot;
};

/* Returns: whether there is a move at `at`. */
static bool read_move(const struct reading *reading, const uint8_t *at, struct move *move)
{
    int32_t displacement;
    if (at < reading->low || reading->end - at < MOVE_LENGTH || at[0] != 0x65 || (at[1] & 0xfb) != 0x48 ||
        (at[2] != 0x8b && at[2] != 0x89) || (at[3] & 0xc7) != 4 || at[4] != 0x25)
        return false;
    memcpy(&displacement, at + 5, sizeof displacement);
    int32_t distance = displacement - PLANE_SPILL(0);
    *move = (struct move){.is_load = at[2] == 0x8b, .reg = by_number[(at[1] & 4) << 1 | (at[3] >> 3 & 7)]};
    move->slot = (unsigned)distance / 8;
    return distance >= 0 && distance % 8 == 0 && move->slot < SLOTS;
}

static bool is_at(const struct reading *reading, const char *bytes, size_t size)
{
    return (size_t)(reading->end - reading->at) >= size && memcmp(reading->at, bytes, size) == 0;
}

/* add rsp, -128 stands right before RDI is saved; sub rsp, -128 right behind where RDI or RSI comes back.
 * Returns: whether it was one of these, and not the program's. */
static bool follow_stack(struct reading *reading)
{
    struct move move;
    if (is_at(reading, "\x48\x83\xc4\x80", ADD_LENGTH) && read_move(reading, reading->at + ADD_LENGTH, &move) &&
        !move.is_load && move.slot == SLOT_RDI)
        reading->registers[REG_RSP] -= RED_ZONE;
    else if (is_at(reading, "\x48\x83\xec\x80", ADD_LENGTH) && read_move(reading, reading->at - MOVE_LENGTH, &move) &&
             move.is_load && move.slot >= SLOT_RDI)
        reading->registers[REG_RSP] += RED_ZONE;
    else
        return false;
    reading->at += ADD_LENGTH;
    return true;
}

/* lahf; seto al ... add al, 127; sahf. */
static bool follow_flags(struct reading *reading)
{
    greg_t *rax = &reading->registers[REG_RAX], *flags = &reading->registers[REG_EFL];
    if (is_at(reading, "\x9f\x0f\x90\xc0", 4)) {
        *rax = (*rax & ~(greg_t)0xffff) | (*flags & FLAGS_IN_AH) << 8 | ((*flags & FLAG_OVERFLOW) != 0);
        reading->at += 4;
        return true;
    }
    if (is_at(reading, "\x04\x7f\x9e", 3)) {
        *flags = (*flags & ~(greg_t)(FLAGS_IN_AH | FLAG_OVERFLOW)) | (*rax >> 8 & FLAGS_IN_AH) |
                 ((*rax & 1) != 0 ? FLAG_OVERFLOW : 0);
        reading->at += 3;
        return true;
    }
    return false;
}

/* What stands in the mark of a site is no code. */
static bool follow_mark(struct reading *reading)
{
    if (!is_at(reading, IMAGE_MARK_OPCODE, IMAGE_MARK_AT))
        return false;
    reading->at += IMAGE_MARK_LENGTH;
    return true;
}

static bool follow_move(struct reading *reading)
{
    struct move move;
    if (!read_move(reading, reading->at, &move))
        return false;
    if (move.is_load)
        reading->registers[move.reg] = (greg_t)reading->slots[move.slot];
    else
        reading->slots[move.slot] = (uint64_t)reading->registers[move.reg];
    reading->at += MOVE_LENGTH;
    return true;
}

static void follow(struct reading *reading)
{
    while (reading->at < reading->end)
        if (!follow_move(reading) && !follow_stack(reading) && !follow_flags(reading) && !follow_mark(reading))
            reading->at++;
}

/* A stub ends with a jump back into the check of the same instruction.  Returns: whether it does. */
static bool follow_back(const struct woven_image *image, struct reading *reading, uint64_t code)
{
    int32_t distance;
    uint64_t low, high, end = (uint64_t)(reading->end - reading->low);
    if (end < JUMP_LENGTH || reading->low[end - JUMP_LENGTH] != OPCODE_JUMP)
        return false;
    memcpy(&distance, reading->end - sizeof distance, sizeof distance);
    uint64_t back = end + (uint64_t)(int64_t)distance;
    uintptr_t stub = pc_map_original(image->code + code);
    if (back >= image->header->code_size || pc_map_original(image->code + back) != stub)
        return false;
    pc_map_extent(image, back, &low, &high);
    reading->at = reading->low + back;
    reading->end = reading->low + high;
    return low <= back;
}

void check_state_present(const struct woven_image *image, const struct plane_header *header, greg_t *registers)
{
    uint64_t code = (uintptr_t)registers[REG_RIP] - image->code, low, high;
    const uint8_t *bytes = (const uint8_t *)image->code;
    if (!pc_map_extent(image, code, &low, &high))
        return;
    struct reading reading = {.low = bytes, .at = bytes + code, .end = bytes + high, .registers = registers};
    memcpy(reading.slots, (const char *)header + offsetof(struct plane_header, spill), sizeof reading.slots);
    follow(&reading);
    if (follow_back(image, &reading, code))
        follow(&reading);
}

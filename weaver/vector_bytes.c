/* vector_bytes.c: what vector instructions make of bytes. */
#include "weaver/vector_bytes.h"

#include <string.h>

#include "weaver/vector_shapes.h"

/* One instruction while it is followed.  An instruction of one source has it twice. */
struct operation {
    const struct insn *insn;
    struct vector_shape shape;
    const ZydisDecodedOperand *to, *operands[2];
    struct vector_bytes first, second, third; /* third: what stands there that the result goes to, where it counts */
    bool first_counts;                        /* the first is read, not only kept in part */
    bool has_immediate;
    bool merges; /* a mask says which elements stay */
    unsigned width, immediate;
};

/* ---- operands ------------------------------------------------------------------------------------------------------ */

enum { NOWHERE = VECTOR_HOMES };

static bool is_vector(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && vector_number(operand->reg.value) < VECTOR_REGISTERS;
}

/* Of a vector register all of it: that the instruction has to do with a half alone is what source_of() says. */
static unsigned width_of(const ZydisDecodedOperand *operand)
{
    unsigned width = is_vector(operand) ? vector_width(operand->reg.value) : operand->size / 8u;
    return width < VECTOR_BYTES ? width : VECTOR_BYTES;
}

static unsigned slot_of(const struct vector_state *state, const ZydisDecodedOperand *operand)
{
    for (unsigned i = 0; i < VECTOR_SLOTS; i++)
        if (state->holding >> VECTOR_REGISTERS >> i & 1 && state->slots[i].base == operand->mem.base &&
            state->slots[i].displacement == operand->mem.disp.value)
            return VECTOR_REGISTERS + i;
    return NOWHERE;
}

/* Returns: the number of the register, or the slot that holds something, or NOWHERE. */
static unsigned home_of(const struct vector_state *state, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    if (is_vector(operand))
        return vector_number(operand->reg.value);
    return vector_is_in_frame(insn, operand) ? slot_of(state, operand) : NOWHERE;
}

/* An element in memory may stand for each of a vector. */
static bool is_spread(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && !insn->decoded.avx.broadcast.is_static &&
           insn->decoded.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID;
}

static struct vector_bytes bytes_of(const struct vector_state *state, const struct insn *insn,
                                    const ZydisDecodedOperand *operand, int loaded)
{
    struct vector_bytes bytes = {{0}};
    bool is_load = operand->type == ZYDIS_OPERAND_TYPE_MEMORY && loaded >= 0 && operand == &insn->operands[loaded];
    unsigned home = home_of(state, insn, operand), width = width_of(operand);
    for (unsigned i = 0; i < width; i++) {
        if (is_load)
            bytes.of[i] = UINT64_C(1) << i;
        else if (home != NOWHERE)
            bytes.of[i] = vector_bytes_at(state, home)->of[i];
    }
    for (unsigned i = width; i < VECTOR_BYTES && is_spread(insn, operand); i++)
        bytes.of[i] = bytes.of[i - width];
    return bytes;
}

static uint64_t united(const uint64_t *bytes, unsigned count)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < count; i++)
        all |= bytes[i];
    return all;
}

static bool is_read(const ZydisDecodedOperand *operand)
{
    return (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
}

/* Without VEX the first source is what the result goes to. */
static struct operation operation_of(const struct vector_state *state, const struct vector_place *place, int loaded)
{
    const struct insn *insn = &place->function->insns[place->at];
    const ZydisDecodedOperand *operands[VECTOR_OPERANDS];
    struct operation op = {.insn = insn, .shape = vector_shape_of(insn)};
    size_t count = vector_operands(insn, operands);
    op.to = operands[0];
    op.width = width_of(op.to);
    if (operands[count - 1]->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        op.has_immediate = true;
        op.immediate = (uint8_t)operands[--count]->imm.value.u;
    }
    bool is_legacy = insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    op.operands[0] = operands[is_legacy || count < 2 || op.shape.kind == KIND_USE_LOWEST ? 0 : 1];
    op.operands[1] = operands[count - 1];
    op.first = bytes_of(state, insn, op.operands[0], loaded);
    op.second = bytes_of(state, insn, op.operands[1], loaded);
    op.merges = insn->decoded.avx.mask.mode == ZYDIS_MASK_MODE_MERGING;
    if (!is_legacy && is_read(op.to))
        op.third = bytes_of(state, insn, op.to, loaded);
    op.first_counts = !is_legacy || is_read(op.to);
    return op;
}

/* ---- bytes that go to other places --------------------------------------------------------------------------------- */

enum { FIRST = 0, SECOND = VECTOR_BYTES, NOTHING = 2 * VECTOR_BYTES };

static unsigned pick(bool takes_second, unsigned at)
{
    return (takes_second ? SECOND : FIRST) + at;
}

/* Of shuffles inside each 16 bytes; `lane` is where those of the byte `at` begin. */
static unsigned source_in_lane(const struct operation *op, unsigned at, unsigned lane)
{
    unsigned size = op->shape.element, in = at - lane, immediate = op->immediate;
    unsigned element = size ? in / size : 0, byte = size ? in % size : 0, pair = in / 2 % 4;
    unsigned by_element = size == 8 ? immediate >> (lane / 8 + element) & 1 : immediate >> 2 * element & 3;
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_UNPACK_LOW:
        return pick(element % 2, lane + element / 2 * size + byte);
    case KIND_UNPACK_HIGH:
        return pick(element % 2, lane + VECTOR_LANE / 2 + element / 2 * size + byte);
    case KIND_SHUFFLE:
        return pick(in >= VECTOR_LANE / 2, lane + by_element * size + byte);
    case KIND_PERMUTE:
        return SECOND + lane + by_element * size + byte;
    case KIND_WORDS_LOW:
        return SECOND + (in >= 8 ? at : lane + (immediate >> 2 * pair & 3) * 2 + in % 2);
    case KIND_WORDS_HIGH:
        return SECOND + (in < 8 ? at : lane + 8 + (immediate >> 2 * pair & 3) * 2 + in % 2);
    case KIND_ALIGN:
        in += immediate;
        return in < 2 * VECTOR_LANE ? pick(in < VECTOR_LANE, lane + in % VECTOR_LANE) : NOTHING;
    case KIND_BYTES_LEFT:
        return in < immediate ? NOTHING : FIRST + at - immediate;
    case KIND_BYTES_RIGHT:
        return in + immediate >= VECTOR_LANE ? NOTHING : FIRST + at + immediate;
    case KIND_EVEN_TWICE:
        return SECOND + lane + element / 2 * 2 * size + byte;
    default: /* KIND_ODD_TWICE */
        return SECOND + lane + (element / 2 * 2 + 1) * size + byte;
    }
}

static unsigned source_of_single(const struct operation *op, unsigned at)
{
    unsigned element = at / 4, from = op->operands[1]->type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : op->immediate >> 6;
    if (op->immediate >> element & 1)
        return NOTHING;
    return element == (op->immediate >> 4 & 3) ? SECOND + from * 4 + at % 4 : FIRST + at;
}

/* Returns: where byte `at` of the result comes from: FIRST or SECOND and a place there, or NOTHING. */
static unsigned source_of(const struct operation *op, unsigned at)
{
    unsigned size = op->shape.element, immediate = op->immediate, lane = at / VECTOR_LANE * VECTOR_LANE, lanes;
    bool is_low = at < VECTOR_LANE / 2;
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_MOVE:
        return SECOND + at;
    case KIND_MOVE_LOW:
        return at < size ? SECOND + at : NOTHING;
    case KIND_MERGE_LOW:
        return at < size ? SECOND + at : is_vector(op->operands[1]) && is_vector(op->to) ? FIRST + at : NOTHING;
    case KIND_HALF_LOW:
        return pick(is_low, at);
    case KIND_HALF_HIGH:
        if (op->to->type == ZYDIS_OPERAND_TYPE_MEMORY)
            return SECOND + at + VECTOR_LANE / 2;
        return is_low ? FIRST + at : SECOND + at - VECTOR_LANE / 2;
    case KIND_HIGH_TO_LOW:
        return is_low ? SECOND + at + VECTOR_LANE / 2 : FIRST + at;
    case KIND_BLEND:
        return pick(immediate >> (size == 2 ? (at - lane) / 2 : at / size) & 1, at);
    case KIND_BROADCAST:
        return SECOND + at % size;
    case KIND_INSERT:
        return at / size == immediate % (VECTOR_LANE / size) ? SECOND + at % size : FIRST + at;
    case KIND_INSERT_SINGLE:
        return source_of_single(op, at);
    case KIND_EXTRACT:
        return at < size ? SECOND + immediate % (VECTOR_LANE / size) * size + at : NOTHING;
    case KIND_LANE_INSERT:
        return at / size == immediate % (op->width / size) ? SECOND + at % size : FIRST + at;
    case KIND_LANE_EXTRACT:
        return at < size ? SECOND + immediate % (width_of(op->operands[1]) / size) * size + at : NOTHING;
    case KIND_LANE_SHUFFLE:
        lanes = op->width / VECTOR_LANE;
        return pick(at >= op->width / 2,
                    (immediate >> lane / VECTOR_LANE * (lanes / 2)) % lanes * VECTOR_LANE + at - lane);
    case KIND_ELEMENTS_ALIGN:
        at += immediate % (op->width / size) * size;
        return at < op->width ? SECOND + at : FIRST + at - op->width;
    case KIND_LANES:
        lanes = immediate >> lane / VECTOR_LANE * 4 & 0xf;
        return lanes & 8 ? NOTHING : pick(lanes & 2, (lanes & 1) * VECTOR_LANE + at - lane);
    case KIND_QUARTERS:
        return SECOND + at / (4 * 8) * (4 * 8) + (immediate >> 2 * (at / 8 % 4) & 3) * 8 + at % 8;
    default:
        return source_in_lane(op, at, lane);
    }
}

static uint64_t moved(const struct operation *op, unsigned at)
{
    unsigned source = source_of(op, at);
    if (source >= NOTHING)
        return 0;
    return source >= SECOND ? op->second.of[source - SECOND] : op->first.of[source];
}

/* ---- bytes that are made of several --------------------------------------------------------------------------------- */

static uint64_t element_of(const struct vector_bytes *bytes, unsigned at, unsigned size)
{
    return united(&bytes->of[at / size * size], size);
}

static uint64_t vertical(const struct operation *op, unsigned at)
{
    uint64_t bytes = element_of(&op->second, at, op->shape.element) | element_of(&op->third, at, op->shape.element);
    return bytes | (op->first_counts ? element_of(&op->first, at, op->shape.element) : 0);
}

/* The constant that one of the sources is known to be keeps of the other what is not 0 in it, or for AND NOT what is. */
static uint64_t masked(const struct operation *op, unsigned at, const struct vector_value *const constants[2])
{
    bool is_not = op->shape.kind == KIND_AND_NOT;
    bool is_cleared = (constants[0] && constants[0]->bytes[at] == (is_not ? UINT8_MAX : 0)) ||
                      (constants[1] && constants[1]->bytes[at] == 0);
    return is_cleared ? 0 : op->first.of[at] | op->second.of[at];
}

static uint64_t packed(const struct operation *op, unsigned at)
{
    unsigned size = op->shape.element, lane = at / VECTOR_LANE * VECTOR_LANE, in = at - lane;
    const struct vector_bytes *from = in < VECTOR_LANE / 2 ? &op->first : &op->second;
    return united(&from->of[lane + in % (VECTOR_LANE / 2) / size * 2 * size], 2 * size);
}

static uint64_t shifted(const struct operation *op, unsigned at)
{
    unsigned size = op->shape.element, bits = op->immediate, bytes = bits / 8;
    unsigned low = at / size * size, in = at - low;
    const uint64_t *from = &op->first.of[low];
    uint64_t all = 0;
    if (!op->has_immediate)
        return united(from, size);
    if (op->shape.kind == KIND_SHIFT_LEFT) {
        all |= in >= bytes ? from[in - bytes] : 0;
        all |= bits % 8 && in >= bytes + 1 ? from[in - bytes - 1] : 0;
        return all;
    }
    uint64_t beyond = op->shape.kind == KIND_SHIFT_SIGNED ? from[size - 1] : 0;
    all |= in + bytes < size ? from[in + bytes] : beyond;
    all |= bits % 8 ? in + bytes + 1 < size ? from[in + bytes + 1] : beyond : 0;
    return all;
}

static uint64_t resized(const struct operation *op, unsigned at)
{
    unsigned element = at / op->shape.becomes, size = op->shape.element;
    return (element + 1) * size <= VECTOR_BYTES ? united(&op->second.of[element * size], size) : 0;
}

static uint64_t extended(const struct operation *op, unsigned at)
{
    unsigned element = at / op->shape.becomes, byte = at % op->shape.becomes;
    return byte < op->shape.element ? op->second.of[element * op->shape.element + byte] : 0;
}

static uint64_t by_bytes(const struct operation *op, unsigned at, const struct vector_value *control)
{
    unsigned lane = at / VECTOR_LANE * VECTOR_LANE;
    if (!control)
        return united(&op->first.of[lane], VECTOR_LANE);
    return control->bytes[at] & 0x80 ? 0 : op->first.of[lane + control->bytes[at] % VECTOR_LANE];
}

static uint64_t truncated(const struct operation *op, unsigned at)
{
    unsigned from = at / op->shape.becomes * op->shape.element + at % op->shape.becomes;
    return from < VECTOR_BYTES ? op->second.of[from] : 0;
}

static uint64_t by_index(const struct operation *op, unsigned at, const struct vector_value *control)
{
    unsigned size = op->shape.element;
    if (!control)
        return united(op->second.of, op->width);
    return op->second.of[control->bytes[at / size * size] % (op->width / size) * size + at % size];
}

/* Of two tables, one behind the other. */
static uint64_t by_index_of_two(const struct operation *op, unsigned at, const struct vector_bytes *low,
                                const struct vector_value *control)
{
    unsigned size = op->shape.element;
    if (!control)
        return united(low->of, op->width) | united(op->second.of, op->width);
    unsigned from = control->bytes[at / size * size] % (2 * op->width / size) * size + at % size;
    return from < op->width ? low->of[from] : op->second.of[from - op->width];
}

/* ---- the result ------------------------------------------------------------------------------------------------------ */

static bool is_of_constants(const struct operation *op)
{
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_AND:
    case KIND_AND_NOT:
    case KIND_BY_BYTES:
    case KIND_BY_INDEX:
    case KIND_TABLES:
    case KIND_TABLES_INDEXED:
        return true;
    default:
        return false;
    }
}

static uint64_t result_at(const struct operation *op, unsigned at, const struct vector_value *const constants[2])
{
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_VERTICAL:
        return vertical(op, at);
    case KIND_DIFFERENCE:
        return vector_is_of_itself(op->insn) ? 0 : vertical(op, at);
    case KIND_AND:
    case KIND_AND_NOT:
        return masked(op, at, constants);
    case KIND_EVEN:
        return united(&op->first.of[at / 8 * 8], 4) | united(&op->second.of[at / 8 * 8], 4);
    case KIND_PACK:
        return packed(op, at);
    case KIND_LOWEST:
        return at < op->shape.element ? 0 : op->first.of[at];
    case KIND_SHIFT_LEFT:
    case KIND_SHIFT_RIGHT:
    case KIND_SHIFT_SIGNED:
        return shifted(op, at);
    case KIND_RESIZE:
        return resized(op, at);
    case KIND_EXTEND:
        return extended(op, at);
    case KIND_TRUNCATE:
        return truncated(op, at);
    case KIND_BY_BYTES:
        return by_bytes(op, at, constants[1]);
    case KIND_BY_INDEX:
        return by_index(op, at, constants[0]);
    case KIND_TABLES:
        return by_index_of_two(op, at, &op->third, constants[0]);
    case KIND_TABLES_INDEXED:
        return by_index_of_two(op, at, &op->first, constants[0]);
    default:
        return moved(op, at);
    }
}

const struct vector_bytes *vector_bytes_at(const struct vector_state *state, unsigned home)
{
    static const struct vector_bytes nothing;
    return state->holding >> home & 1 ? &state->held[state->held_at[home]] : &nothing;
}

/* Returns: a place of held[] that no home has; VECTOR_HELD when there is none. */
static unsigned free_place(const struct vector_state *state)
{
    uint32_t taken = 0;
    for (uint64_t left = state->holding; left != 0; left &= left - 1)
        taken |= UINT32_C(1) << state->held_at[__builtin_ctzll(left)];
    return (unsigned)__builtin_ctz(~taken);
}

void vector_bytes_set(struct vector_state *state, unsigned home, const struct vector_bytes *bytes)
{
    uint64_t bit = UINT64_C(1) << home, all = united(bytes->of, VECTOR_BYTES);
    unsigned place = state->holding & bit ? state->held_at[home] : free_place(state);
    state->holding &= ~bit;
    if (all == 0)
        return;
    if (place >= VECTOR_HELD) {
        state->used |= all;
        return;
    }
    state->holding |= bit;
    state->held_at[home] = (uint8_t)place;
    state->held[place] = *bytes;
}

static void clear(struct vector_state *state, unsigned home)
{
    state->holding &= ~(UINT64_C(1) << home);
}

static void set_register(struct vector_state *state, const struct operation *op, const struct vector_bytes *result)
{
    unsigned number = vector_number(op->to->reg.value);
    struct vector_bytes to = *vector_bytes_at(state, number);
    bool clears_above = op->insn->decoded.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    for (unsigned i = 0; i < VECTOR_BYTES; i++)
        if (i < op->width || clears_above)
            to.of[i] = i < op->width ? result->of[i] : 0;
    vector_bytes_set(state, number, &to);
}

/* Returns: false when there is no slot left. */
static bool set_slot(struct vector_state *state, const ZydisDecodedOperand *operand, const struct vector_bytes *bytes)
{
    unsigned home = slot_of(state, operand), i = 0;
    while (home == NOWHERE && i < VECTOR_SLOTS && state->holding >> VECTOR_REGISTERS >> i & 1)
        i++;
    if (home == NOWHERE && i == VECTOR_SLOTS)
        return false;
    if (home == NOWHERE) {
        home = VECTOR_REGISTERS + i;
        state->slots[i] = (struct vector_slot){operand->mem.base, operand->mem.disp.value};
    }
    vector_bytes_set(state, home, bytes);
    return true;
}

/* What the operation uses up, of which nothing comes to its result. */
static uint64_t used_up(const struct operation *op)
{
    unsigned size = op->shape.element;
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_LOWEST:
    case KIND_USE_LOWEST:
        return united(op->second.of, size) | united(op->first.of, size);
    case KIND_SHIFT_LEFT:
    case KIND_SHIFT_RIGHT:
    case KIND_SHIFT_SIGNED:
        return op->has_immediate ? 0 : united(op->second.of, VECTOR_BYTES);
    case KIND_BY_BYTES:
        return united(op->second.of, VECTOR_BYTES);
    case KIND_BY_INDEX:
    case KIND_TABLES:
        return united(op->first.of, VECTOR_BYTES);
    case KIND_TABLES_INDEXED:
        return united(op->third.of, VECTOR_BYTES);
    default:
        return 0;
    }
}

static void follow_known(struct vector_state *state, const struct vector_place *place, int loaded)
{
    const struct operation op = operation_of(state, place, loaded);
    struct vector_bytes result = {{0}};
    const struct vector_value *constants[2] = {NULL, NULL};
    struct vector_value values[2];
    state->used |= used_up(&op);
    if (op.shape.kind == KIND_USE_LOWEST)
        return;
    for (int i = 0; i < 2 && is_of_constants(&op); i++) {
        const ZydisDecodedOperand *operand = i == 0 && op.shape.kind == KIND_TABLES_INDEXED ? op.to : op.operands[i];
        constants[i] = vector_constant(place, operand, &values[i]) ? &values[i] : NULL;
    }
    for (unsigned i = 0; i < op.width; i++)
        result.of[i] = result_at(&op, i, constants) | (op.merges ? op.third.of[i] : 0);
    if (is_vector(op.to))
        set_register(state, &op, &result);
    else if (!vector_is_in_frame(op.insn, op.to) || !set_slot(state, op.to, &result))
        state->used |= united(result.of, op.width);
}

/* ---- instructions ------------------------------------------------------------------------------------------------------ */

void vector_bytes_use(struct vector_state *state, uint64_t homes)
{
    for (uint64_t left = state->holding & homes; left != 0; left &= left - 1)
        state->used |= united(vector_bytes_at(state, (unsigned)__builtin_ctzll(left))->of, VECTOR_BYTES);
}

/* Slots that are not the same place on both ways are used. */
static void use_other_slots(struct vector_state *state, const struct vector_state *earlier)
{
    for (unsigned i = 0; i < VECTOR_SLOTS; i++) {
        bool is_same = state->slots[i].base == earlier->slots[i].base &&
                       state->slots[i].displacement == earlier->slots[i].displacement;
        uint64_t bit = UINT64_C(1) << VECTOR_REGISTERS << i;
        if (is_same || !(state->holding & bit))
            continue;
        vector_bytes_use(state, bit);
        clear(state, VECTOR_REGISTERS + i);
    }
}

bool vector_bytes_join(struct vector_state *state, struct vector_state *earlier)
{
    bool is_new = false;
    use_other_slots(state, earlier);
    for (uint64_t left = state->holding | earlier->holding; left != 0; left &= left - 1) {
        unsigned home = (unsigned)__builtin_ctzll(left);
        const struct vector_bytes *here = vector_bytes_at(state, home);
        struct vector_bytes both = *vector_bytes_at(earlier, home);
        for (unsigned k = 0; k < VECTOR_BYTES; k++) {
            is_new |= (here->of[k] & ~both.of[k]) != 0;
            both.of[k] |= here->of[k];
        }
        vector_bytes_set(state, home, &both);
        vector_bytes_set(earlier, home, &both);
    }
    state->used |= earlier->used; /* where there was no more room */
    memcpy(state->slots, earlier->slots, sizeof state->slots);
    return is_new;
}

static uint64_t named(const struct vector_state *state, const struct insn *insn)
{
    uint64_t homes = 0;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        unsigned home = home_of(state, insn, operand);
        if (home == NOWHERE && operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            home = vector_number(operand->mem.index) < VECTOR_REGISTERS ? vector_number(operand->mem.index) : NOWHERE;
        homes |= home == NOWHERE ? 0 : UINT64_C(1) << home;
    }
    return homes;
}

/* Slots that are read in part, or lie elsewhere from now on, are used. */
static void follow_frame(struct vector_state *state, const struct insn *insn)
{
    const uint64_t slots = ~(UINT64_MAX << VECTOR_SLOTS) << VECTOR_REGISTERS;
    if ((state->holding & slots) == 0)
        return;
    if ((insn_changes(insn) & (register_bit(ZYDIS_REGISTER_RSP) | register_bit(ZYDIS_REGISTER_RBP))) != 0)
        vector_bytes_use(state, slots);
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || !is_read(operand) || home_of(state, insn, operand) != NOWHERE)
            continue;
        for (unsigned k = 0; k < VECTOR_SLOTS; k++)
            if (vector_slot_overlaps(&state->slots[k], VECTOR_BYTES, operand))
                vector_bytes_use(state, UINT64_C(1) << VECTOR_REGISTERS << k);
    }
}

/* What it reads is used; of what it writes nothing is known to be kept but where it may be. */
static void follow_unknown(struct vector_state *state, const struct insn *insn)
{
    vector_bytes_use(state, named(state, insn));
    for (size_t i = 0; i < insn->decoded.operand_count; i++)
        if (is_vector(&insn->operands[i]) && (insn->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            clear(state, vector_number(insn->operands[i].reg.value));
}

void vector_bytes_follow(struct vector_state *state, const struct vector_place *place, int loaded)
{
    const struct insn *insn = &place->function->insns[place->at];
    follow_frame(state, insn);
    if (loaded < 0 && !(named(state, insn) & state->holding))
        return;
    if (vector_shape_of(insn).kind != KIND_UNKNOWN)
        follow_known(state, place, loaded);
    else
        follow_unknown(state, insn);
}

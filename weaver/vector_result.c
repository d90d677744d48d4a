/* vector_result.c: where the bytes of a vector operation's result come from. */
#include "weaver/vector_operation.h"

/* ---- bytes that go to other places --------------------------------------------------------------------------------- */

enum { FIRST = 0, SECOND = VECTOR_BYTES, NOTHING = 2 * VECTOR_BYTES };

static unsigned pick(bool takes_second, unsigned at)
{
    return (takes_second ? SECOND : FIRST) + at;
}

/* Of shuffles inside each 16 bytes; `lane` is where those of the byte `at` begin. */
static unsigned source_in_lane(const struct vector_operation *op, unsigned at, unsigned lane)
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

static unsigned source_of_single(const struct vector_operation *op, unsigned at)
{
    unsigned element = at / 4, from = op->operands[1]->type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : op->immediate >> 6;
    if (op->immediate >> element & 1)
        return NOTHING;
    return element == (op->immediate >> 4 & 3) ? SECOND + from * 4 + at % 4 : FIRST + at;
}

/* Returns: where byte `at` of the result comes from: FIRST or SECOND and a place there, or NOTHING. */
static unsigned source_of(const struct vector_operation *op, unsigned at)
{
    unsigned size = op->shape.element, immediate = op->immediate, lane = at / VECTOR_LANE * VECTOR_LANE, lanes;
    bool is_low = at < VECTOR_LANE / 2;
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_MOVE:
        return SECOND + at;
    case KIND_MOVE_LOW:
        return at < size ? SECOND + at : NOTHING;
    case KIND_MERGE_LOW:
        return at < size                                                           ? SECOND + at
               : vector_is_register(op->operands[1]) && vector_is_register(op->to) ? FIRST + at
                                                                                   : NOTHING;
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
        return at < size ? SECOND + immediate % (vector_width_of(op->operands[1]) / size) * size + at : NOTHING;
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

static uint64_t moved(const struct vector_operation *op, unsigned at)
{
    unsigned source = source_of(op, at);
    if (source >= NOTHING)
        return 0;
    return source >= SECOND ? op->second.of[source - SECOND] : op->first.of[source];
}

/* ---- bytes that are made of several --------------------------------------------------------------------------------- */

static uint64_t element_of(const struct vector_bytes *bytes, unsigned at, unsigned size)
{
    return vector_united(&bytes->of[at / size * size], size);
}

static uint64_t vertical(const struct vector_operation *op, unsigned at)
{
    uint64_t bytes = element_of(&op->second, at, op->shape.element) | element_of(&op->third, at, op->shape.element);
    return bytes | (op->first_counts ? element_of(&op->first, at, op->shape.element) : 0);
}

/* The constant that one of the sources is known to be keeps of the other what is not 0 in it, or for AND NOT what is. */
static uint64_t masked(const struct vector_operation *op, unsigned at)
{
    bool is_not = op->shape.kind == KIND_AND_NOT;
    bool is_cleared = (op->constants[0] && op->constants[0]->bytes[at] == (is_not ? UINT8_MAX : 0)) ||
                      (op->constants[1] && op->constants[1]->bytes[at] == 0);
    return is_cleared ? 0 : op->first.of[at] | op->second.of[at];
}

static uint64_t packed(const struct vector_operation *op, unsigned at)
{
    unsigned size = op->shape.element, lane = at / VECTOR_LANE * VECTOR_LANE, in = at - lane;
    const struct vector_bytes *from = in < VECTOR_LANE / 2 ? &op->first : &op->second;
    return vector_united(&from->of[lane + in % (VECTOR_LANE / 2) / size * 2 * size], 2 * size);
}

static uint64_t shifted(const struct vector_operation *op, unsigned at)
{
    unsigned size = op->shape.element, bits = op->immediate, bytes = bits / 8;
    unsigned low = at / size * size, in = at - low;
    const uint64_t *from = &op->first.of[low];
    uint64_t all = 0;
    if (!op->has_immediate)
        return vector_united(from, size);
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

static uint64_t resized(const struct vector_operation *op, unsigned at)
{
    unsigned element = at / op->shape.becomes, size = op->shape.element;
    return (element + 1) * size <= VECTOR_BYTES ? vector_united(&op->second.of[element * size], size) : 0;
}

static uint64_t extended(const struct vector_operation *op, unsigned at)
{
    unsigned element = at / op->shape.becomes, byte = at % op->shape.becomes;
    return byte < op->shape.element ? op->second.of[element * op->shape.element + byte] : 0;
}

static uint64_t by_bytes(const struct vector_operation *op, unsigned at, const struct vector_value *control)
{
    unsigned lane = at / VECTOR_LANE * VECTOR_LANE;
    if (!control)
        return vector_united(&op->first.of[lane], VECTOR_LANE);
    return control->bytes[at] & 0x80 ? 0 : op->first.of[lane + control->bytes[at] % VECTOR_LANE];
}

static uint64_t truncated(const struct vector_operation *op, unsigned at)
{
    unsigned from = at / op->shape.becomes * op->shape.element + at % op->shape.becomes;
    return from < VECTOR_BYTES ? op->second.of[from] : 0;
}

static uint64_t by_index(const struct vector_operation *op, unsigned at, const struct vector_value *control)
{
    unsigned size = op->shape.element;
    if (!control)
        return vector_united(op->second.of, op->width);
    return op->second.of[control->bytes[at / size * size] % (op->width / size) * size + at % size];
}

/* Of two tables, one behind the other. */
static uint64_t by_index_of_two(const struct vector_operation *op, unsigned at, const struct vector_bytes *low,
                                const struct vector_value *control)
{
    unsigned size = op->shape.element;
    if (!control)
        return vector_united(low->of, op->width) | vector_united(op->second.of, op->width);
    unsigned from = control->bytes[at / size * size] % (2 * op->width / size) * size + at % size;
    return from < op->width ? low->of[from] : op->second.of[from - op->width];
}

/* ---- the result ------------------------------------------------------------------------------------------------------ */

bool vector_is_of_constants(const struct vector_operation *op)
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

static uint64_t result_at(const struct vector_operation *op, unsigned at)
{
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_VERTICAL:
        return vertical(op, at);
    case KIND_DIFFERENCE:
        return vector_is_of_itself(op->insn) ? 0 : vertical(op, at);
    case KIND_AND:
    case KIND_AND_NOT:
        return masked(op, at);
    case KIND_EVEN:
        return vector_united(&op->first.of[at / 8 * 8], 4) | vector_united(&op->second.of[at / 8 * 8], 4);
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
        return by_bytes(op, at, op->constants[1]);
    case KIND_BY_INDEX:
        return by_index(op, at, op->constants[0]);
    case KIND_TABLES:
        return by_index_of_two(op, at, &op->third, op->constants[0]);
    case KIND_TABLES_INDEXED:
        return by_index_of_two(op, at, &op->first, op->constants[0]);
    default:
        return moved(op, at);
    }
}

void vector_result(const struct vector_operation *op, struct vector_bytes *result)
{
    *result = (struct vector_bytes){{0}};
    for (unsigned i = 0; i < op->width; i++)
        result->of[i] = result_at(op, i) | (op->merges ? op->third.of[i] : 0);
}

uint64_t vector_used_up(const struct vector_operation *op)
{
    unsigned size = op->shape.element;
    switch ((enum vector_kind)op->shape.kind) {
    case KIND_LOWEST:
    case KIND_USE_LOWEST:
        return vector_united(op->second.of, size) | vector_united(op->first.of, size);
    case KIND_SHIFT_LEFT:
    case KIND_SHIFT_RIGHT:
    case KIND_SHIFT_SIGNED:
        return op->has_immediate ? 0 : vector_united(op->second.of, VECTOR_BYTES);
    case KIND_BY_BYTES:
        return vector_united(op->second.of, VECTOR_BYTES);
    case KIND_BY_INDEX:
    case KIND_TABLES:
        return vector_united(op->first.of, VECTOR_BYTES);
    case KIND_TABLES_INDEXED:
        return vector_united(op->third.of, VECTOR_BYTES);
    default:
        return 0;
    }
}

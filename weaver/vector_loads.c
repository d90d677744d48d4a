/* vector_loads.c: loads of vectors of which the code uses some bytes alone.
 *
 *      movups (%rdi), %xmm0;  movups 16(%rdi), %xmm1;  shufps $0x88, %xmm1, %xmm0         sum += pairs[i].first
 *
 * Model:  what was loaded is followed over the vector registers (vector_bytes.h), along all ways that the code goes, until it is used up or
 *         they have become long.  What a function leaves in them when it calls another or returns is used when nothing was before and
 *         it may be an argument, or the value: compilers leave anything there.  A load of half a vector of which nothing is used is none.
 * For:    compilers vectorise loops over one member of structures, or each second element, by loading what lies between as well,
 *         and throw it away: that may be another lock's.
 */
#include "weaver/vector_loads.h"

#include <string.h>

#include "weaver/lanes.h"
#include "weaver/vector_operation.h"

enum { INSNS_AHEAD = 512 /* on all ways together */, WAYS_MOST = 24, SIZE_LEAST = 4, SIZE_MOST = 64 };
enum { OF_ARGUMENTS = 0xff, OF_VALUES = 0x3 }; /* registers, as bits */
#define OF_ALL UINT64_MAX

/* What the registers held, on all ways so far that jumped to an instruction. */
struct way {
    size_t at;
    struct vector_state state;
};

struct search {
    uint64_t all, used;           /* loaded bytes, as bits */
    uint64_t left;                /* those that something was left of, at the end of a way, that may be used there */
    struct vector_taking *taking; /* of which what it takes is not used; NULL: there is none */
    unsigned insns_left;
    size_t way_count;
    struct way ways[WAYS_MOST];
};

static bool is_far(const struct insn *insn)
{
    return insn->role == ROLE_INDIRECT_JUMP || insn->role == ROLE_CALL ||
           ((insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH) && insn->target_index == FUNCTION_NONE);
}

/* Returns: the registers that may be passed on, of those in which something is held from the first byte on. */
static uint64_t passed_on(const struct insn *insn, const struct vector_state *state)
{
    enum { NUMBER = 8 /* a number or two of half the size; a vector begins there as well */ };
    uint64_t registers = 0;
    uint64_t may = insn->role == ROLE_RETURN ? OF_VALUES : insn->role == ROLE_TRAP ? 0 : OF_ARGUMENTS;
    for (uint64_t left = state->holding & may; left != 0; left &= left - 1)
        if (vector_united(vector_bytes_at(state, (unsigned)__builtin_ctzll(left))->of, NUMBER) != 0)
            registers |= left & -left;
    return registers;
}

/* A way ends, by the end of the function or of patience. */
static void end_way(const struct vector_state *state, struct search *search, uint64_t registers)
{
    struct vector_state end = *state;
    end.used = 0;
    vector_bytes_use(&end, registers);
    search->left |= end.used;
}

/* Adds what the registers hold to what they held on earlier ways to there.  Returns: false when that is nothing new, or too much. */
static bool comes_anew(struct search *search, size_t at, struct vector_state *state)
{
    size_t i = 0;
    while (i < search->way_count && search->ways[i].at != at)
        i++;
    if (i < search->way_count)
        return vector_bytes_join(state, &search->ways[i].state);
    if (i == WAYS_MOST) {
        end_way(state, search, OF_ALL);
        return false;
    }
    search->ways[search->way_count++] = (struct way){at, *state};
    return true;
}

/* ---- what is taken under a mask -------------------------------------------------------------------------------------- */

/* Returns: false when what it takes cannot be told, or was something else on a way before. */
static bool note_lanes(struct vector_taking *taking, const struct insn *insn, const uint64_t *bytes)
{
    struct vector_taking now = {.at = taking->at};
    unsigned sign = insn_signs_of_mask(insn), element = sign != 0 ? sign : insn->operands[0].element_size / 8u;
    if (element == 0)
        return false;
    now.count = (uint8_t)(vector_width_of(&insn->operands[0]) / element);
    for (unsigned i = 0; i < now.count; i++)
        now.lanes[i] = vector_united(&bytes[(size_t)i * element], element);
    if (taking->count != 0 && memcmp(taking->lanes, now.lanes, sizeof now.lanes) != 0)
        return false;
    *taking = now;
    return true;
}

/* Follows the instruction as if its sources held nothing; what they hold is noted.  Returns: false when that cannot be done. */
static bool take(struct vector_state *state, const struct vector_place *place, struct vector_taking *taking)
{
    const struct insn *insn = &place->function->insns[place->at];
    const ZydisDecodedOperand *operands[VECTOR_OPERANDS];
    size_t count = vector_operands(insn, operands);
    struct vector_state without = *state;
    struct vector_bytes all = {{0}};
    static const struct vector_bytes nothing;
    unsigned to = vector_is_register(operands[0]) ? vector_number(operands[0]->reg.value) : VECTOR_HOMES;
    for (size_t i = insn_signs_of_mask(insn) != 0 ? 2 : 1; i < count; i++) {
        unsigned from = vector_is_register(operands[i]) ? vector_number(operands[i]->reg.value) : VECTOR_HOMES;
        bool is_held = from < VECTOR_HOMES && (state->holding >> from & 1) != 0;
        if (is_held && from == to)
            return false;
        for (unsigned k = 0; is_held && k < VECTOR_BYTES; k++)
            all.of[k] |= vector_bytes_at(state, from)->of[k];
        if (is_held)
            vector_bytes_set(&without, from, &nothing);
    }
    if (vector_united(all.of, VECTOR_BYTES) != 0 && !note_lanes(taking, insn, all.of))
        return false;
    vector_bytes_follow(&without, place, -1);
    if (to < VECTOR_HOMES)
        vector_bytes_set(state, to, vector_bytes_at(&without, to));
    state->used |= without.used;
    return true;
}

/* ---- the ways --------------------------------------------------------------------------------------------------------- */

static void look_from(struct vector_place place, struct vector_state state, struct search *search);

/* Returns: false when the way ends with the instruction. */
static bool go_on(struct vector_place *place, struct vector_state *state, struct search *search)
{
    const struct insn *insn = &place->function->insns[place->at];
    bool jumps = insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH;
    place->at++;
    if (insn->role == ROLE_RETURN || insn->role == ROLE_TRAP || is_far(insn)) {
        end_way(state, search, passed_on(insn, state));
        return false;
    }
    if (!jumps)
        return true;
    struct vector_place there = {place->module, place->function, insn->target_index};
    struct vector_state at_jump = *state;
    bool is_new = comes_anew(search, there.at, &at_jump);
    state->used |= at_jump.used;
    if (is_new)
        look_from(there, at_jump, search);
    return insn->role == ROLE_BRANCH;
}

/* Adds the bytes that are used on all ways from there on, or may be. */
static void look_from(struct vector_place place, struct vector_state state, struct search *search)
{
    bool goes_on = true;
    while (goes_on && state.holding != 0 && (search->used & search->all) != search->all) {
        if (place.at >= place.function->insn_count || search->insns_left == 0) {
            end_way(&state, search, OF_ALL);
            break;
        }
        search->insns_left--;
        if (search->taking == NULL || search->taking->at != place.at)
            vector_bytes_follow(&state, &place, -1);
        else if (!take(&state, &place, search->taking))
            vector_bytes_use(&state, OF_ALL);
        goes_on = go_on(&place, &state, search);
        search->used |= state.used;
    }
    search->used |= state.used;
}

static void look_behind(const struct vector_place *place, uint64_t all, struct vector_taking *taking,
                        struct search *search)
{
    struct vector_state state = {.holding = 0};
    search->all = all;
    search->used = search->left = 0;
    search->taking = taking;
    search->insns_left = INSNS_AHEAD;
    search->way_count = 0;
    vector_bytes_follow(&state, place, place->function->insns[place->at].access[0].operand);
    look_from((struct vector_place){place->module, place->function, place->at + 1}, state, search);
}

bool vector_is_taken(const struct vector_place *place, struct vector_taking *taking)
{
    struct search search;
    look_behind(place, UINT64_MAX, taking, &search);
    return search.used == 0 && taking->count != 0;
}

/* Returns: the loaded bytes that are used, as bits. */
static uint64_t bytes_used(const struct vector_place *place, uint64_t all)
{
    struct search search;
    look_behind(place, all, NULL, &search);
    return (search.used ? search.used : search.left) & all;
}

bool vector_is_loaded(const struct insn *insn)
{
    const struct access *access = insn->access;
    bool is_size = access->size >= SIZE_LEAST && access->size <= SIZE_MOST;
    return insn->role == ROLE_PLAIN && insn->access_count == 1 && access->role == ACCESS_PLAIN && access->operand > 0 &&
           !access->is_write && !access->is_range && is_size && vector_shape_of(insn).kind != KIND_UNKNOWN;
}

/* Half a vector, as compilers load it of rows that are no whole number of them: nobody reads that for its own sake. */
static bool is_half(const struct insn *insn)
{
    enum { HALF = 8 /* bytes */ };
    struct vector_shape shape = vector_shape_of(insn);
    return shape.kind == KIND_MOVE_LOW && shape.element == HALF;
}

static void narrow(struct insn *insn, uint64_t used, uint64_t all)
{
    struct access *access = &insn->access[0];
    bool is_low_part = (used & (used + 1)) == 0;
    unsigned count = (unsigned)__builtin_popcountll(used);
    if (used == all)
        return;
    if (used == 0)
        insn->access_count = !is_half(insn);
    else if (is_low_part && (count & (count - 1)) == 0)
        access->size = (uint16_t)count;
    else
        access->used = used;
}

void vector_loads_narrow(const struct elf_module *module, struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        struct insn *insn = &function->insns[i];
        if (!vector_is_loaded(insn))
            continue;
        const struct vector_place place = {module, function, i};
        uint64_t all = UINT64_MAX >> (SIZE_MOST - insn->access[0].size);
        narrow(insn, bytes_used(&place, all), all);
    }
}

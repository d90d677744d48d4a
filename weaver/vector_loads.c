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
#include "weaver/vector_bytes.h"
#include "weaver/vector_shapes.h"

enum { INSNS_AHEAD = 512 /* on all ways together */, WAYS_MOST = 24, SIZE_LEAST = 4, SIZE_MOST = 64 };
enum { OF_ARGUMENTS = 0xff, OF_VALUES = 0x3 }; /* registers, as bits */
#define OF_ALL UINT64_MAX

/* What the registers held, on all ways so far that jumped to an instruction. */
struct way {
    size_t at;
    struct vector_state state;
};

struct search {
    uint64_t all, used; /* loaded bytes, as bits */
    uint64_t left;      /* those that something was left of, at the end of a way, that may be used there */
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
        vector_bytes_follow(&state, &place, -1);
        goes_on = go_on(&place, &state, search);
        search->used |= state.used;
    }
    search->used |= state.used;
}

/* Returns: the loaded bytes that are used, as bits. */
static uint64_t bytes_used(const struct vector_place *place, const struct access *access, uint64_t all)
{
    struct search search;
    search.all = all;
    search.used = search.left = 0;
    search.insns_left = INSNS_AHEAD;
    search.way_count = 0;
    struct vector_state state = {.holding = 0};
    vector_bytes_follow(&state, place, access->operand);
    look_from((struct vector_place){place->module, place->function, place->at + 1}, state, &search);
    return (search.used ? search.used : search.left) & all;
}

static bool is_load_of_vector(const struct insn *insn)
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
        if (!is_load_of_vector(insn))
            continue;
        const struct vector_place place = {module, function, i};
        uint64_t all = UINT64_MAX >> (SIZE_MOST - insn->access[0].size);
        narrow(insn, bytes_used(&place, &insn->access[0], all), all);
    }
}

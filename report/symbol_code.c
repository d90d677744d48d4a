#include "report/symbol_code.h"

#include <Zydis/Zydis.h>
#include <dwarf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "report/scopes.h"
#include "report/symbol_location.h"

#define CODE_LIMIT     ((uint64_t)64 << 10) /* of a function that is looked through */
#define REGISTER_COUNT 16
#define POINTER_SIZE   8
#define RESULT         0  /* rax, by its DWARF number */
#define STORE_REACH    12 /* instructions in which the result of a call is looked for in a variable */

struct reg {
    bool is_result;  /* what the call of interest returned */
    bool is_of_slot; /* what stood at `slot` in the frame */
    int64_t slot;
    uint32_t value; /* a number for what nobody may have named yet, but for which there may be a name soon; 0: none */
    int64_t displacement; /* behind that value */
    struct symbol_place place;
};

/* One function looked through from its beginning to an instruction. */
struct code {
    struct symbol_module *m;
    struct pool *pool;
    Dwarf_Die scopes[SCOPES_MAX];
    struct location_scopes in;
    uint64_t begin, end; /* as in the ELF file */
    const uint8_t *bytes;
    bool *is_join;   /* by byte: a jump leads here */
    bool is_unclear; /* jumps may lead anywhere */
    struct reg regs[REGISTER_COUNT];
    uint32_t values; /* numbered so far */
    ZydisDecoder decoder;
    uint64_t at;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* ---- the bytes -------------------------------------------------------------------------------------------------- */

static Dwarf_Addr dwarf_address(const struct code *c, uint64_t offset)
{
    return offset + c->m->bias - c->m->dwarf_bias;
}

/* Sets c->begin and c->end to the part of the function that holds `offset`. */
static bool find_part(struct code *c, Dwarf_Die *function, uint64_t offset)
{
    Dwarf_Addr base, low, high;
    Dwarf_Addr address = dwarf_address(c, offset);
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(function, at, &base, &low, &high)) > 0) {
        if (address >= low && address < high && high - low <= CODE_LIMIT) {
            c->begin = offset - (address - low);
            c->end = c->begin + (high - low);
            return true;
        }
    }
    return false;
}

static bool find_bytes(struct code *c)
{
    Dwarf_Addr address = c->begin + c->m->bias, bias;
    GElf_Shdr header;
    Elf_Scn *section = dwfl_module_address_section(c->m->module, &address, &bias);
    if (!section || !gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS)
        return false; /* a debug file has no code */
    const Elf_Data *data = elf_getdata(section, NULL);
    if (!data || !data->d_buf || address > data->d_size || c->end - c->begin > data->d_size - address)
        return false;
    c->bytes = (const uint8_t *)data->d_buf + address;
    return true;
}

/* Decodes the instruction at c->at.  Returns: false at the end, or at bytes that are none. */
static bool decode(struct code *c)
{
    return c->at < c->end && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&c->decoder, c->bytes + (c->at - c->begin),
                                                                 c->end - c->at, &c->instruction, c->operands));
}

static uint64_t next_of(const struct code *c)
{
    return c->at + c->instruction.length;
}

static bool is_jump(const struct code *c)
{
    return c->instruction.meta.category == ZYDIS_CATEGORY_COND_BR ||
           c->instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

static void find_joins(struct code *c)
{
    for (c->at = c->begin; decode(c); c->at = next_of(c)) {
        ZyanU64 target;
        if (!is_jump(c))
            continue;
        if (ZYAN_FAILED(ZydisCalcAbsoluteAddress(&c->instruction, &c->operands[0], c->at, &target)) ||
            c->operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
            c->is_unclear = true;
        else if (target >= c->begin && target < c->end)
            c->is_join[target - c->begin] = true;
    }
    c->is_unclear |= c->at != c->end;
}

/* Something that is like nothing else. */
static struct reg new_value(struct code *c)
{
    return (struct reg){.value = ++c->values};
}

static void forget_all(struct code *c)
{
    for (unsigned i = 0; i < REGISTER_COUNT; i++)
        c->regs[i] = new_value(c);
}

static bool begin_code(struct code *c, struct symbol_module *m, struct pool *pool, uint64_t offset)
{
    Dwarf_Die unit;
    memset(c, 0, sizeof *c);
    c->m = m;
    c->pool = pool;
    if (!m->module || !symbol_module_find_unit(m, offset, &unit))
        return false;
    c->in = (struct location_scopes){c->scopes, scopes_find(&unit, dwarf_address(c, offset), c->scopes)};
    if (c->in.count == 0 || dwarf_tag(&c->scopes[c->in.count - 1]) != DW_TAG_subprogram ||
        !find_part(c, &c->scopes[c->in.count - 1], offset) || !find_bytes(c))
        return false;
    ZydisDecoderInit(&c->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    c->is_join = memory_grow(NULL, c->end - c->begin, sizeof *c->is_join);
    memset(c->is_join, 0, (c->end - c->begin) * sizeof *c->is_join);
    find_joins(c);
    forget_all(c);
    c->at = c->begin;
    return true;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* The DWARF number of the register that holds this one; REGISTER_COUNT for others than the general ones. */
static unsigned number_of(ZydisRegister name)
{
    static const uint8_t numbers[REGISTER_COUNT] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
        return REGISTER_COUNT;
    return numbers[ZydisRegisterGetId(whole)];
}

/* Adds the steps from the object down to the member, and sets *type to the member's.  Returns: false when there is none. */
static bool add_steps(const struct symbol_place *place, size_t size, Dwarf_Die *type, struct buffer *path)
{
    Dwarf_Word whole;
    uint64_t at = (uint64_t)place->at;
    *type = place->type;
    if (!place->is_known || place->at < 0 || dwarf_aggregate_size(type, &whole) != 0 || at >= whole)
        return false;
    buffer_string(path, "");
    return symbol_type_descend(type, &at, size, path) && at == 0;
}

const char *symbol_place_name(const struct symbol_place *place, size_t size, struct pool *pool, Dwarf_Die *type)
{
    struct buffer path = {0};
    const char *name = NULL;
    if (add_steps(place, size, type, &path)) {
        if (!place->is_pointed) {
            name = pool_format(pool, "%s%s%s%s", place->function ? place->function : "", place->function ? "::" : "",
                               place->name, path.data);
        } else if (path.length == 0) {
            name = pool_format(pool, "*%s", place->name);
        } else {
            bool is_member = path.data[0] == '.';
            name = is_member ? pool_format(pool, "%s->%s", place->name, path.data + 1)
                             : pool_format(pool, "(*%s)%s", place->name, path.data);
        }
    }
    buffer_free(&path);
    return name;
}

const char *symbol_place_identity(const struct symbol_place *place, size_t size, struct pool *pool)
{
    struct buffer path = {0};
    Dwarf_Die type, whole = place->type;
    const char *identity = NULL;
    if (!place->is_known || !place->is_pointed)
        return symbol_place_name(place, size, pool, &type);
    if (add_steps(place, size, &type, &path)) {
        const char *name = dwarf_peel_type(&whole, &whole) == 0 ? dwarf_diename(&whole) : NULL;
        identity = pool_format(pool, "%s%s", name ? name : "", path.data);
    }
    buffer_free(&path);
    return identity;
}

/* Sets *to to what the pointer `name` of this type points to. */
static bool follow(struct code *c, Dwarf_Die *pointer, const char *name, struct symbol_place *to)
{
    Dwarf_Die plain, type;
    if (!name || dwarf_peel_type(pointer, &plain) != 0)
        return false;
    int tag = dwarf_tag(&plain);
    if ((tag != DW_TAG_pointer_type && tag != DW_TAG_reference_type && tag != DW_TAG_rvalue_reference_type) ||
        !symbol_type_of(&plain, &type))
        return false; /* no pointer, or one to void */
    *to = (struct symbol_place){.is_known = true, .is_pointed = true, .name = pool_string(c->pool, name), .type = type};
    return true;
}

static struct symbol_place place_of_variable(struct code *c, Dwarf_Die *variable, bool is_local, int64_t at)
{
    struct symbol_place place = {.at = at};
    const char *name = dwarf_diename(variable);
    if (name && symbol_type_of(variable, &place.type)) {
        const char *function = is_local ? dwarf_diename(&c->scopes[c->in.count - 1]) : NULL;
        place.is_known = true;
        place.name = pool_string(c->pool, name);
        /* "main" of "main._omp_fn.0" */
        place.function = function ? pool_copy(c->pool, function, strcspn(function, ".")) : NULL;
    }
    return place;
}

/* What is `displacement` bytes behind the frame's own registers. */
static struct symbol_place place_in_frame(struct code *c, unsigned number, int64_t displacement)
{
    Dwarf_Die variable;
    Dwarf_Addr bias = 0;
    Dwarf_CFI *cfi = dwfl_module_eh_cfi(c->m->module, &bias);
    int64_t at;
    if (location_in_frame(&c->in, cfi, c->at + c->m->bias - bias, dwarf_address(c, c->at), number, displacement,
                          &variable, &at))
        return place_of_variable(c, &variable, true, at);
    return (struct symbol_place){0};
}

/* What is `displacement` bytes behind the pointer in the register: shared by the function around, with that one's name for it. */
static struct symbol_place place_shared(struct code *c, unsigned number, int64_t displacement)
{
    const struct location_pointer in_register = {.reg = number};
    const struct location_pointer in_slot = {.is_in_slot = true, .slot = c->regs[number].slot};
    Dwarf_Die variable;
    int64_t at;
    if (location_behind(&c->in, dwarf_address(c, c->at), &in_register, displacement, &variable, &at) ||
        (c->regs[number].is_of_slot &&
         location_behind(&c->in, dwarf_address(c, c->at), &in_slot, displacement, &variable, &at)))
        return place_of_variable(c, &variable, true, at);
    return (struct symbol_place){0};
}

struct following {
    struct code *code;
    struct symbol_place *to;
};

static bool follow_variable(void *ctx, Dwarf_Die *variable)
{
    struct following *following = ctx;
    Dwarf_Die type;
    return symbol_type_of(variable, &type) && follow(following->code, &type, dwarf_diename(variable), following->to);
}

/* Sets *to to what the pointer variable in the register points to. */
static bool follow_register(struct code *c, unsigned number, struct symbol_place *to)
{
    struct following following = {c, to};
    Dwarf_Die variable;
    return location_in_register(&c->in, dwarf_address(c, c->at), number, follow_variable, &following, &variable);
}

/* By a variable in another register that holds the same, or has as much more or less as is known. */
static bool follow_copy(struct code *c, unsigned number, struct symbol_place *to)
{
    const struct reg *reg = &c->regs[number];
    for (unsigned i = 0; reg->value != 0 && i < REGISTER_COUNT; i++) {
        if (i != number && c->regs[i].value == reg->value && follow_register(c, i, to)) {
            to->at += reg->displacement - c->regs[i].displacement;
            return true;
        }
    }
    return false;
}

/* What is `displacement` bytes behind what the register points to. */
static struct symbol_place place_behind(struct code *c, ZydisRegister name, int64_t displacement)
{
    unsigned number = number_of(name);
    struct symbol_place place = {0};
    if (number == REGISTER_COUNT)
        return place;
    if (name == ZYDIS_REGISTER_RSP || name == ZYDIS_REGISTER_RBP)
        place = place_in_frame(c, number, displacement);
    if (!place.is_known) {
        if (!follow_register(c, number, &place))
            place = c->regs[number].place;
        if (!place.is_known && !follow_copy(c, number, &place))
            place = (struct symbol_place){0};
        place.at += displacement;
    }
    return place.is_known ? place : place_shared(c, number, displacement);
}

static struct symbol_place place_of_static(struct code *c, uint64_t offset)
{
    uint64_t begin, size;
    Dwarf_Die variable;
    if (symbol_module_find_symbol(c->m, offset, &begin, &size) && symbol_variable_find(c->m, begin, &variable))
        return place_of_variable(c, &variable, false, (int64_t)(offset - begin));
    return (struct symbol_place){0};
}

/* What an operand in memory names. */
static struct symbol_place place_of(struct code *c, const ZydisDecodedOperand *operand)
{
    struct symbol_place place = {0};
    if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || operand->mem.index != ZYDIS_REGISTER_NONE ||
        operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS)
        return place;
    int64_t displacement = operand->mem.disp.has_displacement ? operand->mem.disp.value : 0;
    if (operand->mem.base == ZYDIS_REGISTER_RIP)
        return place_of_static(c, next_of(c) + (uint64_t)displacement);
    return place_behind(c, operand->mem.base, displacement);
}

/* Notes which slot of the frame the operand is. */
static void note_slot(struct code *c, const ZydisDecodedOperand *from, struct reg *left)
{
    Dwarf_Addr bias = 0;
    if (from->mem.index == ZYDIS_REGISTER_NONE &&
        (from->mem.base == ZYDIS_REGISTER_RSP || from->mem.base == ZYDIS_REGISTER_RBP)) {
        Dwarf_CFI *cfi = dwfl_module_eh_cfi(c->m->module, &bias);
        left->is_of_slot = location_slot(&c->in, cfi, c->at + c->m->bias - bias, number_of(from->mem.base),
                                         from->mem.disp.has_displacement ? from->mem.disp.value : 0, &left->slot);
    }
}

/* The pointer that is stored at `place`. */
static struct symbol_place load(struct code *c, struct symbol_place place)
{
    struct symbol_place loaded = {0};
    Dwarf_Die type;
    place.function = NULL; /* what it points to is no part of the frame */
    const char *name = symbol_place_name(&place, POINTER_SIZE, c->pool, &type);
    if (!name || !follow(c, &type, name, &loaded))
        return (struct symbol_place){0};
    return loaded;
}

/* ---- one instruction -------------------------------------------------------------------------------------------- */

static bool is_whole_register(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->size == 8 * POINTER_SIZE &&
           number_of(operand->reg.value) < REGISTER_COUNT;
}

/* The number of the value in `base`, and how far behind it. */
static void note_behind(const struct code *c, ZydisRegister base, int64_t displacement, struct reg *left)
{
    unsigned number = number_of(base);
    if (number < REGISTER_COUNT) {
        left->value = c->regs[number].value;
        left->displacement = c->regs[number].displacement + displacement;
    }
}

/* Returns: what the instruction leaves in the register that is its first operand; unknown for most. */
static struct reg outcome(struct code *c)
{
    const ZydisDecodedOperand *to = &c->operands[0], *from = &c->operands[1];
    struct reg left = new_value(c);
    if (!is_whole_register(to))
        return left;
    switch (c->instruction.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        if (is_whole_register(from)) {
            left = c->regs[number_of(from->reg.value)];
            left.place = place_behind(c, from->reg.value, 0);
        } else if (from->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            left.place = load(c, place_of(c, from));
            note_slot(c, from, &left);
        }
        break;
    case ZYDIS_MNEMONIC_LEA:
        left.place = place_of(c, from);
        if (from->mem.index == ZYDIS_REGISTER_NONE)
            note_behind(c, from->mem.base, from->mem.disp.has_displacement ? from->mem.disp.value : 0, &left);
        break;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
        if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
            bool is_sum = c->instruction.mnemonic == ZYDIS_MNEMONIC_ADD;
            int64_t change = is_sum ? from->imm.value.s : -from->imm.value.s;
            left.place = place_behind(c, to->reg.value, change);
            note_behind(c, to->reg.value, change, &left);
        }
        break;
    default:
        break;
    }
    return left;
}

static void step(struct code *c)
{
    struct reg left = outcome(c);
    bool is_end = c->instruction.meta.category == ZYDIS_CATEGORY_CALL ||
                  c->instruction.meta.category == ZYDIS_CATEGORY_RET ||
                  c->instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
                  c->instruction.meta.category == ZYDIS_CATEGORY_SYSCALL;
    for (size_t i = 0; i < c->instruction.operand_count; i++) {
        const ZydisDecodedOperand *operand = &c->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
            number_of(operand->reg.value) < REGISTER_COUNT)
            c->regs[number_of(operand->reg.value)] = i == 0 ? left : new_value(c);
    }
    if (is_end)
        forget_all(c);
}

/* Goes on until the instruction at `stop` is decoded, or the one that ends there.  Returns: false when there is none. */
static bool advance(struct code *c, uint64_t stop, bool is_end)
{
    for (; decode(c); c->at = next_of(c)) {
        if (c->is_unclear || c->is_join[c->at - c->begin])
            forget_all(c);
        if ((is_end ? next_of(c) : c->at) == stop)
            return true;
        step(c);
    }
    return false;
}

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

bool symbol_code_access(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place)
{
    struct code c;
    *place = (struct symbol_place){0};
    if (!begin_code(&c, m, pool, offset))
        return false;
    if (advance(&c, offset, false)) {
        const ZydisDecodedOperand *accessed = NULL;
        for (size_t i = 0; i < c.instruction.operand_count; i++) {
            if (c.operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && c.operands[i].mem.type == ZYDIS_MEMOP_TYPE_MEM) {
                if (accessed) {
                    accessed = NULL; /* two places: which one is meant is not known */
                    break;
                }
                accessed = &c.operands[i];
            }
        }
        if (accessed)
            *place = place_of(&c, accessed);
    }
    free(c.is_join);
    return place->is_known;
}

bool symbol_code_argument(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place)
{
    struct code c;
    *place = (struct symbol_place){0};
    if (!begin_code(&c, m, pool, offset - 1))
        return false;
    if (advance(&c, offset, true) && c.instruction.meta.category == ZYDIS_CATEGORY_CALL)
        *place = place_behind(&c, ZYDIS_REGISTER_RDI, 0);
    free(c.is_join);
    return place->is_known;
}

/* Looks for the result in a variable's register, before the instruction at c->at. */
static bool find_result_in_register(struct code *c, struct symbol_place *place)
{
    for (unsigned i = 0; i < REGISTER_COUNT; i++)
        if (c->regs[i].is_result && follow_register(c, i, place))
            return true;
    return false;
}

/* Looks whether the instruction at c->at stores the result in a pointer of known type. */
static bool find_result_in_store(struct code *c, struct symbol_place *place)
{
    if (c->instruction.mnemonic != ZYDIS_MNEMONIC_MOV || c->operands[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
        !is_whole_register(&c->operands[1]) || !c->regs[number_of(c->operands[1].reg.value)].is_result)
        return false;
    *place = load(c, place_of(c, &c->operands[0]));
    return place->is_known;
}

bool symbol_code_result(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place)
{
    struct code c;
    *place = (struct symbol_place){0};
    if (!begin_code(&c, m, pool, offset - 1))
        return false;
    if (advance(&c, offset, true) && c.instruction.meta.category == ZYDIS_CATEGORY_CALL) {
        forget_all(&c);
        c.regs[RESULT].is_result = true;
        c.at = next_of(&c);
        for (int i = 0; i < STORE_REACH && decode(&c); i++, c.at = next_of(&c)) {
            if (c.is_unclear || c.is_join[c.at - c.begin] || find_result_in_register(&c, place) ||
                find_result_in_store(&c, place))
                break;
            step(&c);
        }
    }
    free(c.is_join);
    return place->is_known;
}

/* symbol_variable.c: which member of which element of a variable stands at an address, from its type. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "report/symbol_module.h"

#define DIE_BUDGET ((size_t)5000000) /* bounds the walk over a giant's debug information to a few seconds */
#define STEP_LIMIT 32

/* ---- the table of variables ------------------------------------------------------------------------------------- */

static bool static_address(Dwarf_Die *die, Dwarf_Addr *address)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *expression;
    size_t length;
    if (!dwarf_attr(die, DW_AT_location, &attribute) || dwarf_getlocation(&attribute, &expression, &length) != 0)
        return false;
    if (length < 1 || (expression[0].atom != DW_OP_addr && expression[0].atom != DW_OP_addrx))
        return false;
    if (expression[0].atom == DW_OP_addrx) {
        Dwarf_Attribute resolved;
        return dwarf_getlocation_attr(&attribute, expression, &resolved) == 0 &&
               dwarf_formaddr(&resolved, address) == 0;
    }
    *address = expression[0].number;
    return true;
}

struct walk {
    struct symbol_module *m;
    size_t capacity;
    size_t visited;
};

static void add_variable(struct walk *walk, Dwarf_Die *die)
{
    struct symbol_module *m = walk->m;
    Dwarf_Addr address;
    if (!static_address(die, &address))
        return;
    if (m->variable_count == walk->capacity) {
        walk->capacity = walk->capacity ? walk->capacity * 2 : 256;
        m->variables = memory_grow(m->variables, walk->capacity, sizeof *m->variables);
    }
    m->variables[m->variable_count++] = (struct variable_entry){address, dwarf_dieoffset(die)};
}

static void walk_scope(struct walk *walk, Dwarf_Die *scope, int depth)
{
    Dwarf_Die die;
    if (depth > STEP_LIMIT || dwarf_child(scope, &die) != 0)
        return;
    do {
        if (++walk->visited > DIE_BUDGET)
            return;
        switch (dwarf_tag(&die)) {
        case DW_TAG_variable:
            add_variable(walk, &die);
            break;
        case DW_TAG_namespace:
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block:
            walk_scope(walk, &die, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
}

static int compare_variables(const void *a, const void *b)
{
    const struct variable_entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void build_variables(struct symbol_module *m)
{
    struct walk walk = {.m = m};
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    while (dwarf_get_units(m->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
        walk_scope(&walk, &unit, 0);
    if (m->variable_count)
        qsort(m->variables, m->variable_count, sizeof *m->variables, compare_variables);
    m->were_variables_built = true;
}

bool symbol_variable_find(struct symbol_module *m, uint64_t begin, Dwarf_Die *die)
{
    if (!symbol_module_dwarf(m))
        return false;
    if (!m->were_variables_built)
        build_variables(m);
    const struct variable_entry key = {.address = begin + m->bias - m->dwarf_bias};
    const struct variable_entry *found =
        m->variable_count ? bsearch(&key, m->variables, m->variable_count, sizeof key, compare_variables) : NULL;
    return found && dwarf_offdie(m->dwarf, found->die, die);
}

/* ---- from the variable down to the object ----------------------------------------------------------------------- */

bool symbol_type_of(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, type);
}

bool symbol_number_of(Dwarf_Die *die, unsigned name, Dwarf_Word *number)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, name, &attribute) && dwarf_formudata(&attribute, number) == 0;
}

/* Sets *element and *stride of an array type.  Returns: false when its shape is not plain. */
static bool array_element(Dwarf_Die *array, Dwarf_Die *element, Dwarf_Word *stride)
{
    Dwarf_Die subrange;
    Dwarf_Word size;
    if (!symbol_type_of(array, element) || dwarf_aggregate_size(element, &size) != 0 || size == 0)
        return false;
    *stride = size;
    /* Each further dimension multiplies the stride of the first index. */
    if (dwarf_child(array, &subrange) != 0)
        return false;
    return dwarf_siblingof(&subrange, &subrange) != 0; /* several dimensions: name the variable alone */
}

/* Where a bit-field lies in its structure.  Units: bits.  Returns: false for another member. */
static bool bits_of(Dwarf_Die *member, Dwarf_Word *first, Dwarf_Word *count)
{
    Dwarf_Word unit = 0, size, from_top;
    Dwarf_Die type;
    if (!symbol_number_of(member, DW_AT_bit_size, count) || *count == 0)
        return false;
    if (symbol_number_of(member, DW_AT_data_bit_offset, first))
        return true;
    /* Up to DWARF 4 it is counted from the top of a unit of storage. */
    symbol_number_of(member, DW_AT_data_member_location, &unit);
    bool has_size = symbol_number_of(member, DW_AT_byte_size, &size) ||
                    (symbol_type_of(member, &type) && dwarf_aggregate_size(&type, &size) == 0);
    if (!has_size || !symbol_number_of(member, DW_AT_bit_offset, &from_top) || from_top + *count > 8 * size)
        return false;
    *first = 8 * (unit + size) - from_top - *count;
    return true;
}

/* Sets *begin and *size to the bytes of a member or base class, and *type to its type. */
static bool place_of_member(Dwarf_Die *member, Dwarf_Die *type, uint64_t *begin, Dwarf_Word *size)
{
    int tag = dwarf_tag(member);
    Dwarf_Attribute attribute;
    Dwarf_Word first, bits;
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || dwarf_attr(member, DW_AT_external, &attribute) ||
        !symbol_type_of(member, type))
        return false;
    if (bits_of(member, &first, &bits)) {
        *begin = first / 8;
        *size = (first + bits - 1) / 8 - first / 8 + 1;
        return true;
    }
    *begin = 0;
    if (dwarf_attr(member, DW_AT_data_member_location, &attribute) && dwarf_formudata(&attribute, begin) != 0)
        return false;
    return dwarf_aggregate_size(type, size) == 0;
}

/* Sets *member to the member or base class that covers `at`.  Returns: false when none does. */
static bool member_at(Dwarf_Die *structure, uint64_t at, Dwarf_Die *member, Dwarf_Die *type, uint64_t *begin)
{
    Dwarf_Word size;
    if (dwarf_child(structure, member) != 0)
        return false;
    do {
        if (place_of_member(member, type, begin, &size) && at >= *begin && at - *begin < size)
            return true;
    } while (dwarf_siblingof(member, member) == 0);
    return false;
}

/* Bit-fields that have a byte in common are accessed together: ".{ready,count}". */
static void add_member_name(struct buffer *path, Dwarf_Die *member, uint64_t at, size_t size)
{
    Dwarf_Die next = *member;
    Dwarf_Word first, count;
    const char *name = dwarf_diename(member);
    bool is_several = false;
    if (dwarf_tag(member) != DW_TAG_member || !name)
        return;
    size_t begin = path->length;
    buffer_printf(path, ".%s", name);
    if (!bits_of(member, &first, &count))
        return;
    while (dwarf_siblingof(&next, &next) == 0 && bits_of(&next, &first, &count) && first / 8 < at + (size ? size : 1)) {
        if (dwarf_diename(&next)) {
            buffer_printf(path, ",%s", dwarf_diename(&next));
            is_several = true;
        }
    }
    if (is_several) {
        const char *names = path->data + begin + 1;
        struct buffer joined = {0};
        buffer_printf(&joined, ".{%s}", names);
        path->length = begin;
        buffer_string(path, joined.data);
        buffer_free(&joined);
    }
}

/* Takes one step from `type` towards byte *at.  Returns: false when there is none to take. */
static bool step_into(Dwarf_Die *type, uint64_t *at, size_t size, struct buffer *path)
{
    Dwarf_Die plain, next, member;
    if (dwarf_peel_type(type, &plain) != 0)
        return false;
    if (dwarf_tag(&plain) == DW_TAG_array_type) {
        Dwarf_Word stride;
        if (!array_element(&plain, &next, &stride))
            return false;
        buffer_printf(path, "[%llu]", (unsigned long long)(*at / stride));
        *at %= stride;
        *type = next;
        return true;
    }
    uint64_t begin;
    if (!member_at(&plain, *at, &member, &next, &begin))
        return false;
    add_member_name(path, &member, *at, size);
    *at -= begin;
    *type = next;
    return true;
}

bool symbol_type_descend(Dwarf_Die *type, uint64_t *at, size_t size, struct buffer *path)
{
    Dwarf_Word type_size;
    for (int step = 0; step < STEP_LIMIT; step++) {
        bool is_small = dwarf_aggregate_size(type, &type_size) == 0 && type_size <= size;
        if (*at == 0 && is_small)
            return true;
        if (!step_into(type, at, size, path))
            return *at == 0;
    }
    return false;
}

const char *symbol_variable_path(struct symbol_module *m, uint64_t begin, uint64_t offset, size_t size,
                                 struct buffer *path, uint64_t *type_size)
{
    Dwarf_Die variable, type;
    uint64_t at = offset - begin;
    buffer_add(path, "", 0);
    if (!symbol_variable_find(m, begin, &variable) || !symbol_type_of(&variable, &type)) {
        if (at)
            buffer_printf(path, "+%llu", (unsigned long long)at);
        return NULL;
    }
    symbol_type_descend(&type, &at, size, path);
    if (at)
        buffer_printf(path, "+%llu", (unsigned long long)at);
    Dwarf_Word known_size;
    *type_size = dwarf_aggregate_size(&type, &known_size) == 0 ? known_size : 0;
    return dwarf_diename(&type);
}

#include "report/symbol_location.h"

#include <dwarf.h>
#include <stdlib.h>

#include "report/symbol_module.h"

#define REGISTER_FRAME 6 /* rbp, by its DWARF number */

/* The operations that say where the variable is at `address`.  Returns: how many; 0 when nothing is said, or several things. */
static size_t operations_of(Dwarf_Die *variable, Dwarf_Addr address, Dwarf_Op **operations)
{
    Dwarf_Attribute attribute;
    size_t count;
    if (!dwarf_attr(variable, DW_AT_location, &attribute) ||
        dwarf_getlocation_addr(&attribute, address, operations, &count, 1) != 1)
        return 0;
    return count;
}

/* The one operation that says where the variable is at `address`; NULL when it takes several, or there is none. */
static const Dwarf_Op *location_of(Dwarf_Die *variable, Dwarf_Addr address)
{
    Dwarf_Op *operations;
    return operations_of(variable, address, &operations) == 1 ? operations : NULL;
}

static bool is_variable(Dwarf_Die *die)
{
    return dwarf_tag(die) == DW_TAG_variable || dwarf_tag(die) == DW_TAG_formal_parameter;
}

bool location_in_register(const struct location_scopes *s, Dwarf_Addr address, unsigned number,
                          bool (*accepts)(void *ctx, Dwarf_Die *variable), void *ctx, Dwarf_Die *variable)
{
    for (int i = 0; i < s->count; i++) {
        if (dwarf_haspc(&s->scopes[i], address) <= 0 || dwarf_child(&s->scopes[i], variable) != 0)
            continue;
        do {
            const Dwarf_Op *where = is_variable(variable) ? location_of(variable, address) : NULL;
            if (where && where->atom == DW_OP_reg0 + number && accepts(ctx, variable))
                return true;
        } while (dwarf_siblingof(variable, variable) == 0);
    }
    return false;
}

/* Sets *base to what has to be added to the register to reach what DW_OP_fbreg counts from. */
static bool frame_base(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr address, unsigned reg, int64_t *base)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *operations;
    size_t count;
    if (s->count == 0 || !dwarf_attr(&s->scopes[s->count - 1], DW_AT_frame_base, &attribute) ||
        dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1)
        return false;
    if (operations->atom == DW_OP_reg0 + REGISTER_FRAME) {
        *base = 0;
        return reg == REGISTER_FRAME;
    }
    Dwarf_Frame *frame;
    if (operations->atom != DW_OP_call_frame_cfa || !cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0)
        return false;
    bool is_known = dwarf_frame_cfa(frame, &operations, &count) == 0 && count == 1 && operations->atom == DW_OP_bregx &&
                    operations->number == reg;
    if (is_known)
        *base = (int64_t)operations->number2;
    free(frame);
    return is_known;
}

bool location_slot(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, unsigned reg,
                   int64_t offset, int64_t *slot)
{
    int64_t base;
    if (!frame_base(s, cfi, cfi_address, reg, &base))
        return false;
    *slot = offset - base;
    return true;
}

/* Returns: true when `at` lies within the variable. */
static bool is_within(Dwarf_Die *variable, int64_t at)
{
    Dwarf_Die type;
    Dwarf_Word size;
    return at >= 0 && symbol_type_of(variable, &type) && dwarf_aggregate_size(&type, &size) == 0 && (uint64_t)at < size;
}

/* Sets *begin to where behind the pointer the variable begins.  Returns: false when it lies elsewhere. */
static bool begin_behind(Dwarf_Die *variable, Dwarf_Addr address, const struct location_pointer *pointer,
                         int64_t *begin)
{
    Dwarf_Op *operations;
    size_t count = operations_of(variable, address, &operations), used = 1;
    if (count == 0)
        return false;
    if (pointer->is_in_slot) {
        *begin = 0;
        used = 2;
        if (count < used || operations[0].atom != DW_OP_fbreg || (int64_t)operations[0].number != pointer->slot ||
            operations[1].atom != DW_OP_deref)
            return false;
    } else if (operations[0].atom == DW_OP_breg0 + pointer->reg) {
        *begin = (int64_t)operations[0].number;
    } else {
        return false;
    }
    if (count == used + 1 && operations[used].atom == DW_OP_plus_uconst) {
        *begin += (int64_t)operations[used].number;
        used++;
    }
    return count == used;
}

bool location_behind(const struct location_scopes *s, Dwarf_Addr address, const struct location_pointer *pointer,
                     int64_t offset, Dwarf_Die *variable, int64_t *at)
{
    for (int i = 0; i < s->count; i++) {
        if (dwarf_haspc(&s->scopes[i], address) <= 0 || dwarf_child(&s->scopes[i], variable) != 0)
            continue;
        do {
            int64_t begin;
            if (is_variable(variable) && begin_behind(variable, address, pointer, &begin) &&
                is_within(variable, offset - begin)) {
                *at = offset - begin;
                return true;
            }
        } while (dwarf_siblingof(variable, variable) == 0);
    }
    return false;
}

bool location_in_frame(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, Dwarf_Addr address,
                       unsigned reg, int64_t offset, Dwarf_Die *variable, int64_t *at)
{
    int64_t slot;
    if (!location_slot(s, cfi, cfi_address, reg, offset, &slot))
        return false;
    for (int i = 0; i < s->count; i++) {
        if (dwarf_haspc(&s->scopes[i], address) <= 0 || dwarf_child(&s->scopes[i], variable) != 0)
            continue;
        do {
            const Dwarf_Op *where = is_variable(variable) ? location_of(variable, address) : NULL;
            if (where && where->atom == DW_OP_fbreg && is_within(variable, slot - (int64_t)where->number)) {
                *at = slot - (int64_t)where->number;
                return true;
            }
        } while (dwarf_siblingof(variable, variable) == 0);
    }
    return false;
}

#include "report/symbol_location.h"

#include <dwarf.h>
#include <stdlib.h>

#include "report/symbol_module.h"

#define REGISTER_FRAME 6 /* rbp, by its DWARF number */

/* The one operation that says where the variable is at `address`; NULL when it takes several, or there is none. */
static const Dwarf_Op *location_of(Dwarf_Die *variable, Dwarf_Addr address)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *operations;
    size_t count;
    if (!dwarf_attr(variable, DW_AT_location, &attribute) ||
        dwarf_getlocation_addr(&attribute, address, &operations, &count, 1) != 1) {
        return NULL;
    }
    return count == 1 ? operations : NULL;
}

static bool is_variable(Dwarf_Die *die)
{
    return dwarf_tag(die) == DW_TAG_variable || dwarf_tag(die) == DW_TAG_formal_parameter;
}

bool location_in_register(const struct location_scopes *s, Dwarf_Addr address, unsigned number, Dwarf_Die *variable)
{
    for (int i = 0; i < s->count; i++) {
        if (dwarf_haspc(&s->scopes[i], address) <= 0 || dwarf_child(&s->scopes[i], variable) != 0) {
            continue;
        }
        do {
            const Dwarf_Op *where = is_variable(variable) ? location_of(variable, address) : NULL;
            if (where && where->atom == DW_OP_reg0 + number) {
                return true;
            }
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
        dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1) {
        return false;
    }
    if (operations->atom == DW_OP_reg0 + REGISTER_FRAME) {
        *base = 0;
        return reg == REGISTER_FRAME;
    }
    Dwarf_Frame *frame;
    if (operations->atom != DW_OP_call_frame_cfa || !cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0) {
        return false;
    }
    bool is_known = dwarf_frame_cfa(frame, &operations, &count) == 0 && count == 1 && operations->atom == DW_OP_bregx &&
                    operations->number == reg;
    if (is_known) {
        *base = (int64_t)operations->number2;
    }
    free(frame);
    return is_known;
}

bool location_in_frame(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, Dwarf_Addr address,
                       unsigned reg, int64_t offset, Dwarf_Die *variable, int64_t *at)
{
    int64_t base;
    if (!frame_base(s, cfi, cfi_address, reg, &base)) {
        return false;
    }
    for (int i = 0; i < s->count; i++) {
        if (dwarf_haspc(&s->scopes[i], address) <= 0 || dwarf_child(&s->scopes[i], variable) != 0) {
            continue;
        }
        do {
            const Dwarf_Op *where = is_variable(variable) ? location_of(variable, address) : NULL;
            Dwarf_Die type;
            Dwarf_Word size;
            if (where && where->atom == DW_OP_fbreg && symbol_type_of(variable, &type) &&
                dwarf_aggregate_size(&type, &size) == 0) {
                *at = offset - base - (int64_t)where->number;
                if (*at >= 0 && (uint64_t)*at < size) {
                    return true;
                }
            }
        } while (dwarf_siblingof(variable, variable) == 0);
    }
    return false;
}

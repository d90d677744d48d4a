/* symbol_location.h: which variable is in a register, or at a place of the stack frame, by debug information. */
#ifndef LOCKHOUND_REPORT_SYMBOL_LOCATION_H
#define LOCKHOUND_REPORT_SYMBOL_LOCATION_H

#include <elfutils/libdw.h>
#include <stdbool.h>

/* The scopes around an instruction, as scopes_find() gives them; at another address those alone count that hold it. */
struct location_scopes {
    Dwarf_Die *scopes;
    int count;
};

/* Sets *variable to one that `address` finds in this register, by its DWARF number. */
bool location_in_register(const struct location_scopes *s, Dwarf_Addr address, unsigned number, Dwarf_Die *variable);
/* Sets *variable to the one that covers the byte at `reg` + `offset`, and *at to the byte's place in it.
 * `cfi` says where the frame is. */
bool location_in_frame(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, Dwarf_Addr address,
                       unsigned reg, int64_t offset, Dwarf_Die *variable, int64_t *at);

#endif

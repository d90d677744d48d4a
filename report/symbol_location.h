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

/* Sets *variable to one that `address` finds in this register, by its DWARF number, and that `accepts` takes: several variables may
 * share it, as a parameter and what it was assigned to. */
bool location_in_register(const struct location_scopes *s, Dwarf_Addr address, unsigned number,
                          bool (*accepts)(void *ctx, Dwarf_Die *variable), void *ctx, Dwarf_Die *variable);
/* Sets *variable to the one that covers the byte at `reg` + `offset`, and *at to the byte's place in it.
 * `cfi` says where the frame is. */
bool location_in_frame(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, Dwarf_Addr address,
                       unsigned reg, int64_t offset, Dwarf_Die *variable, int64_t *at);
/* Sets *slot to the place in the frame, from what DW_OP_fbreg counts from, of the byte at `reg` + `offset`. */
bool location_slot(const struct location_scopes *s, Dwarf_CFI *cfi, Dwarf_Addr cfi_address, unsigned reg,
                   int64_t offset, int64_t *slot);

/* A pointer to what a function shares with code that the compiler has made a function of its own (GCC's OpenMP), and that has no
 * variable of its own: it is in a register, or in a slot of the frame. */
struct location_pointer {
    unsigned reg; /* by its DWARF number */
    bool is_in_slot;
    int64_t slot;
};
/* Sets *variable to the one that covers the byte `offset` behind the pointer, and *at to the byte's place in it. */
bool location_behind(const struct location_scopes *s, Dwarf_Addr address, const struct location_pointer *pointer,
                     int64_t offset, Dwarf_Die *variable, int64_t *at);

#endif

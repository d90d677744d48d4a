/* eh_frame.h: the frame descriptions of a module: which ranges are functions, how their frames are found, where their
 * exception tables lie.
 *
 *   .eh_frame --> [struct fde]  --functions.c--> ranges   --cfi.c--> canonical frame address   --landing_pads.c--> entries
 *
 * Source: Linux Standard Base 5.0 core, "Exception Frames"; DWARF 5, 6.4.
 */
#ifndef LOCKHOUND_WEAVER_EH_FRAME_H
#define LOCKHOUND_WEAVER_EH_FRAME_H

#include "weaver/bytes.h"

struct section; /* elf_private.h */

struct fde {
    uint64_t low, high;
    uint64_t code_alignment;
    int64_t data_alignment;
    struct bytes initial, program; /* call frame instructions: of the CIE, of the FDE */
    uint64_t lsda;                 /* address of its table in .gcc_except_table; 0: none */
    uint8_t address_encoding;      /* DW_EH_PE of the FDE's addresses */
};

/* Reads every FDE.  Returns: 0, -ENOMEM, or -EINVAL when the section can't be understood.
 * Owns: *fdes, the caller's to free. */
int eh_frame_read(const struct section *section, struct fde **fdes, size_t *count);

/* Reads a pointer as `encoding` (DW_EH_PE) says; `bytes` begins at the address `address`.  Only absolute and PC-relative
 * ones are known; others are bad. */
uint64_t eh_pointer(struct bytes *bytes, uint8_t encoding, uint64_t address);

#endif

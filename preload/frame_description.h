/* frame_description.h: what .eh_frame has on the function that holds a place in the code.
 *
 *   pc --.eh_frame_hdr--> frame description entry (FDE) --> common information entry (CIE)
 *
 * Source: Linux Standard Base 5.0, 10.6; DWARF 5, 6.4.1.
 */
#ifndef LOCKHOUND_PRELOAD_FRAME_DESCRIPTION_H
#define LOCKHOUND_PRELOAD_FRAME_DESCRIPTION_H

#include "preload/modules.h"
#include "weaver/bytes.h"

enum frame_description_kind {
    DESCRIPTION_NONE,    /* the place is described nowhere */
    DESCRIPTION_UNUSUAL, /* in a way that is not read here, or it is a signal's frame */
    DESCRIPTION_READ
};

struct frame_description {
    uintptr_t start; /* of its code */
    uint64_t code_factor;
    int64_t data_factor;
    struct bytes initial, program; /* call frame instructions: of the CIE, then its own */
};

/* Reads what is said of `pc` in the loaded module `m`.  Context: signal, loader-lock, in-malloc. */
enum frame_description_kind frame_description_read(const struct module *m, uintptr_t pc,
                                                   struct frame_description *description);

#endif

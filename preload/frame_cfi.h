/* frame_cfi.h: runs the call frame instructions of a function up to a place in it.  Source: DWARF 5, 6.4.2. */
#ifndef LOCKHOUND_PRELOAD_FRAME_CFI_H
#define LOCKHOUND_PRELOAD_FRAME_CFI_H

#include "preload/frame_description.h"
#include "preload/frame_rule.h"

/* Returns: the rule at `pc`; FRAME_OTHER when it is of a rare kind.  Context: signal, loader-lock, in-malloc. */
struct frame_rule frame_cfi_run(const struct frame_description *description, uintptr_t pc);

#endif

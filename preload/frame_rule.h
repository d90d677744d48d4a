/* frame_rule.h: how the caller's frame is found from a place in the code, read from .eh_frame once and remembered.
 *
 *   pc --hash--> [packed rule and module]  --miss--> frame_description.h --> frame_cfi.h --> rule
 *
 * Model:   a frame that most compilers make: its canonical frame address (CFA) is RSP or RBP and a distance, the return address
 *          stands right below it, and RBP is unchanged or saved at a distance from it.  Other registers do not matter.
 *          Or the frame of a function that aligns its stack, as gcc makes it: RBP points to the caller's, and the CFA is kept
 *          at a distance from there.
 * Modules: what was read before one was loaded or went (modules_changed()) is read anew.
 * Threads: a slot is two words; a reader believes them only when they fit together, so that none takes a lock.
 */
#ifndef LOCKHOUND_PRELOAD_FRAME_RULE_H
#define LOCKHOUND_PRELOAD_FRAME_RULE_H

#include "preload/modules.h"

enum frame_rule_kind {
    FRAME_UNTOLD = 1, /* nothing says it: code without unwind information */
    FRAME_OTHER,      /* it is found in another way */
    FRAME_OUTERMOST,  /* has no caller */
    FRAME_FROM_RSP,
    FRAME_FROM_RBP,
    FRAME_KEPT_AT_RBP
};

struct frame_rule {
    enum frame_rule_kind kind;
    int32_t cfa;     /* from the register; or where it is kept from there.  Units: bytes */
    int32_t rbp;     /* where RBP is saved, from the CFA; 0: it is not.  Units: bytes */
    uint32_t module; /* number of the module that holds the place; 0: none */
};

/* Returns: the rule at `pc`.  Context: signal, loader-lock, in-malloc. */
struct frame_rule frame_rule_find(uintptr_t pc);
/* The same without reading anything anew, nor a vector register.  Returns: false when it is not remembered.
 * Context: signal, loader-lock, in-malloc. */
bool frame_rule_find_known(uintptr_t pc, struct frame_rule *rule);
/* The rule at `pc`, where none is to be read, is this one: of a copy, by what it is a copy of.  Context: signal, loader-lock, in-malloc. */
void frame_rule_note(uintptr_t pc, struct frame_rule rule);

#endif

/* check_call.h: a call of a routine behind a check.
 *
 *   check_call_begin();  ... the address to RDI, RSP being CHECK_RED_ZONE bytes lower ...;  check_call_end();
 *   check_move_stack(draft, CHECK_RED_ZONE);
 */
#ifndef LOCKHOUND_WEAVER_CHECK_CALL_H
#define LOCKHOUND_WEAVER_CHECK_CALL_H

#include "weaver/draft.h"
#include "weaver/model.h"
#include "weaver/plane.h"

enum { CHECK_RED_ZONE = 128 };

/* Emits: RSP below the red zone, and RDI saved. */
void check_call_begin(struct image_draft *draft);
/* Emits the call, of which the return address is a site, and RDI as it was; for an access of `insn`, before `here`. */
void check_call_end(struct image_draft *draft, enum plane_routine routine, const struct insn *here,
                    const struct insn *insn, const struct access *access);
/* Emits the call for a run of a counted loop that begins at `first`, with the first address in RDI and the rounds in RSI.  In RSI is
 * 0 behind it when the run was refused. */
void check_call_run(struct image_draft *draft, const struct insn *first, const struct insn *insn,
                    const struct access *access);
/* Moves RSP by CHECK_RED_ZONE up or, negative, down, without the flags. */
void check_move_stack(struct image_draft *draft, int bytes);

#endif

/* emit.h: the clone of one function.
 *
 *   struct function --[checks + copies, linear; stubs behind]--> code, entries, places, sites of the draft
 *
 * Calls:     the clone jumps to the original CALL, which pushes the original return address; the after-call entry leads back.
 * Branches:  inside the function from clone to clone; to other functions when all are emitted (draft_settle).
 * Indirect:  jumps are copied: they lead to original addresses, which are entries.
 */
#ifndef LOCKHOUND_WEAVER_EMIT_H
#define LOCKHOUND_WEAVER_EMIT_H

#include "weaver/draft.h"
#include "weaver/model.h"

/* Returns: why the function cannot be woven, or NULL. */
const char *emit_refusal(const struct function *function);
/* Emits the clone of a function that emit_refusal() does not refuse. */
void emit_function(struct image_draft *draft, const struct elf_module *module, const struct function *function,
                   enum image_gate_kind gate);

#endif

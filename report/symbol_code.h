/* symbol_code.h: what code calls the memory that it touches: `db->lock`, `worker::done`.
 *
 *   code of the function, from its beginning --> [16 registers, each known or not] --> address that an instruction accesses,
 *   variables of its scopes, by DWARF location ----^                                   or argument or result of a call
 *
 * Model:     a place is a byte of an object of known type that has a name: a variable, or what a pointer of known type
 *            points to.  A register is known when debug information says at this very instruction that a pointer variable
 *            is in it, or in another register that was copied from it or the other way round, or when it was loaded or copied from a
 *            known place since the last join of control flow or call.
 *            Whatever else writes a register makes it unknown: a name is never guessed.
 * Threads:   none.
 */
#ifndef LOCKHOUND_REPORT_SYMBOL_CODE_H
#define LOCKHOUND_REPORT_SYMBOL_CODE_H

#include "report/symbol_module.h"

struct symbol_place {
    bool is_known;
    bool is_pointed; /* the object is what the variable `name` points to; otherwise it is that variable */
    const char *name;
    const char *function; /* that has the variable on its stack, or NULL */
    Dwarf_Die type;       /* of the object */
    int64_t at;           /* Units: bytes into the object */
};

/* Sets *place to what the instruction at `offset` accesses. */
bool symbol_code_access(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place);
/* Sets *place to what the first argument of the call that returns to `offset` points to. */
bool symbol_code_argument(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place);
/* Sets *place to the beginning of what that call returns, by the variable that receives the pointer. */
bool symbol_code_result(struct symbol_module *m, uint64_t offset, struct pool *pool, struct symbol_place *place);

/* Returns: the name of the member at `place` that is no larger than `size`, or NULL when the place lies outside of the
 * object; *type is then the member's type. */
const char *symbol_place_name(const struct symbol_place *place, size_t size, struct pool *pool, Dwarf_Die *type);
/* Returns: the same whoever looks at it: by the type where the name is that of a pointer, "account.lock"; or NULL. */
const char *symbol_place_identity(const struct symbol_place *place, size_t size, struct pool *pool);

#endif

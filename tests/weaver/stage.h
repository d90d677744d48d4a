/* stage.h: one function of a real module at a time, where it can be run as it is and as its clone.
 *
 *   ELF file --stage_open--> [text: all INT3 | data | room] --stage_function--> its own bytes in the text, its clone in the room
 *                                                                  --stage_show--> with or without the patches
 *
 * Model:   the module lies as the loader would lay it, its own relative relocations done and no other module there.  Code
 *          outside the function under test is INT3, and so is every CALL of it: control never leaves unnoticed.
 * Sandbox: data and a stack with nothing mapped around them.
 */
#ifndef LOCKHOUND_TESTS_STAGE_H
#define LOCKHOUND_TESTS_STAGE_H

#include "weaver/draft.h"
#include "weaver/model.h"

enum { STAGE_DATA_SIZE = 16384, STAGE_STACK_SIZE = 32768, STAGE_WRITABLE_MOST = 65536 };

struct stage {
    struct elf_module module;
    uint64_t bias;
    uint8_t *mapping;
    size_t mapping_size;
    uint8_t *clone; /* room for it */
    size_t clone_size;
    uint8_t *written; /* the module's data when the program may write them; NULL: a write is a fault */
    size_t written_size;
    uint8_t *data, *stack;
    bool is_narrow; /* which form of clones is made: IMAGE_NARROW */
    /* -- of the function -- */
    struct function function;
    struct image_draft draft;
    uint8_t *plain, *patched; /* its bytes in the text, `text_size` of them */
    size_t text_size;
    uint32_t flags_defined; /* after every instruction of it */
};

/* Maps the sandbox and gives this thread a plane.  Returns: false when the machine does not let it. */
bool stage_begin(struct stage *stage);

/* Returns: NULL, or why the module cannot be staged. */
const char *stage_open(struct stage *stage, const char *path);
void stage_close(struct stage *stage);

/* Returns: NULL, or why the function cannot be run. */
const char *stage_function(struct stage *stage, size_t index);
void stage_function_end(struct stage *stage);
void stage_show(struct stage *stage, bool is_patched);

/* Returns: the instruction of the program that `pc` stands for, in the text or in the clone; in the clone *is_copy says
 * whether it is the copy itself, and not a check around it.  NULL: neither. */
const struct insn *stage_insn_at(const struct stage *stage, uint64_t pc, bool *is_copy);
/* Makes the registers and flags at a stop in a check the program's, by what the library does for a signal's handler. */
void stage_show_state(const struct stage *stage, uint64_t pc, uint64_t *gpr, uint64_t *flags);
/* Returns: the address of the clone of the instruction, checks and all. */
uint64_t stage_clone_of(const struct stage *stage, const struct insn *insn);
bool stage_is_clone(const struct stage *stage, uint64_t pc);

/* ---- routines: they count, spoil the flags, and mark where on the stack they were called ---------------------------------- */

enum stage_mode { STAGE_HIT, STAGE_MISS };
/* What every check finds, for the next run. */
void stage_reset_routines(struct stage *stage, enum stage_mode mode);
/* Returns: whether a call's return address was put on the stack at that byte since. */
bool stage_is_residue(size_t offset);
/* Returns: whether one was called with RSP outside the sandbox's stack. */
bool stage_has_strayed(void);
uint64_t stage_calls(void);

#endif

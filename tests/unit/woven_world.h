/* woven_world.h: runs instructions as they are and as a clone with checks, from the same state, so that a test can compare.
 *
 *   bytes --woven_decode--> struct function --emit_function--> code beside the original --woven_run--> state after
 *
 * Plane:  a whole one of the test's own at the GS base.  Blind: every check hits.  Otherwise every check misses, and the
 *         routines count, note the address in RDI, and spoil the arithmetic flags and what lies below the stack's red zone.
 */
#ifndef LOCKHOUND_WOVEN_WORLD_H
#define LOCKHOUND_WOVEN_WORLD_H

#include "weaver/draft.h"
#include "weaver/model.h"

enum { WOVEN_DATA_SIZE = 4096, WOVEN_STACK_SIZE = 4096, WOVEN_RED_ZONE = 128 };

struct woven_state {
    uint64_t gpr[16];
    uint64_t flags;
    uint8_t xmm[16][16];
    uint8_t data[WOVEN_DATA_SIZE];
    uint8_t stack[WOVEN_STACK_SIZE];
};

struct woven_world {
    uint8_t *text; /* of the original; module addresses are real ones */
    uint8_t *code; /* of the clone */
    uint8_t *data, *stack;
    uint8_t *thunk; /* jump here ends a run */
    struct elf_module module;
    struct elf_segment segment;
    uint8_t *kinds;
    bool is_narrow; /* what is emitted: IMAGE_NARROW */
    bool decides;   /* whether loads that are decoded do */
};

bool woven_world_begin(struct woven_world *world);
/* Writes `size` bytes and a jump that ends the run as the original text, and decodes them.  Every memory operand is an access;
 * `live_after` is what is live at the end.  Returns: false when they do not decode. */
bool woven_decode(struct woven_world *world, struct function *function, const uint8_t *bytes, size_t size,
                  register_set live_after);
/* Emits the clone and maps it with its fix-ups.  Returns: false when it cannot be emitted. */
bool woven_emit(struct woven_world *world, const struct function *function);
/* Runs from `state` and stores the state after in it.  Returns: 0, or the signal that it died of. */
int woven_run(struct woven_world *world, const uint8_t *start, struct woven_state *state);
void woven_set_blind(bool is_blind);
uint64_t woven_calls(void);        /* of routines since the last woven_run() began */
uint64_t woven_last_address(void); /* in RDI at the last one */
/* Returns: the address that operand `index` has in `state`. */
uint64_t woven_address(const struct insn *insn, int index, const struct woven_state *state);

#endif

#include "preload/weave/entered.h"

#include <stdatomic.h>
#include <string.h>

#include "detector/hash_table.h"
#include "preload/frame_cfi.h"
#include "preload/frame_description.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/weave.h"
#include "weaver/plane.h"

enum { OPCODE_JUMP = 0xe9, OPCODE_SHORT_JUMP = 0xeb };

/* The code is asked, not its image, of which gates alone may have been patched.
 * Returns: where a jump at `pc` goes to; `pc` when there is none. */
static uintptr_t follow(uintptr_t pc)
{
    const uint8_t *code = (const uint8_t *)pc; /* NOLINT(performance-no-int-to-ptr): the program's code */
    int32_t far;
    switch (code[0]) {
    case OPCODE_JUMP:
        memcpy(&far, code + 1, sizeof far);
        return pc + IMAGE_JUMP + (uintptr_t)(intptr_t)far;
    case OPCODE_SHORT_JUMP:
        return pc + IMAGE_SHORT_JUMP + (uintptr_t)(intptr_t)(int8_t)code[1];
    default:
        return pc;
    }
}

static bool begins_so(uintptr_t pc)
{
    static const char compare[] = PLANE_ENTERED_COMPARE;
    const char *code = (const char *)pc; /* NOLINT(performance-no-int-to-ptr): as above */
    int32_t field;
    memcpy(&field, code + sizeof compare - 1, sizeof field);
    return memcmp(code, compare, sizeof compare - 1) == 0 && field == PLANE_ENTERED;
}

/* A part of a function that it jumps to, far from the rest, does not begin with a return address on top of the stack. */
static bool is_called(const struct frame_description *description)
{
    struct frame_rule rule = frame_cfi_run(description, description->start);
    return rule.kind == FRAME_FROM_RSP && rule.cfa == sizeof(uintptr_t);
}

static bool look(uintptr_t pc)
{
    struct frame_description description;
    const struct module *m = module_of(pc - 1);
    if (m == NULL || frame_description_read(m, pc - 1, &description) != DESCRIPTION_READ || !is_called(&description))
        return false;
    uintptr_t woven = follow(description.start);
    woven = pc_map_image(woven) == NULL ? follow(woven) : woven;
    return pc_map_image(woven) != NULL && begins_so(woven);
}

/* ---- what is remembered --------------------------------------------------------------------------------------------- */

/* Relaxed throughout: a word is whole, and says all that it says. */
static _Atomic uint64_t remembered[1 << 12]; /* a hash, with the answer as its lowest bit */

bool entered_is_told(uintptr_t pc)
{
    if (!weave_is_on())
        return false;
    uint64_t hash = hash_mix(pc, modules_generation()) | 1;
    _Atomic uint64_t *slot = &remembered[hash >> 1 & (sizeof remembered / sizeof *remembered - 1)];
    uint64_t there = atomic_load_explicit(slot, memory_order_relaxed);
    if ((there | 1) != hash) {
        there = look(pc) ? hash : hash - 1;
        atomic_store_explicit(slot, there, memory_order_relaxed);
    }
    return (there & 1) != 0;
}

#include "preload/unwind.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "preload/modules.h"
#include "preload/ranks.h"
#include "preload/self.h"

enum { OWN_FRAMES_MAX = 16 }; /* between unw_getcontext() and the program */

/* libunwind looks for the module of the cursor's address by dl_iterate_phdr(), which would take the loader's lock and
 * could then wait for a thread that waits for this one; our interposer answers it with this module alone. */
static const struct module *announce_module(struct self *self, uintptr_t pc)
{
    const struct module *m = module_of(pc);
    if (self != NULL)
        self->unwind_module = m;
    return m;
}

static bool step(struct self *self, unw_cursor_t *cursor)
{
    unw_word_t pc = 0;
    if (unw_get_reg(cursor, UNW_REG_IP, &pc) != 0 || announce_module(self, (uintptr_t)pc - 1) == NULL)
        return false;
    return unw_step(cursor) > 0;
}

/* Leaves our own frames.  Returns: false when the program's caller was not met. */
static bool skip_own_frames(struct self *self, unw_cursor_t *cursor, uintptr_t pc)
{
    for (int i = 0; i < OWN_FRAMES_MAX; i++) {
        unw_word_t ip = 0;
        if (!step(self, cursor) || unw_get_reg(cursor, UNW_REG_IP, &ip) != 0)
            return false;
        if (ip == pc)
            return true;
    }
    return false;
}

static void append(struct unwound *result, uintptr_t pc, uintptr_t place, bool exact)
{
    const struct module *m = module_of(exact ? pc : pc - 1);
    result->frames[result->depth] =
        (struct frame){.pc = pc, .module = m == NULL ? 0 : m->id & 0x7fffffffu, .exact = exact};
    result->places[result->depth] = place;
    result->depth++;
}

static void walk(struct self *self, unw_cursor_t *cursor, uint32_t max_depth, struct unwound *result)
{
    while (result->depth < max_depth) {
        bool from_signal = unw_is_signal_frame(cursor) > 0;
        unw_word_t pc = 0, sp = 0;
        if (!step(self, cursor) || unw_get_reg(cursor, UNW_REG_IP, &pc) != 0 ||
            unw_get_reg(cursor, UNW_REG_SP, &sp) != 0 || pc == 0)
            return;
        uintptr_t place = (uintptr_t)sp - sizeof(uintptr_t);
        /* The kernel's frame keeps the interrupted address elsewhere: exact, but not to be compared at a place. */
        if (from_signal || *(const uintptr_t *)place != (uintptr_t)pc)
            result->exact = false;
        append(result, (uintptr_t)pc, place, from_signal);
    }
}

void unwind_from(uintptr_t pc, uintptr_t sp, uint32_t max_depth, struct unwound *result)
{
    (void)sp;
    struct self *self = self_current > SELF_GONE ? self_current : NULL;
    result->depth = 0;
    result->exact = true;
    append(result, pc, 0, false);

    rank_enter(OWN_RANK_UNWIND);
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    if (unw_init_local(&cursor, &context) == 0 && skip_own_frames(self, &cursor, pc))
        walk(self, &cursor, max_depth, result);
    if (self != NULL)
        self->unwind_module = NULL;
    rank_leave(OWN_RANK_UNWIND);
}

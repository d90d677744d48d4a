#include "preload/unknown_code.h"

#include <stdatomic.h>
#include <string.h>

#include "preload/mapping.h"
#include "preload/stacks.h"

/* Frames that are looked up: more are taken for mistakes. */
enum { LOOKS_MOST = 64 };

/* Relaxed throughout: two threads may look at the same stacks, and find the same. */
static _Atomic uint32_t seen; /* stacks up to this number were looked at */
static _Atomic uint32_t looks;
static atomic_bool has_run;

#define LOAD(word)         atomic_load_explicit(&(word), memory_order_relaxed)
#define STORE(word, value) atomic_store_explicit(&(word), (value), memory_order_relaxed)

static bool is_made_at_run_time(uintptr_t pc)
{
    static const char in_memory[] = "/memfd:";
    struct mapping mapping;
    return mapping_find(pc, &mapping) && mapping.executable &&
           (mapping.inode == 0 ? strcmp(mapping.path, "[vdso]") != 0
                               : strncmp(mapping.path, in_memory, sizeof in_memory - 1) == 0);
}

static bool has_unknown_frame(const struct interned_stack *stack)
{
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++) {
        if (stack->frames[i].module != 0 || LOAD(looks) >= LOOKS_MOST)
            continue;
        STORE(looks, LOAD(looks) + 1);
        if (is_made_at_run_time(stack->frames[i].pc))
            return true;
    }
    return false;
}

bool unknown_code_has_run(void)
{
    uint32_t count = stacks_count();
    for (uint32_t number = LOAD(seen) + 1; number <= count && !LOAD(has_run); number++)
        if (has_unknown_frame(stacks_get((struct stack_id){number})))
            STORE(has_run, true);
    STORE(seen, count);
    return LOAD(has_run);
}

#include "preload/runtimes/cpython.h"

#include <stdatomic.h>

#include "preload/arena.h"
#include "preload/dynamic_symbol.h"
#include "preload/modules.h"
#include "preload/runtimes/cpython_frames.h"
#include "preload/sink.h"

enum { CACHE_SIZE = 128, DESCRIBED_SIZE = 256 };

/* Allocated when a thread is first met with the GIL. */
struct cpython_thread {
    struct cpython_cache_line {
        uint64_t key; /* of native stack and Python frames; 0: free */
        struct stack_id stack;
        enum cpython_intent intent;
    } cache[CACHE_SIZE];
    struct cpython_described {
        uint64_t key; /* of the frame; 0: free */
        const void *code;
        struct frame frame;
        bool has_intent;
        enum cpython_intent intent;
    } described[DESCRIBED_SIZE]; /* stacks that are new have most of their frames in common with others */
    const void *tried;           /* the semaphore that this thread found taken, and is about to wait for */
    struct stack_id tried_at;
    enum cpython_intent intent;
};

bool cpython_is_present;

static struct {
    atomic_uint looked_at; /* modules_generation() + 1 */
    uintptr_t acquire;     /* PyThread_acquire_lock_timed */
    uint32_t module;       /* where that is */
    uintptr_t runtime_low;
    size_t runtime_size;
    /* Whether frames can be read: under the GIL, and once REFUTED for ever so. */
    enum { FRAMES_UNKNOWN, FRAMES_EXPECTED, FRAMES_CONFIRMED, FRAMES_REFUTED } frames;
} interpreter;

/* ---- presence ------------------------------------------------------------------------------------------------------- */

static void say_what_is_not_seen(void)
{
    const unsigned long first_with_own_locks = 0x030d0100; /* 3.13.1: PyMutex under threading.Lock */
    const unsigned long *version = (const unsigned long *)dynamic_symbol_find("Py_Version");
    if (version != NULL && *version >= first_with_own_locks)
        sink_note("python-locks", "this Python takes and leaves a lock that nobody waits for without calling libc: the "
                                  "order of its locks is not seen, nor whom a waiting thread waits for");
}

static void say_no_frames(void)
{
    sink_note("python-frames", "the frames of this version of Python cannot be read: stacks show the interpreter's own "
                               "functions, and the order of Python's locks is seen only where a thread had to wait");
}

/* Several threads may be here at once: all of them write the same. */
static void meet(uintptr_t acquire)
{
    const struct module *m = module_of(acquire);
    interpreter.module = m == NULL ? 0 : m->id;
    interpreter.acquire = acquire;
    interpreter.runtime_low = dynamic_symbol_find_object("_PyRuntime", &interpreter.runtime_size);
    bool is_readable = cpython_frames_init();
    interpreter.frames = is_readable ? FRAMES_EXPECTED : FRAMES_REFUTED;
    say_what_is_not_seen();
    if (!is_readable)
        say_no_frames();
}

bool cpython_look(void)
{
    unsigned now = modules_generation() + 1;
    /* acquire: pairs with the release below, so that who sees the mark sees what was found */
    if (hook_likely(atomic_load_explicit(&interpreter.looked_at, memory_order_acquire) == now))
        return cpython_is_present;
    uintptr_t acquire = dynamic_symbol_find("PyThread_acquire_lock_timed");
    if (acquire != 0 && acquire != interpreter.acquire)
        meet(acquire);
    cpython_is_present = acquire != 0;
    atomic_store_explicit(&interpreter.looked_at, now, memory_order_release);
    return cpython_is_present;
}

bool cpython_owns(uintptr_t address)
{
    return cpython_look() && address - interpreter.runtime_low < interpreter.runtime_size;
}

bool cpython_has_code(uintptr_t address)
{
    const struct module *m = cpython_is_present ? module_of(address) : NULL;
    return m != NULL && m->id == interpreter.module;
}

/* ---- stacks --------------------------------------------------------------------------------------------------------- */

static bool confirm_frames(void *thread)
{
    if (hook_unlikely(interpreter.frames == FRAMES_EXPECTED)) {
        switch (cpython_frames_confirm(thread)) {
        case CPYTHON_LAYOUT_UNTRIED:
            return false;
        case CPYTHON_LAYOUT_CONFIRMED:
            interpreter.frames = FRAMES_CONFIRMED;
            break;
        case CPYTHON_LAYOUT_REFUTED:
            interpreter.frames = FRAMES_REFUTED;
            say_no_frames();
            break;
        }
    }
    return interpreter.frames == FRAMES_CONFIRMED;
}

/* Whose tries stand before a wait: the interpreter's own locks, and those of its multiprocessing module. */
static bool is_of_runtime(const struct frame *caller)
{
    if (caller->module == interpreter.module)
        return true;
    const struct module *m = module_of(dynamic_symbol_find("PyInit__multiprocessing"));
    return m != NULL && m->id == caller->module;
}

static struct cpython_described *describe(struct cpython_thread *thread, const struct cpython_frame *frame)
{
    uint64_t key = cpython_frames_key(0, frame);
    struct cpython_described *known = &thread->described[(key ^ key >> 32) % DESCRIBED_SIZE];
    if (known->key != key || known->code != frame->code)
        *known = (struct cpython_described){.key = key, .code = frame->code, .frame = cpython_frames_describe(frame)};
    return known;
}

static enum cpython_intent intent_of(struct cpython_thread *thread, const struct cpython_frame *frame)
{
    struct cpython_described *known = describe(thread, frame);
    if (!known->has_intent) {
        known->intent = cpython_frames_intent(frame);
        known->has_intent = true;
    }
    return known->intent;
}

/* Python's frames stand for the interpreter's own; code of other modules that Python called stays before them. */
static struct stack_id intern(struct cpython_thread *thread, const struct interned_stack *native,
                              const struct cpython_frames *python)
{
    struct frame frames[STACK_MAX_DEPTH];
    uint32_t depth = 0, max_depth = lockhound.options.stack_depth;
    if (!is_of_runtime(&native->frames[0]))
        while (depth < native->depth && depth < max_depth && native->frames[depth].module != interpreter.module) {
            frames[depth] = native->frames[depth];
            depth++;
        }
    for (uint32_t i = 0; i < python->depth && depth < max_depth; i++)
        frames[depth++] = describe(thread, &python->frames[i])->frame;
    const struct interned_stack *stack = stacks_intern(frames, depth);
    return stacks_id(stack == NULL ? native : stack);
}

struct stack_id cpython_stack_of(struct self *self, struct stack_id native, enum cpython_intent *intent)
{
    void *thread =
        self->signal_depth == 0 && interpreter.frames >= FRAMES_EXPECTED && interpreter.frames != FRAMES_REFUTED
            ? cpython_frames_thread()
            : NULL;
    if (thread == NULL || !confirm_frames(thread))
        return native;
    if (self->cpython == NULL && (self->cpython = arena_alloc(sizeof *self->cpython)) == NULL)
        return native;

    struct cpython_frames frames;
    cpython_frames_walk(thread, lockhound.options.stack_depth, &frames);
    const struct interned_stack *stack = stacks_get(native);
    if (frames.depth == 0 || stack == NULL)
        return native;
    uint64_t key = frames.key ^ native.v * UINT64_C(0xD6E8FEB86659FD93);
    struct cpython_cache_line *line = &self->cpython->cache[(key ^ key >> 32) % CACHE_SIZE];
    if (line->key != key) {
        *line = (struct cpython_cache_line){key, intern(self->cpython, stack, &frames), CPYTHON_TRIES};
        if (is_of_runtime(&stack->frames[0]))
            line->intent = intent_of(self->cpython, &frames.frames[0]);
    }
    *intent = line->intent;
    return line->stack;
}

/* ---- a try that fails, and the wait after it ------------------------------------------------------------------------ */

void cpython_remember_try(struct self *self, const void *sem, struct stack_id at, enum cpython_intent intent)
{
    if (self->cpython == NULL)
        return;
    self->cpython->tried = sem;
    self->cpython->tried_at = at;
    self->cpython->intent = intent;
}

struct stack_id cpython_stack_of_wait(struct self *self, const void *sem, struct stack_id native,
                                      enum cpython_intent *intent)
{
    if (self->cpython == NULL || self->cpython->tried != sem)
        return native;
    self->cpython->tried = NULL;
    *intent = self->cpython->intent;
    return self->cpython->tried_at;
}

void cpython_forget_thread(struct cpython_thread *thread)
{
    arena_free(thread, sizeof *thread);
}

#include "fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "annotate.h"

#ifdef LHP_ASAN
#include <sanitizer/common_interface_defs.h>
#define ASAN_START(fake, bottom, size)  __sanitizer_start_switch_fiber((fake), (bottom), (size))
#define ASAN_FINISH(fake, bottom, size) __sanitizer_finish_switch_fiber((fake), (bottom), (size))
#else
#define ASAN_START(fake, bottom, size)  ((void)(fake), (void)(bottom), (void)(size))
#define ASAN_FINISH(fake, bottom, size) ((void)(fake), (void)(bottom), (void)(size))
#endif

#ifdef LHP_TSAN
#define TSAN_FIBER_NEW()     __tsan_create_fiber(0)
#define TSAN_FIBER_DELETE(f) __tsan_destroy_fiber(f)
#define TSAN_FIBER_SELF()    __tsan_get_current_fiber()
#define TSAN_SWITCH(f)       __tsan_switch_to_fiber((f), 0)
#else
#define TSAN_FIBER_NEW()     NULL
#define TSAN_FIBER_DELETE(f) ((void)(f))
#define TSAN_FIBER_SELF()    NULL
#define TSAN_SWITCH(f)       ((void)(f))
#endif

/* makecontext passes ints only, so the pointer comes in two halves. */
static void fiber_main(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)((uintptr_t)high << 16 << 16 | low);
    ASAN_FINISH(f->asan_inside, &f->asan_bottom, &f->asan_size);
    f->body(f->arg);
    lhp_fiber_leave(f, true);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

bool lhp_fiber_init(struct fiber *f, size_t stack_size, void (*body)(void *arg), void *arg)
{
    size_t page = page_size();
    size_t whole = (stack_size + 2 * page - 1) / page * page;
    void *stack = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    mprotect(stack, page, PROT_NONE);
    *f = (struct fiber){.body = body, .arg = arg, .stack = stack, .stack_size = whole};
    getcontext(&f->inside);
    f->inside.uc_stack.ss_sp = f->stack + page;
    f->inside.uc_stack.ss_size = whole - page;
    f->inside.uc_link = NULL;
    uintptr_t self = (uintptr_t)f;
    makecontext(&f->inside, (void (*)(void))(void *)fiber_main, 2, (unsigned)(self >> 16 >> 16), (unsigned)self);
    f->tsan_inside = TSAN_FIBER_NEW();
    return true;
}

void lhp_fiber_destroy(struct fiber *f)
{
    TSAN_FIBER_DELETE(f->tsan_inside);
    munmap(f->stack, f->stack_size);
}

void lhp_fiber_enter(struct fiber *f)
{
    f->tsan_outside = TSAN_FIBER_SELF();
    ASAN_START(&f->asan_outside, f->inside.uc_stack.ss_sp, f->inside.uc_stack.ss_size);
    TSAN_SWITCH(f->tsan_inside);
    swapcontext(&f->outside, &f->inside);
    ASAN_FINISH(f->asan_outside, NULL, NULL);
}

void lhp_fiber_leave(struct fiber *f, bool last)
{
    ASAN_START(last ? NULL : &f->asan_inside, f->asan_bottom, f->asan_size);
    TSAN_SWITCH(f->tsan_outside);
    swapcontext(&f->inside, &f->outside);
    ASAN_FINISH(f->asan_inside, &f->asan_bottom, &f->asan_size);
}

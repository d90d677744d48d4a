/* test_frame_walk.c: walks by the rules in .eh_frame meet the frames that the compiler's own unwinder meets. */
#include <execinfo.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "preload/frame_rule.h"
#include "preload/frame_walk.h"

enum { FRAMES = 64, MODULES = 16, PAGE = 4096 };

/* ---- modules, as the loader tells them ---------------------------------------------------------------------------- */

static struct module modules[MODULES];
static size_t module_count;

static int take_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    struct module *m = &modules[module_count];
    if (module_count == MODULES)
        return 0;
    *m = (struct module){.id = (uint32_t)++module_count,
                         .low = UINTPTR_MAX,
                         .bias = info->dlpi_addr,
                         .phdr = info->dlpi_phdr,
                         .phdr_count = info->dlpi_phnum};
    for (unsigned i = 0; i < m->phdr_count; i++) {
        uintptr_t low = m->bias + m->phdr[i].p_vaddr, high = low + m->phdr[i].p_memsz;
        if (m->phdr[i].p_type != PT_LOAD)
            continue;
        m->low = low < m->low ? low : m->low;
        m->high = high > m->high ? high : m->high;
    }
    return 0;
}

const struct module *module_of(uintptr_t address)
{
    for (size_t i = 0; i < module_count; i++)
        if (address >= modules[i].low && address < modules[i].high)
            return &modules[i];
    return NULL;
}

unsigned modules_generation(void)
{
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    dl_iterate_phdr(take_module, NULL);
    return 0;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------- */

struct stack {
    void *theirs[FRAMES];
    uintptr_t ours[FRAMES];
    int their_depth, our_depth;
    enum frame_step last;
    uintptr_t high;
    bool is_fiber;
};

static struct stack stack;

/* Both from here; the innermost is this function, at places that differ. */
static __attribute__((noinline)) void take_stack(void)
{
    struct frame_walk walk = {.is_innermost = true, .extent.high = stack.high};
    __asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"
                     : "=r"(walk.pc), "=r"(walk.sp), "=r"(walk.bp));
    if (stack.is_fiber)
        walk.extent = stack_extent_at(0, 0, walk.sp);
    stack.our_depth = 1;
    while (stack.our_depth < FRAMES && (stack.last = frame_walk_step(&walk)) == FRAME_STEPPED)
        stack.ours[stack.our_depth++] = walk.pc;
    stack.their_depth = backtrace(stack.theirs, FRAMES);
}

static void expect_same(void)
{
    int more = 0; /* frames of a sanitizer's around backtrace() */
    while (more < 4 && (uintptr_t)stack.theirs[1 + more] != stack.ours[1])
        more++;
    assert_int_equal(stack.last, FRAME_ENDED);
    /* Behind the outermost caller backtrace() tells what it finds there, which may be one frame more. */
    assert_in_range(stack.their_depth - more - stack.our_depth, 0, 1);
    assert_true(stack.our_depth > 4);
    for (int i = 1; i < stack.our_depth; i++)
        assert_int_equal(stack.ours[i], (uintptr_t)stack.theirs[i + more]);
}

static int compare(const void *a, const void *b)
{
    if (stack.our_depth == 0)
        take_stack();
    return *(const int *)a - *(const int *)b;
}

/* A frame of libc in the midst. */
static __attribute__((noinline)) void sort(void)
{
    int numbers[] = {3, 1, 2};
    qsort(numbers, 3, sizeof numbers[0], compare);
    assert_int_equal(numbers[0], 1);
}

/* A frame whose size is not known before it runs: found by RBP. */
static __attribute__((noinline)) void sort_in_room(size_t size)
{
    volatile char *room = __builtin_alloca(size);
    room[size - 1] = 0;
    sort();
    room[0] = 0;
}

/* A frame that is aligned and of a size not known before: gcc keeps its canonical frame address in it. */
static __attribute__((noinline)) void sort_aligned(size_t size)
{
    _Alignas(64) volatile char line[64];
    volatile char *room = __builtin_alloca(size);
    line[0] = room[size - 1] = 1;
    __asm__ volatile("" ::"r"(line), "r"(room) : "memory");
    sort_in_room(size);
    line[1] = line[0];
}

static __attribute__((noinline)) void descend(int depth)
{
    if (depth == 0)
        sort_aligned(1000);
    else
        descend(depth - 1);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static void stacks_are_those_of_the_unwinder(void **state)
{
    (void)state;
    stack = (struct stack){.high = (uintptr_t)__builtin_frame_address(0) + ((uintptr_t)1 << 16)};
    descend(10);
    expect_same();
}

static ucontext_t fiber, back;

static void run_fiber(void)
{
    descend(10);
}

/* Several pages of stack, behind which nothing can be read. */
static void the_stack_of_a_fiber_is_walked_to_its_end(void **state)
{
    (void)state;
    enum { PAGES = 64 };
    char *room = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    assert_int_equal(mprotect(room + PAGES * PAGE, PAGE, PROT_NONE), 0);
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = room;
    fiber.uc_stack.ss_size = PAGES * PAGE;
    fiber.uc_link = &back;
    makecontext(&fiber, run_fiber, 0);
    stack = (struct stack){.is_fiber = true};
    assert_int_equal(swapcontext(&back, &fiber), 0);
    munmap(room, (PAGES + 1) * PAGE);
    expect_same();
}

static void an_open_extent_ends_where_memory_does(void **state)
{
    (void)state;
    char *room = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    assert_int_equal(mprotect(room + 2 * PAGE, PAGE, PROT_NONE), 0);
    uintptr_t low = (uintptr_t)room;
    struct stack_extent extent = stack_extent_at(0, 0, low + 16);
    assert_int_equal(extent.high, low + PAGE);
    assert_true(stack_extent_holds(&extent, low + PAGE - 8));
    assert_int_equal(extent.high, low + PAGE); /* nobody asked for more */
    assert_true(stack_extent_holds(&extent, low + PAGE));
    assert_int_equal(extent.high, low + 2 * PAGE);
    assert_false(stack_extent_holds(&extent, low + PAGE + 4));
    assert_false(stack_extent_holds(&extent, low + 2 * PAGE));
    assert_true(stack_extent_holds(&extent, low + 3 * PAGE));
    assert_int_equal(extent.high, low + 2 * PAGE); /* a page further out says nothing of those between */
    assert_false(stack_extent_holds(&extent, (uintptr_t)&extent)); /* the program's stack is too far out to be meant */
    munmap(room, 4 * PAGE);
    extent = stack_extent_at(low, low + PAGE, low + 16);
    assert_false(stack_extent_holds(&extent, low + PAGE));
    /* A stack pointer at the end of a page has used that page, and not yet the next. */
    assert_int_equal(stack_extent_at(0, 0, low + PAGE).high, low + PAGE);
}

static void nothing_is_read_behind_the_end(void **state)
{
    (void)state;
    stack = (struct stack){.high = (uintptr_t)__builtin_frame_address(0)};
    take_stack();
    assert_int_equal(stack.our_depth, 2); /* this function; its own frame reaches over the end */
    assert_int_equal(stack.last, FRAME_UNABLE);
}

/* ---- rules -------------------------------------------------------------------------------------------------------- */

/* Through all of libc's code: rules are read without harm, and nearly all are of the usual kind. */
static void most_code_has_a_usual_rule(void **state)
{
    (void)state;
    const struct module *m = module_of((uintptr_t)qsort);
    size_t told = 0, usual = 0;
    assert_non_null(m);
    for (unsigned i = 0; i < m->phdr_count; i++) {
        if (m->phdr[i].p_type != PT_LOAD || (m->phdr[i].p_flags & PF_X) == 0)
            continue;
        uintptr_t low = m->bias + m->phdr[i].p_vaddr;
        for (uintptr_t pc = low; pc < low + m->phdr[i].p_filesz; pc += 7) {
            enum frame_rule_kind kind = frame_rule_find(pc).kind;
            told += kind != FRAME_UNTOLD;
            usual += kind == FRAME_FROM_RSP || kind == FRAME_FROM_RBP;
        }
    }
    assert_true(told > 100000);
    assert_true(usual > told / 100 * 95);
}

static void a_rule_is_the_same_when_it_is_remembered(void **state)
{
    (void)state;
    uintptr_t pc = (uintptr_t)qsort;
    struct frame_rule first = frame_rule_find(pc), again = frame_rule_find(pc);
    assert_int_equal(first.kind, FRAME_FROM_RSP);
    assert_int_equal(first.cfa, 8); /* at a function's first instruction */
    assert_int_equal(first.rbp, 0);
    assert_int_equal(first.module, module_of(pc)->id);
    assert_memory_equal(&first, &again, sizeof first);
}

static void code_that_nothing_describes_is_told_once(void **state)
{
    (void)state;
    static char code[64]; /* as of a compiler at run time; then as of a library that another kind of linker wrote */
    uintptr_t pc = (uintptr_t)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct frame_rule rule;
    assert_null(module_of(pc));
    assert_false(frame_rule_find_known(pc, &rule));
    assert_int_equal(frame_rule_find(pc).kind, FRAME_UNTOLD);
    assert_true(frame_rule_find_known(pc, &rule));
    assert_int_equal(rule.kind, FRAME_UNTOLD);
    assert_int_equal(rule.module, 0);
    munmap((void *)pc, PAGE);

    struct module described = modules[0];
    modules[0] = (struct module){.id = 1, .low = (uintptr_t)code, .high = (uintptr_t)code + sizeof code};
    rule = frame_rule_find((uintptr_t)code + 8);
    modules[0] = described;
    assert_int_equal(rule.kind, FRAME_UNTOLD);
    assert_int_equal(rule.module, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_are_those_of_the_unwinder),
        cmocka_unit_test(the_stack_of_a_fiber_is_walked_to_its_end),
        cmocka_unit_test(an_open_extent_ends_where_memory_does),
        cmocka_unit_test(nothing_is_read_behind_the_end),
        cmocka_unit_test(most_code_has_a_usual_rule),
        cmocka_unit_test(a_rule_is_the_same_when_it_is_remembered),
        cmocka_unit_test(code_that_nothing_describes_is_told_once),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

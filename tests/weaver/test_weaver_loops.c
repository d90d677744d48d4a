/* test_weaver_loops.c: what is told of a counted loop before its first round is what it then does, to the byte.
 *
 *   loop --weave--> clone --run, its runs refused--> accesses, one by one
 *                      \----run, its runs taken----> stretches, and what is left one by one   ==  the same places
 *
 * Both runs must also end alike.  Loops differ in how they count: width, direction, step, condition, where the counter moves on, what it
 * is held against.
 */
#include <asm/prctl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "weaver/draft.h"
#include "weaver/emit.h"
#include "weaver/model.h"
#include "weaver/plane.h"

/* ---- loops --------------------------------------------------------------------------------------------------------- */

/* RDI: where the array begins.  RSI: the counter at the beginning, RDX: what it is held against.  RAX: what comes of it. */
typedef uint64_t loop_function(uint64_t array, uint64_t counter, uint64_t bound);

#define LOOP(name, body)                                                                                               \
    extern loop_function name;                                                                                         \
    __asm__(".text\n.globl " #name "\n.type " #name ",@function\n" #name ":\n.cfi_startproc\n\txor %eax, %eax\n"       \
            "\txor %ecx, %ecx\n1:\n" body "\n\tret\n.cfi_endproc\n.size " #name ", . - " #name "\n")

LOOP(up_not_equal, "addq (%rdi,%rsi,8), %rax\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(up_mirrored, "addl (%rdi,%rsi,4), %eax\n inc %rsi\n cmp %rsi, %rdx\n ja 1b");
LOOP(up_below, "addb (%rdi,%rsi), %al\n add $1, %rsi\n cmp %rdx, %rsi\n jb 1b");
LOOP(up_not_above, "addw (%rdi,%rsi,2), %ax\n add $1, %rsi\n cmp %rdx, %rsi\n jbe 1b");
LOOP(up_less, "addq (%rdi,%rsi,4), %rax\n add $2, %rsi\n cmp %rdx, %rsi\n jl 1b");
LOOP(up_not_greater, "movups (%rdi,%rsi,4), %xmm0\n add $4, %rsi\n cmp %rdx, %rsi\n jle 1b");
LOOP(up_compared_first, "addl (%rdi,%rsi,4), %eax\n cmp %rdx, %rsi\n lea 1(%rsi), %rsi\n jne 1b");
LOOP(up_moved_first, "add $1, %rsi\n addl (%rdi,%rsi,4), %eax\n cmp %rdx, %rsi\n jne 1b");
LOOP(up_by_24, "addq (%rdi,%rcx), %rax\n add $8, %rcx\n add $24, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(up_short, "addl (%rdi,%rcx,4), %eax\n inc %rcx\n add $1, %esi\n cmp %edx, %esi\n jl 1b");
LOOP(up_short_unsigned, "addl (%rdi,%rcx,4), %eax\n inc %rcx\n add $1, %esi\n cmp %edx, %esi\n jb 1b");
LOOP(up_short_wraps, "addl (%rdi,%rcx,4), %eax\n inc %rcx\n add $1, %esi\n cmp %edx, %esi\n jne 1b");
LOOP(up_immediate, "addq (%rdi,%rsi,8), %rax\n add $1, %rsi\n cmp $100, %rsi\n jne 1b");
LOOP(up_to_zero, "addl 4096(%rdi,%rsi,4), %eax\n add $1, %rsi\n jne 1b");
LOOP(down_not_equal, "addl (%rdi,%rdx,4), %eax\n sub $1, %rdx\n cmp %rsi, %rdx\n jne 1b");
LOOP(down_above, "addq (%rdi,%rdx,4), %rax\n sub $2, %rdx\n cmp %rsi, %rdx\n ja 1b");
LOOP(down_not_below, "addq (%rdi,%rdx,4), %rax\n sub $2, %rdx\n cmp %rsi, %rdx\n jae 1b");
LOOP(down_greater, "movups (%rdi,%rdx,4), %xmm0\n sub $4, %rdx\n cmp %rsi, %rdx\n jg 1b");
LOOP(down_not_less, "addl (%rdi,%rdx,4), %eax\n sub $1, %rdx\n cmp %rsi, %rdx\n jge 1b");
LOOP(down_counted, "addl (%rdi), %eax\n add $4, %rdi\n sub $1, %rdx\n jne 1b");
LOOP(down_counted_short, "addq (%rdi), %rax\n add $8, %rdi\n dec %edx\n jne 1b");
LOOP(down_while_more, "addl (%rdi,%rcx), %eax\n add $4, %rcx\n sub $16, %rdx\n ja 1b");
LOOP(down_tested, "addl (%rdi,%rcx), %eax\n lea 4(%rcx), %rcx\n sub $1, %rdx\n test %rdx, %rdx\n jg 1b");
LOOP(writes, "movq %xmm0, (%rdi,%rsi,8)\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(changes, "incl (%rdi,%rsi,4)\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(neighbours, "add 8(%rdi,%rsi,8), %rax\n add (%rdi,%rsi,8), %rax\n add 16(%rdi,%rsi,8), %rax\n"
                 " add %rax, 2048(%rdi,%rsi,8)\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(neighbours_down, "add 8(%rdi,%rdx,8), %rax\n add (%rdi,%rdx,8), %rax\n add 16(%rdi,%rdx,8), %rax\n"
                      " sub $1, %rdx\n cmp %rsi, %rdx\n jne 1b");
LOOP(one_place, "addl %esi, 64(%rdi)\n addl (%rdi,%rsi,4), %eax\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(sometimes, "addl (%rdi,%rsi,4), %eax\n test $1, %esi\n je 2f\n addl 2048(%rdi,%rsi,4), %eax\n2:"
                " add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(by_what_it_read, "addl (%rdi,%rsi,4), %r8d\n and $7, %r8d\n addl 2048(%rdi,%r8,4), %eax\n"
                      " add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(by_rsi_alone, "addl (%rsi), %eax\n add $4, %rsi\n cmp %rdx, %rsi\n jne 1b");
/* May be atomic moves, of which the first decides what the other stores. */
LOOP(may_be_atomic, "mov (%rdi,%rsi,8), %rcx\n mov %rcx, 2048(%rdi,%rsi,8)\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
/* Without a run, or not counted. */
LOOP(gaps, "addl (%rdi,%rsi,8), %eax\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b");
LOOP(left_early, "mov (%rdi,%rsi,4), %r8d\n test %r8d, %r8d\n js 2f\n add $1, %rsi\n cmp %rdx, %rsi\n jne 1b\n2:");
LOOP(bound_moves, "addl (%rdi,%rsi,4), %eax\n add $1, %rsi\n sub $1, %rdx\n cmp %rdx, %rsi\n jb 1b");
LOOP(step_varies, "mov (%rdi,%rsi), %r8d\n and $4, %r8\n lea 4(%rsi,%r8), %rsi\n cmp %rdx, %rsi\n jb 1b");
LOOP(wrong_way, "addl (%rdi,%rsi,4), %eax\n add $1, %rsi\n cmp %rdx, %rsi\n ja 1b");

enum { ARRAY_BYTES = 65536 };

static const struct subject {
    const char *name;
    loop_function *function;
    bool is_counted;
    unsigned step;
    bool is_fixed;   /* the bound is 100 */
    bool is_to_zero; /* the counter begins below 0 */
    bool is_address; /* counter and bound are addresses */
    bool is_whole;   /* 32 bits count, the rest is anything */
    bool is_down;    /* to 0 */
} subjects[] = {
#define COUNTED(name, ...)                                                                                             \
    {                                                                                                                  \
#name, name, .is_counted = true, __VA_ARGS__                                                                   \
    }
    COUNTED(up_not_equal, .step = 1),
    COUNTED(up_mirrored, .step = 1),
    COUNTED(up_below, .step = 1),
    COUNTED(up_not_above, .step = 1),
    COUNTED(up_less, .step = 1),
    COUNTED(up_not_greater, .step = 1),
    COUNTED(up_compared_first, .step = 1),
    COUNTED(up_moved_first, .step = 1),
    COUNTED(up_by_24, .step = 24),
    COUNTED(up_short, .step = 1, .is_whole = true),
    COUNTED(up_short_unsigned, .step = 1, .is_whole = true),
    COUNTED(up_short_wraps, .step = 1, .is_whole = true),
    COUNTED(up_immediate, .step = 1, .is_fixed = true),
    COUNTED(up_to_zero, .step = 1, .is_to_zero = true),
    COUNTED(down_not_equal, .step = 1),
    COUNTED(down_above, .step = 1),
    COUNTED(down_not_below, .step = 1),
    COUNTED(down_greater, .step = 1),
    COUNTED(down_not_less, .step = 1),
    COUNTED(down_counted, .step = 1),
    COUNTED(down_counted_short, .step = 1, .is_whole = true, .is_down = true),
    COUNTED(down_while_more, .step = 1),
    COUNTED(down_tested, .step = 1),
    COUNTED(writes, .step = 1),
    COUNTED(changes, .step = 1),
    COUNTED(neighbours, .step = 1),
    COUNTED(neighbours_down, .step = 1),
    COUNTED(one_place, .step = 1),
    COUNTED(sometimes, .step = 1),
    COUNTED(by_what_it_read, .step = 1),
    COUNTED(by_rsi_alone, .step = 4, .is_address = true),
    {"may_be_atomic", may_be_atomic, .step = 1},
    {"gaps", gaps, .step = 1},
    {"left_early", left_early, .step = 1},
    {"bound_moves", bound_moves, .step = 1},
    {"step_varies", step_varies, .step = 4},
    {"wrong_way", wrong_way, .step = 1},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

/* ---- what routines are told ------------------------------------------------------------------------------------------ */

static _Alignas(4096) uint8_t array[ARRAY_BYTES];
static uint8_t told[2][ARRAY_BYTES]; /* bits: read, written */
static uint8_t *tags;                /* of the address 0 */
static bool takes_runs;
static uint64_t runs_taken;

static void tell(uint64_t address, uint64_t size, bool is_write)
{
    uint64_t at = address - (uint64_t)(uintptr_t)array;
    assert_true(at < ARRAY_BYTES && at + size <= ARRAY_BYTES);
    for (uint64_t i = 0; i < size; i++)
        told[takes_runs][at + i] |= is_write ? 2 : 1;
}

struct image_site site_behind(const uint8_t *return_address);
struct image_site site_behind(const uint8_t *return_address)
{
    uint32_t mark;
    assert_memory_equal(return_address, IMAGE_MARK_OPCODE, IMAGE_MARK_AT);
    memcpy(&mark, return_address + IMAGE_MARK_AT, sizeof mark);
    return image_mark_read(mark);
}

/* Returns: what RSI becomes. */
uint64_t routine_told(uint64_t address, uint64_t rounds, const uint8_t *return_address, uint64_t is_run);
uint64_t routine_told(uint64_t address, uint64_t rounds, const uint8_t *return_address, uint64_t is_run)
{
    struct image_site site = site_behind(return_address);
    bool is_write = (site.flags & IMAGE_SITE_WRITE) != 0;
    if (is_run && !takes_runs)
        return 0;
    if (!is_run) {
        tell(address, site.size, is_write);
        return rounds;
    }
    uint32_t mark;
    memcpy(&mark, return_address + IMAGE_MARK_LENGTH + IMAGE_MARK_AT, sizeof mark);
    struct image_run run = image_run_read(mark);
    int64_t first = 0, end = (int64_t)rounds;
    if (run.uncovered != IMAGE_RUN_ALL && run.uncovered > 0)
        first = end - run.uncovered > 0 ? end - run.uncovered : 0;
    else if (run.uncovered < 0)
        end = -run.uncovered < end ? -run.uncovered : end;
    for (int64_t i = first; i < end; i++)
        tell(address + (uint64_t)(i * run.stride), site.size, is_write);
    runs_taken++;
    return rounds;
}

/* Of RUN routines CL is 1; all registers are kept, the flags are not. */
extern const uint8_t routine_of_access[], routine_of_run[];
__asm__(".text\n.type routine_of_access,@function\nroutine_of_access:\n\tpush %rcx\n\tmov $0, %ecx\n\tjmp 1f\n"
        ".type routine_of_run,@function\nroutine_of_run:\n\tpush %rcx\n\tmov $1, %ecx\n"
        "1:\n\tpush %rax\n\tpush %rdx\n\tpush %rdi\n\tpush %r8\n\tpush %r9\n\tpush %r10\n\tpush %r11\n\tpush %rbp\n"
        "\tmov 72(%rsp), %rdx\n\tmov %rsp, %rbp\n\tpush %rsi\n\tpush %rcx\n\tand $-16, %rsp\n\tcall routine_told\n"
        "\tmov %rax, %rsi\n\tcmpb $0, -16(%rbp)\n\tjne 2f\n\tmov -8(%rbp), %rsi\n2:\n\tmov %rbp, %rsp\n"
        "\tpop %rbp\n\tpop %r11\n\tpop %r10\n\tpop %r9\n\tpop %r8\n\tpop %rdi\n\tpop %rdx\n\tpop %rax\n\tpop "
        "%rcx\n\tret\n");

/* Every check misses: no tag is that of this generation, and none is set. */
static void make_plane(void)
{
    uint8_t *mapping = mmap(NULL, PLANE_MAPPING(PLANE_WIDE), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(mapping != MAP_FAILED);
    struct plane_header *header = (struct plane_header *)(void *)mapping;
    for (size_t i = 0; i < PLANE_ROUTINE_COUNT; i++)
        header->routine[i] = (uint64_t)(uintptr_t)routine_of_access;
    header->routine[PLANE_READ_RUN] = header->routine[PLANE_WRITE_RUN] = (uint64_t)(uintptr_t)routine_of_run;
    header->write_tag = UINT64_C(0x0303030303030303);
    header->read_tag = UINT64_C(0x0202020202020202);
    header->generations = UINT64_C(0xfefefefefefefefe);
    header->window = PLANE_WINDOW_MASK(PLANE_WIDE);
    tags = mapping + PLANE_SKEW;
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, mapping + PLANE_SKEW), 0);
}

/* ---- clones -------------------------------------------------------------------------------------------------------- */

static struct elf_module own_module;

static void make_model(const char *name, struct function *function)
{
    for (size_t i = 0; i < own_module.function_count; i++) {
        assert_true(function_model_make(&own_module, i, function));
        if (function->name && strcmp(function->name, name) == 0)
            return;
        function_model_free(function);
    }
    fail_msg("no function %s", name);
}

/* Near the module, for its fix-ups. */
static uint8_t *room_near(uintptr_t place)
{
    for (uintptr_t at = (place | 0xfffff) + 1 + (64 << 20); at < place + (UINT64_C(1) << 30); at += 1 << 20) {
        void *room = mmap((void *)at, 65536, PROT_READ | PROT_WRITE, /* NOLINT(performance-no-int-to-ptr) */
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (room == (void *)at) /* NOLINT(performance-no-int-to-ptr) */
            return room;
    }
    fail_msg("no room");
    return NULL;
}

static loop_function *weave(const struct subject *subject, size_t *loops)
{
    struct function function;
    struct image_draft draft;
    make_model(subject->name, &function);
    *loops = function.loop_count;
    uintptr_t bias = (uintptr_t)subject->function - function.range.low;
    uint8_t *code = room_near((uintptr_t)subject->function);
    draft_begin(&draft);
    emit_function(&draft, &own_module, &function, IMAGE_GATE_NONE);
    draft_settle(&draft);
    assert_false(draft.has_failed);
    assert_true(draft.code_size <= 65536);
    memcpy(code, draft.code, draft.code_size);
    const uint32_t *fixups = draft.fixups.data;
    for (size_t i = 0; i < draft.fixups.count; i++) {
        uint32_t value;
        memcpy(&value, code + fixups[i], sizeof value);
        value += (uint32_t)(bias - (uintptr_t)code);
        memcpy(code + fixups[i], &value, sizeof value);
    }
    uint32_t start = draft_find_clone(&draft, function.range.low);
    assert_int_not_equal(start, UINT32_MAX);
    draft_end(&draft);
    function_model_free(&function);
    assert_int_equal(mprotect(code, 65536, PROT_READ | PROT_EXEC), 0);
    return (loop_function *)(uintptr_t)(code + start); /* NOLINT(performance-no-int-to-ptr) */
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static uint64_t state = 1;

static uint64_t next_random(void)
{
    state ^= state << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(void)
{
    uint64_t seed = state;
    state = 7;
    for (size_t i = 0; i < ARRAY_BYTES; i += 8) {
        uint64_t value = next_random() & UINT64_C(0x7fffffff7fffffff);
        memcpy(array + i, &value, sizeof value);
    }
    state = seed;
}

struct outcome {
    uint64_t result;
    uint8_t array[ARRAY_BYTES];
};

static void run(loop_function *clone, const uint64_t arguments[3], bool with_runs, struct outcome *outcome)
{
    fill();
    takes_runs = with_runs;
    memset(told[with_runs], 0, sizeof told[with_runs]);
    outcome->result = clone(arguments[0], arguments[1], arguments[2]);
    memcpy(outcome->array, array, sizeof array);
}

/* Some of them have a round or two, some hundreds. */
static void draw(const struct subject *subject, uint64_t arguments[3])
{
    uint64_t rounds = 1 + next_random() % (next_random() % 2 ? 3 : 400), first = 8 + next_random() % 64;
    if (subject->is_fixed) {
        first = next_random() % 100;
        rounds = 100 - first;
    }
    arguments[0] = (uint64_t)(uintptr_t)array + 4096 + next_random() % 16;
    arguments[1] = first * subject->step;
    arguments[2] = (first + rounds) * subject->step;
    if (subject->is_to_zero)
        arguments[1] = -rounds;
    if (subject->is_address) {
        arguments[1] += arguments[0];
        arguments[2] += arguments[0];
    }
    if (subject->is_whole) { /* beyond what counts stands anything */
        uint64_t turn = !subject->is_down && next_random() % 2 ? UINT32_MAX - 16 : 0;
        arguments[1] = ((arguments[1] + turn) & UINT32_MAX) | next_random() << 32;
        arguments[2] = ((arguments[2] + turn) & UINT32_MAX) | next_random() << 32;
    }
}

static void what_is_told_beforehand_is_what_is_done(void **unused)
{
    (void)unused;
    static struct outcome refused, taken;
    for (size_t i = 0; i < SUBJECTS; i++) {
        size_t loops;
        loop_function *clone = weave(&subjects[i], &loops);
        runs_taken = 0;
        for (int turn = 0; turn < 300; turn++) {
            uint64_t arguments[3];
            draw(&subjects[i], arguments);
            run(clone, arguments, false, &refused);
            run(clone, arguments, true, &taken);
            bool is_same = refused.result == taken.result &&
                           memcmp(refused.array, taken.array, sizeof taken.array) == 0 &&
                           memcmp(told[0], told[1], sizeof told[0]) == 0;
            if (!is_same)
                fail_msg("%s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ") differs", subjects[i].name, arguments[0],
                         arguments[1], arguments[2]);
        }
        if ((loops == 1) != subjects[i].is_counted || (runs_taken > 0) != subjects[i].is_counted)
            fail_msg("%s: %zu counted loops, %" PRIu64 " runs", subjects[i].name, loops, runs_taken);
    }
}

static const struct subject *subject_named(const char *name)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
    fail_msg("no subject %s", name);
    return NULL;
}

/* Tells the runs of a loop over elements of 8 bytes, all of which but so many first ones the thread has touched already. */
static uint64_t runs_told(const char *name, uint64_t rounds, uint64_t unknown, uint8_t tag)
{
    static struct outcome outcome;
    size_t loops;
    loop_function *clone = weave(subject_named(name), &loops);
    uint8_t *present = tags + (uint32_t)(uintptr_t)array;
    memset(present, tag, sizeof array);
    memset(present, 0, 8 * unknown);
    runs_taken = 0;
    run(clone, (const uint64_t[]){(uint64_t)(uintptr_t)array, 0, rounds}, true, &outcome);
    memset(present, 0, sizeof array);
    return runs_taken;
}

static void few_rounds_through_what_is_known_are_left_to_their_checks(void **unused)
{
    (void)unused;
    for (uint8_t tag = 2; tag <= 3; tag++) {
        assert_int_equal(runs_told("up_not_equal", 100, 0, tag), 0);
        assert_int_equal(runs_told("up_not_equal", 100, 1, tag), 1);
        assert_int_equal(runs_told("up_not_equal", 1000, 0, tag), 1);
    }
    assert_int_equal(runs_told("writes", 100, 0, 3), 0);
    assert_int_equal(runs_told("writes", 100, 1, 3), 1);
    assert_int_equal(runs_told("writes", 100, 0, 2), 1);
    assert_int_equal(runs_told("up_not_equal", 100, 0, 5), 1);
}

static int begin(void **unused)
{
    (void)unused;
    const char *message = NULL;
    make_plane();
    return elf_module_open(&own_module, "/proc/self/exe", &message);
}

static int end(void **unused)
{
    (void)unused;
    elf_module_close(&own_module);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_beforehand_is_what_is_done),
        cmocka_unit_test(few_rounds_through_what_is_known_are_left_to_their_checks),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* test_weaver_lanes.c: which bytes an instruction under a mask touches, as weaver/lanes.h and the library say and as the CPU does.
 *
 *   instruction, mask --lanes_of, lanes_next--> bytes     in the page that is there, or in the one behind, which is not?
 *                     \--run-->                 a fault, or none
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "preload/weave/lanes.h"
#include "weaver/lanes.h"
#include "weaver/plane.h"

enum { PAGE = 4096, MASKS = 40, LANES_MOST = 64, INSTRUCTION_MOST = 15 };

enum level { AVX2, AVX512 };

/* ---- instructions -------------------------------------------------------------------------------------------------- */

/* RDI is the address, K1 the mask, or vector register 1; vector register 2 has indices.  `refused`: what is left out is read all the
 * same. */
#define SUBJECTS(X)                                                                                                    \
    X(AVX2, 0, "vmaskmovps (%rdi), %ymm1, %ymm0")                                                                      \
    X(AVX2, 0, "vmaskmovps %xmm0, %xmm1, (%rdi)")                                                                      \
    X(AVX2, 0, "vmaskmovpd (%rdi), %ymm1, %ymm0")                                                                      \
    X(AVX2, 0, "vmaskmovpd %ymm0, %ymm1, (%rdi)")                                                                      \
    X(AVX2, 0, "vpmaskmovd (%rdi), %xmm1, %xmm0")                                                                      \
    X(AVX2, 0, "vpmaskmovd %ymm0, %ymm1, (%rdi)")                                                                      \
    X(AVX2, 0, "vpmaskmovq (%rdi), %ymm1, %ymm0")                                                                      \
    X(AVX2, 0, "vpmaskmovq %xmm0, %xmm1, (%rdi)")                                                                      \
    X(AVX2, 0, "vpgatherdd %ymm1, (%rdi,%ymm2,4), %ymm0")                                                              \
    X(AVX2, 0, "vpgatherdd %xmm1, (%rdi,%xmm2,4), %xmm0")                                                              \
    X(AVX2, 0, "vpgatherdq %ymm1, (%rdi,%xmm2,8), %ymm0")                                                              \
    X(AVX2, 0, "vpgatherqd %xmm1, (%rdi,%ymm2,4), %xmm0")                                                              \
    X(AVX2, 0, "vpgatherqd %xmm1, (%rdi,%xmm2,2), %xmm0")                                                              \
    X(AVX2, 0, "vpgatherqq %ymm1, (%rdi,%ymm2,8), %ymm0")                                                              \
    X(AVX2, 0, "vgatherdps %ymm1, (%rdi,%ymm2,1), %ymm0")                                                              \
    X(AVX2, 0, "vgatherdpd %xmm1, (%rdi,%xmm2,8), %xmm0")                                                              \
    X(AVX2, 0, "vgatherqps %xmm1, (%rdi,%ymm2,4), %xmm0")                                                              \
    X(AVX2, 0, "vgatherqpd %ymm1, (%rdi,%ymm2,4), %ymm0")                                                              \
    X(AVX512, 0, "vmovdqu8 (%rdi), %zmm0{%k1}")                                                                        \
    X(AVX512, 0, "vmovdqu8 %ymm0, (%rdi){%k1}")                                                                        \
    X(AVX512, 0, "vmovdqu16 (%rdi), %zmm0{%k1}{z}")                                                                    \
    X(AVX512, 0, "vmovdqu16 %xmm0, (%rdi){%k1}")                                                                       \
    X(AVX512, 0, "vmovdqu32 (%rdi), %zmm0{%k1}")                                                                       \
    X(AVX512, 0, "vmovdqu32 %zmm0, (%rdi){%k1}")                                                                       \
    X(AVX512, 0, "vmovdqu64 (%rdi), %ymm0{%k1}{z}")                                                                    \
    X(AVX512, 0, "vmovups %zmm0, (%rdi){%k1}")                                                                         \
    X(AVX512, 0, "vmovupd (%rdi), %xmm0{%k1}")                                                                         \
    X(AVX512, 0, "vmovss (%rdi), %xmm0{%k1}")                                                                          \
    X(AVX512, 0, "vmovsd %xmm0, (%rdi){%k1}")                                                                          \
    X(AVX512, 0, "vaddss (%rdi), %xmm1, %xmm0{%k1}")                                                                   \
    X(AVX512, 0, "vaddps (%rdi), %zmm1, %zmm0{%k1}")                                                                   \
    X(AVX512, 0, "vaddps (%rdi){1to16}, %zmm1, %zmm0{%k1}")                                                            \
    X(AVX512, 0, "vmulpd (%rdi){1to4}, %ymm1, %ymm0{%k1}")                                                             \
    X(AVX512, 0, "vfmadd231pd (%rdi), %zmm1, %zmm0{%k1}")                                                              \
    X(AVX512, 0, "vpaddw (%rdi), %zmm1, %zmm0{%k1}")                                                                   \
    X(AVX512, 0, "vpblendmd (%rdi), %zmm1, %zmm0{%k1}")                                                                \
    X(AVX512, 0, "vpminub (%rdi), %xmm1, %xmm0{%k1}")                                                                  \
    X(AVX512, 0, "vpcmpd $1, (%rdi), %zmm1, %k2{%k1}")                                                                 \
    X(AVX512, 0, "vpternlogd $0x96, (%rdi), %ymm1, %ymm0{%k1}")                                                        \
    X(AVX512, 0, "vpmovzxbd (%rdi), %zmm0{%k1}")                                                                       \
    X(AVX512, 0, "vpmovsxwq (%rdi), %ymm0{%k1}{z}")                                                                    \
    X(AVX512, 0, "vcvtps2pd (%rdi), %zmm0{%k1}")                                                                       \
    X(AVX512, 0, "vcvtpd2ps (%rdi), %ymm0{%k1}")                                                                       \
    X(AVX512, 0, "vcvtph2ps (%rdi), %ymm0{%k1}")                                                                       \
    X(AVX512, 0, "vcvtps2ph $0, %zmm0, (%rdi){%k1}")                                                                   \
    X(AVX512, 0, "vpmovdb %zmm0, (%rdi){%k1}")                                                                         \
    X(AVX512, 0, "vpmovqw %ymm0, (%rdi){%k1}")                                                                         \
    X(AVX512, 0, "vpmovusqd %xmm0, (%rdi){%k1}")                                                                       \
    X(AVX512, 0, "vpbroadcastd (%rdi), %zmm0{%k1}")                                                                    \
    X(AVX512, 0, "vbroadcastsd (%rdi), %ymm0{%k1}{z}")                                                                 \
    X(AVX512, 0, "vbroadcastf32x4 (%rdi), %zmm0{%k1}")                                                                 \
    X(AVX512, 0, "vbroadcasti64x2 (%rdi), %zmm0{%k1}")                                                                 \
    X(AVX512, 0, "vpcompressd %zmm0, (%rdi){%k1}")                                                                     \
    X(AVX512, 0, "vcompresspd %ymm0, (%rdi){%k1}")                                                                     \
    X(AVX512, 0, "vpexpandq (%rdi), %zmm0{%k1}")                                                                       \
    X(AVX512, 0, "vexpandps (%rdi), %xmm0{%k1}{z}")                                                                    \
    X(AVX512, 0, "vpgatherdd (%rdi,%zmm2,4), %zmm0{%k1}")                                                              \
    X(AVX512, 0, "vpgatherdq (%rdi,%ymm2,8), %zmm0{%k1}")                                                              \
    X(AVX512, 0, "vgatherqps (%rdi,%zmm2,4), %ymm0{%k1}")                                                              \
    X(AVX512, 0, "vgatherqpd (%rdi,%xmm2,1), %xmm0{%k1}")                                                              \
    X(AVX512, 0, "vpscatterdd %zmm0, (%rdi,%zmm2,4){%k1}")                                                             \
    X(AVX512, 0, "vpscatterqd %ymm0, (%rdi,%zmm2,8){%k1}")                                                             \
    X(AVX512, 0, "vscatterdpd %ymm0, (%rdi,%xmm2,8){%k1}")                                                             \
    X(AVX512, 0, "vscatterqpd %zmm0, (%rdi,%zmm2,2){%k1}")                                                             \
    X(AVX512, 1, "vpermd (%rdi), %zmm1, %zmm0{%k1}")                                                                   \
    X(AVX512, 1, "valignd $3, (%rdi), %zmm1, %zmm0{%k1}")                                                              \
    X(AVX512, 1, "vpshufb (%rdi), %zmm1, %zmm0{%k1}")                                                                  \
    X(AVX512, 1, "vshufps $0x1b, (%rdi), %zmm1, %zmm0{%k1}")

struct subject {
    enum level level;
    bool refused;
    const char *text;
};
#define SUBJECT(level, refused, text) {level, refused, text},
static const struct subject subjects[] = {SUBJECTS(SUBJECT)};

/* Their code, each followed by a return, and where each begins. */
#define CODE(level, refused, text) "1:\t" text "\n\tret\n.pushsection lanes_subjects,\"aw\"\n.quad 1b\n.popsection\n"
__asm__(".pushsection .text\n" SUBJECTS(CODE) ".popsection\n");
extern const uint8_t *const __start_lanes_subjects[];

/* The red zone is left as it is. */
#define CALL_CODE "leaq -128(%%rsp), %%rsp\n\tcall *%[code]\n\tleaq 128(%%rsp), %%rsp\n\tvzeroupper"

/* ---- one run ------------------------------------------------------------------------------------------------------- */

static uint8_t *page; /* the next one is not there */
static sigjmp_buf back;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

__attribute__((target("avx2"))) static void run_avx2(const uint8_t *code, uint8_t *address,
                                                     const struct plane_lanes *lanes)
{
    __asm__ volatile("vmovdqu (%[mask]), %%ymm1\n\tvmovdqu (%[index]), %%ymm2\n\t" CALL_CODE
                     :
                     : [code] "a"(code), "D"(address), [mask] "c"(lanes->mask), [index] "d"(lanes->index)
                     : "xmm0", "xmm1", "xmm2", "memory", "cc");
}

__attribute__((target("avx512f,avx512bw"))) static void run_avx512(const uint8_t *code, uint8_t *address,
                                                                   const struct plane_lanes *lanes)
{
    __asm__ volatile(
        "kmovq (%[mask]), %%k1\n\tvmovdqu64 (%[index]), %%zmm2\n\tvpxorq %%zmm1, %%zmm1, %%zmm1\n\t" CALL_CODE
        :
        : [code] "a"(code), "D"(address), [mask] "c"(lanes->mask), [index] "d"(lanes->index)
        : "xmm0", "xmm1", "xmm2", "k1", "k2", "memory", "cc");
}

/* Within each test, for cmocka has a handler of its own around it. */
static void take_faults(void)
{
    const struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static bool faults(const struct subject *subject, const uint8_t *code, uint8_t *address,
                   const struct plane_lanes *lanes)
{
    if (sigsetjmp(back, 1) != 0)
        return true;
    (subject->level == AVX512 ? run_avx512 : run_avx2)(code, address, lanes);
    return false;
}

/* ---- what is said of it --------------------------------------------------------------------------------------------- */

static void decode(struct insn *insn, const uint8_t *code)
{
    ZydisDecoder decoder;
    assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, INSTRUCTION_MOST, &insn->decoded, insn->operands)));
    insn->length = insn->decoded.length;
}

static const ZydisDecodedOperand *memory_of(const struct insn *insn)
{
    const ZydisDecodedOperand *operand = insn->operands;
    while (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
        operand++;
    return operand;
}

/* The library reads it from the marks behind the call of a routine. */
static bool is_said_to_fault(const struct lanes *lanes, const uint8_t *address, const struct plane_lanes *in)
{
    uint8_t marks[2 * IMAGE_MARK_LENGTH] = {0};
    uint32_t mark = image_lanes_mark(lanes->told);
    struct plane_header header = {.lanes = *in};
    const struct image_site site = {.size = lanes->size};
    struct routine_frame frame = {.return_address = (uintptr_t)marks};
    memcpy(marks + IMAGE_MARK_LENGTH + IMAGE_MARK_AT, &mark, sizeof mark);
    struct lanes_walk walk = lanes_begin(&header, (uintptr_t)address, &site, &frame);
    uint64_t at, size;
    bool does = false;
    while (lanes_next(&walk, &at, &size))
        does |= at + size > (uintptr_t)page + PAGE;
    return does;
}

/* ---- the comparison ------------------------------------------------------------------------------------------------- */

static uint64_t random_word(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* None and all come first; then few and many in turn. */
static void make_mask(struct plane_lanes *lanes, unsigned round)
{
    for (size_t i = 0; i < sizeof lanes->mask; i += sizeof(uint64_t)) {
        uint64_t other = round % 2 ? random_word() : UINT64_MAX, word = round == 0   ? 0
                                                                        : round == 1 ? UINT64_MAX
                                                                                     : random_word() & other;
        memcpy(lanes->mask + i, &word, sizeof word);
    }
}

/* Some lie in the page that is not there; never so that an element lies in both. */
static void make_indices(struct plane_lanes *lanes, const struct lanes *what)
{
    unsigned scale = what->told.scale, size = 1U << what->told.index;
    for (size_t i = 0; i < sizeof lanes->index; i += size) {
        bool is_there = random_word() % 4 != 0;
        int64_t distance = (int64_t)(random_word() % 16) * 8, place = is_there ? -64 - distance : 64 + distance;
        int64_t index = place / (1 << scale);
        memcpy(lanes->index + i, &index, size);
    }
}

static void compare(const struct subject *subject, const uint8_t *code, const struct lanes *what)
{
    for (unsigned round = 0; round < MASKS; round++) {
        struct plane_lanes in = {{0}, {0}};
        bool is_gathered = what->index != ZYDIS_REGISTER_NONE;
        make_mask(&in, round);
        if (is_gathered)
            make_indices(&in, what);
        for (unsigned beyond = 0; beyond <= (is_gathered ? 0 : what->size); beyond++) {
            uint8_t *address = page + PAGE - (is_gathered ? 0 : what->size) + beyond;
            bool does = faults(subject, code, address, &in), should = is_said_to_fault(what, address, &in);
            if (does != should)
                fail_msg("%s, round %u: with %u bytes beyond the page it %s", subject->text, round, beyond,
                         does ? "faults" : "does not fault");
        }
    }
}

static enum level level_of_cpu(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               ? AVX512
               : AVX2;
}

static void test_what_is_left_out_does_not_fault(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2"))
        skip();
    take_faults();
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        struct insn insn = {.address = 0};
        struct lanes what;
        decode(&insn, __start_lanes_subjects[i]);
        assert_true(lanes_are_told(&insn, memory_of(&insn)));
        if (lanes_of(&what, &insn, memory_of(&insn)) == subjects[i].refused)
            fail_msg("%s is %srefused", subjects[i].text, subjects[i].refused ? "not " : "");
        if (!subjects[i].refused && subjects[i].level <= level_of_cpu())
            compare(&subjects[i], __start_lanes_subjects[i], &what);
    }
}

/* Why they are refused. */
static void test_what_is_refused_reads_all(void **state)
{
    const struct plane_lanes none = {{0}, {0}};
    (void)state;
    take_faults();
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (subjects[i].refused && subjects[i].level <= level_of_cpu() &&
            !faults(&subjects[i], __start_lanes_subjects[i], page + PAGE - 1, &none))
            fail_msg("%s does not fault", subjects[i].text);
}

static int make_pages(void **state)
{
    (void)state;
    page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED || mprotect(page + PAGE, PAGE, PROT_NONE) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_left_out_does_not_fault),
                                       cmocka_unit_test(test_what_is_refused_reads_all)};
    return cmocka_run_group_tests(tests, make_pages, NULL);
}

/* test_weaver_relocate.c: a clone with its checks does what the original instructions do, hit or miss.
 *
 * Naive twin: the original itself, run by the CPU from the same registers, flags and memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weaver/passes.h"
#include "woven_world.h"

enum { ARITHMETIC_FLAGS = 0x8d5, INITIAL_FLAGS = 0x202, RANDOM_INSTRUCTIONS = 20000 };

static struct woven_world world;
static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static struct woven_state fresh_state(void)
{
    struct woven_state state;
    uint8_t *bytes = (uint8_t *)&state;
    for (size_t i = 0; i < sizeof state; i++)
        bytes[i] = (uint8_t)(next_random() >> 24);
    state.flags = INITIAL_FLAGS | (next_random() & ARITHMETIC_FLAGS);
    for (size_t i = 0; i < 16; i++) /* RCX among them: a count, an index */
        state.gpr[i] = i % 3 == 1 && i != 7 ? next_random() % 24 : (uintptr_t)world.data + 1024 + next_random() % 1024;
    state.gpr[4] = (uintptr_t)world.stack + 2048;
    return state;
}

static void print_bytes(const uint8_t *bytes, size_t size)
{
    fprintf(stderr, "bytes:");
    for (size_t i = 0; i < size; i++)
        fprintf(stderr, " %02x", bytes[i]);
    fprintf(stderr, "\n");
}

/* Returns: what differs in `got`, or NULL. */
static const char *compare(const struct woven_state *expected, const struct woven_state *got, register_set live)
{
    const size_t compared = 2048 - WOVEN_RED_ZONE;
    for (unsigned i = 0; i < 16; i++)
        if ((live >> i & 1 || i == 4) && expected->gpr[i] != got->gpr[i])
            return "a register";
    if ((live & REGISTER_FLAGS) && ((expected->flags ^ got->flags) & ARITHMETIC_FLAGS))
        return "the flags";
    if (memcmp(expected->xmm, got->xmm, sizeof got->xmm) != 0)
        return "a vector register";
    if (memcmp(expected->data, got->data, sizeof got->data) != 0)
        return "memory";
    if (memcmp(expected->stack + compared, got->stack + compared, sizeof got->stack - compared) != 0)
        return "the stack or its red zone";
    return NULL;
}

static void fail_for(const uint8_t *bytes, size_t size, const char *mode, const char *what, uint64_t from)
{
    print_bytes(bytes, size);
    fprintf(stderr, "%s: %s (seed %#llx)\n", mode, what, (unsigned long long)from);
    fail();
}

/* Whether the condition in the low four bits of the opcode (of Jcc, CMOVcc) holds. */
static bool condition_holds(unsigned opcode, uint64_t flags)
{
    bool carry = flags & 1, parity = flags >> 2 & 1, zero = flags >> 6 & 1, sign = flags >> 7 & 1;
    bool overflow = flags >> 11 & 1, less = sign != overflow;
    const bool holds[] = {overflow, carry, zero, carry || zero, sign, parity, less, zero || less};
    return holds[opcode >> 1 & 7] != (opcode & 1);
}

static void check_clone(const struct function *function, const uint8_t *bytes, size_t size,
                        const struct woven_state *state, const struct woven_state *expected, register_set live)
{
    uint64_t from = seed;
    for (int is_blind = 0; is_blind < 2; is_blind++) {
        struct woven_state got = *state;
        woven_set_blind(is_blind);
        int died = woven_run(&world, world.code, &got);
        const char *mode = is_blind ? "all checks hit" : "all checks miss";
        const char *different = died ? "died" : compare(expected, &got, live);
        if (different)
            fail_for(bytes, size, mode, different, from);
        const struct insn *insn = &function->insns[0];
        bool is_single = function->insn_count == 2 && insn->access_count == 1 && insn->access[0].role == ACCESS_PLAIN;
        if (is_single && !insn->access[0].is_range && insn->decoded.mnemonic != ZYDIS_MNEMONIC_POP) {
            bool is_inline = insn->access[0].size <= 64 && (insn->access[0].size & (insn->access[0].size - 1)) == 0;
            bool uses = !insn_loads_on_condition(insn) || condition_holds(insn->decoded.opcode, state->flags);
            if (is_inline && woven_calls() != (uint64_t)(uses && !is_blind))
                fail_for(bytes, size, mode, "another number of calls of the routine", from);
            if (uses && !is_blind && woven_last_address() != woven_address(insn, insn->access[0].operand, state))
                fail_for(bytes, size, mode, "a wrong address", from);
        }
    }
}

/* Returns: whether the original ran; a clone of either form that differs from it fails the test. */
static bool check_program(const uint8_t *bytes, size_t size, const struct woven_state *state, register_set live)
{
    struct function function;
    struct woven_state expected = *state;
    world.decides = next_random() & 1;
    if (!woven_decode(&world, &function, bytes, size, live) || woven_run(&world, world.text, &expected) != 0)
        return false;
    for (int is_narrow = 0; is_narrow < 2; is_narrow++) {
        world.is_narrow = is_narrow;
        if (!woven_emit(&world, &function))
            return false;
        check_clone(&function, bytes, size, state, &expected, live);
    }
    return true;
}

static void check_bytes(const char *bytes, size_t size)
{
    for (int i = 0; i < 200; i++) {
        register_set live = i < 20 ? ~(register_set)0 : (register_set)next_random() & (0xffff | REGISTER_FLAGS);
        struct woven_state state = fresh_state();
        assert_true(check_program((const uint8_t *)bytes, size, &state, live));
    }
}

#define CHECK(bytes) check_bytes(bytes, sizeof bytes - 1)

static void plain_moves_are_the_same(void **unused)
{
    (void)unused;
    CHECK("\x8b\x06");         /* mov eax, [rsi] */
    CHECK("\x48\x89\x58\x10"); /* mov [rax+16], rbx */
    CHECK("\x48\x8b\x00");     /* mov rax, [rax] */
    CHECK("\x0f\xb6\x0c\x08"); /* movzx ecx, byte [rax+rcx] */
}

static void thread_variables_are_the_same(void **unused)
{
    (void)unused;
    CHECK("\x64\x48\x8b\x04\x25\0\0\0\0");           /* mov rax, fs:[0] */
    CHECK("\x64\x48\x03\x3c\x25\xf0\xff\xff\xff");   /* add rdi, fs:[-16] */
    CHECK("\x64\x48\x8b\x49\xc0");                   /* mov rcx, fs:[rcx-64] */
    CHECK("\x64\x8b\x04\xcd\0\xff\xff\xff");         /* mov eax, fs:[rcx*8-256] */
    CHECK("\x64\xf0\x83\x0c\x25\xf0\xff\xff\xff\0"); /* lock or fs:[-16], 0 */
}

static void red_zone_is_kept(void **unused)
{
    (void)unused;
    CHECK("\x48\x89\x44\x24\xf8"); /* mov [rsp-8], rax */
    CHECK("\x48\x8b\x4c\x24\x80"); /* mov rcx, [rsp-128] */
    CHECK("\x8f\x44\x24\x08");     /* pop [rsp+8] */
    CHECK("\xff\x36");             /* push [rsi] */
}

static void atomics_are_the_same(void **unused)
{
    (void)unused;
    CHECK("\xf0\x48\x0f\xc1\x06");     /* lock xadd [rsi], rax */
    CHECK("\x48\x87\x00");             /* xchg [rax], rax */
    CHECK("\x48\x87\x3f");             /* xchg [rdi], rdi */
    CHECK("\xf0\x0f\xb1\x0e");         /* lock cmpxchg [rsi], ecx */
    CHECK("\xf0\xff\x0e\x0f\x94\xc1"); /* lock dec [rsi]; sete cl */
    CHECK("\xf0\x48\x11\x1e");         /* lock adc [rsi], rbx */
}

static void loops_are_the_same(void **unused)
{
    (void)unused;
    CHECK("\xb9\x05\0\0\0\xff\x06\xe2\xfc");             /* mov ecx,5; inc [rsi]; loop -4 */
    CHECK("\xb9\x05\0\0\0\x83\x06\x01\xff\xc9\x75\xf9"); /* add [rsi],1; dec ecx; jne */
    CHECK("\x31\xc9\xe3\x02\xff\x06\x90");               /* xor ecx,ecx; jrcxz over */
    CHECK("\x31\xc0\xeb\x02\xff\x06\x48\x01\x06");       /* jmp over */
    CHECK("\x83\x3e\x00\x7c\x03\x83\x2e\x07\x13\x06");   /* cmp [rsi],0; jl; sub [rsi],7; adc eax,[rsi] */
}

static void strings_are_the_same(void **unused)
{
    (void)unused;
    CHECK("\xb9\x05\0\0\0\xf3\xa4"); /* mov ecx,5; rep movsb */
    CHECK("\x31\xc9\xf3\x48\xab");   /* xor ecx,ecx; rep stosq */
    CHECK("\xb9\x03\0\0\0\xf3\xa5"); /* rep movsd */
    CHECK("\xa5");                   /* movsd */
    CHECK("\xaa");                   /* stosb */
}

/* Few processors have transactions: the twin is what one is that fails at once. */
static void transactions_fail_at_once(void **unused)
{
    (void)unused;
    static const uint8_t begins[] = {0xc7, 0xf8, 8,    0,    0, 0, /* xbegin over */
                                     0xff, 0x06, 0xc6, 0xf8, 1,    /* inc [rsi]; xabort 1 */
                                     0x0f, 0x01, 0xd5,             /* xend */
                                     0x89, 0x46, 0x10, 0x75, 2, 0x8b, 0x0e, 0x90};
    static const uint8_t fails[] = {0xb8, 0,    0,    0,    0,                    /* mov eax, 0 */
                                    0x89, 0x46, 0x10, 0x75, 2, 0x8b, 0x0e, 0x90}; /* mov [rsi+16], eax; jne; mov */
    for (int i = 0; i < 200; i++) {
        struct woven_state state = fresh_state();
        struct woven_state expected = state;
        struct function function;
        assert_true(woven_decode(&world, &function, fails, sizeof fails, ~(register_set)0));
        assert_int_equal(woven_run(&world, world.text, &expected), 0);
        assert_true(woven_decode(&world, &function, begins, sizeof begins, ~(register_set)0));
        assert_null(function.refusal);
        assert_true(woven_emit(&world, &function));
        check_clone(&function, begins, sizeof begins, &state, &expected, ~(register_set)0);
    }
}

/* Where instructions relative to RIP are to find their data. */
static void relative_operands_are_the_same(void **unused)
{
    (void)unused;
    static const uint8_t patterns[][16] = {{6, 2, 0x8b, 0x05},
                                           {7, 3, 0x48, 0x89, 0x0d},
                                           {10, 2, 0xc7, 0x05, 0, 0, 0, 0, 1, 2, 3, 4},
                                           {8, 4, 0xc5, 0xfa, 0x6f, 0x05},
                                           {8, 3, 0x66, 0x83, 0x3d, 0, 0, 0, 0, 7}};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        uint8_t bytes[16];
        int32_t distance = (int32_t)(world.data + 512 - (world.text + patterns[i][0]));
        memcpy(bytes, patterns[i] + 2, 14);
        memcpy(bytes + patterns[i][1], &distance, sizeof distance);
        check_bytes((const char *)bytes, patterns[i][0]);
    }
}

/* ---- random instructions ---------------------------------------------------------------------------------------------- */

static bool is_category_tried(ZydisInstructionCategory category)
{
    static const ZydisInstructionCategory tried[] = {
        ZYDIS_CATEGORY_BINARY,     ZYDIS_CATEGORY_LOGICAL,   ZYDIS_CATEGORY_DATAXFER, ZYDIS_CATEGORY_BITBYTE,
        ZYDIS_CATEGORY_SHIFT,      ZYDIS_CATEGORY_ROTATE,    ZYDIS_CATEGORY_CMOV,     ZYDIS_CATEGORY_SETCC,
        ZYDIS_CATEGORY_SSE,        ZYDIS_CATEGORY_AVX,       ZYDIS_CATEGORY_AVX2,     ZYDIS_CATEGORY_AVX512,
        ZYDIS_CATEGORY_SEMAPHORE,  ZYDIS_CATEGORY_CONVERT,   ZYDIS_CATEGORY_STRINGOP, ZYDIS_CATEGORY_PUSH,
        ZYDIS_CATEGORY_POP,        ZYDIS_CATEGORY_BMI1,      ZYDIS_CATEGORY_BMI2,     ZYDIS_CATEGORY_VFMA,
        ZYDIS_CATEGORY_LOGICAL_FP, ZYDIS_CATEGORY_BROADCAST, ZYDIS_CATEGORY_X87_ALU};
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++)
        if (tried[i] == category)
            return true;
    return false;
}

/* Segment and control registers, and RSP as a target, are none of the test's business. */
static bool is_tried(const struct insn *insn)
{
    if (!is_category_tried(insn->decoded.meta.category) || insn->role != ROLE_PLAIN || insn->access_count == 0 ||
        (insn->decoded.avx.mask.reg != ZYDIS_REGISTER_NONE && insn->decoded.avx.mask.reg != ZYDIS_REGISTER_K0))
        return false; /* masks are no part of the state */
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
            (operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS ||
             ZydisRegisterGetClass(operand->mem.index) == ZYDIS_REGCLASS_XMM ||
             ZydisRegisterGetClass(operand->mem.index) == ZYDIS_REGCLASS_YMM ||
             ZydisRegisterGetClass(operand->mem.index) == ZYDIS_REGCLASS_ZMM))
            return false;
        if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
            continue;
        ZydisRegisterClass class = ZydisRegisterGetClass(operand->reg.value);
        ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand->reg.value);
        if (class == ZYDIS_REGCLASS_SEGMENT || class == ZYDIS_REGCLASS_MASK || class == ZYDIS_REGCLASS_CONTROL ||
            class == ZYDIS_REGCLASS_DEBUG || wide == ZYDIS_REGISTER_RSP)
            return false;
    }
    return true;
}

/* Sets registers so that the operand lies in the data.  Returns: false when they cannot. */
static bool aim(struct woven_state *state, const struct insn *insn, int index, uint8_t *bytes)
{
    const ZydisDecodedOperandMem *mem = &insn->operands[index].mem;
    uint64_t wanted = (uintptr_t)world.data + 1024 + next_random() % 1024;
    if (mem->base == ZYDIS_REGISTER_RIP) {
        int32_t distance = (int32_t)(wanted - (insn->address + insn->length));
        memcpy(bytes + insn->decoded.raw.disp.offset, &distance, sizeof distance);
        return true;
    }
    if (mem->base == ZYDIS_REGISTER_NONE || mem->base == ZYDIS_REGISTER_EIP || mem->base == ZYDIS_REGISTER_RSP ||
        mem->base == ZYDIS_REGISTER_ESP || mem->base == mem->index)
        return mem->base == ZYDIS_REGISTER_RSP && mem->index == ZYDIS_REGISTER_NONE && llabs(mem->disp.value) < 1024;
    uint8_t base = (uint8_t)(ZydisRegisterGetId(mem->base) & 15);
    if (mem->index != ZYDIS_REGISTER_NONE)
        state->gpr[ZydisRegisterGetId(mem->index) & 15] = next_random() % 64;
    state->gpr[base] += wanted - woven_address(insn, index, state);
    return true;
}

static void random_instructions_are_the_same(void **unused)
{
    (void)unused;
    size_t ran = 0;
    for (size_t tries = 0; ran < RANDOM_INSTRUCTIONS && tries < 200 * RANDOM_INSTRUCTIONS; tries++) {
        uint8_t bytes[16];
        struct function function;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(next_random() >> 16);
        if (next_random() % 4 == 0) {
            bytes[0] =
                next_random() % 2 ? 0x48 | (bytes[0] & 7) : (uint8_t[]){0x66, 0xf0, 0xf2, 0xf3}[next_random() % 4];
        }
        if (next_random() % 3 == 0)
            bytes[next_random() % 2] = (uint8_t[]){0x0f, 0xc5, 0xc4, 0x62}[next_random() % 4];
        ZydisDecoder decoder;
        ZydisDecodedInstruction decoded;
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, sizeof bytes, &decoded)) ||
            !woven_decode(&world, &function, bytes, decoded.length, 0) || !is_tried(&function.insns[0]))
            continue;
        struct woven_state state = fresh_state();
        if (!aim(&state, &function.insns[0], function.insns[0].access[0].operand, bytes))
            continue;
        ran += check_program(bytes, decoded.length, &state, (register_set)next_random() & (0xffff | REGISTER_FLAGS));
    }
    printf("%zu random instructions\n", ran);
    assert_true(ran >= RANDOM_INSTRUCTIONS / 4);
}

static int begin(void **unused)
{
    (void)unused;
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : 0x9e3779b97f4a7c15;
    return woven_world_begin(&world) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_moves_are_the_same),
        cmocka_unit_test(thread_variables_are_the_same),
        cmocka_unit_test(red_zone_is_kept),
        cmocka_unit_test(atomics_are_the_same),
        cmocka_unit_test(loops_are_the_same),
        cmocka_unit_test(strings_are_the_same),
        cmocka_unit_test(transactions_fail_at_once),
        cmocka_unit_test(relative_operands_are_the_same),
        cmocka_unit_test(random_instructions_are_the_same),
    };
    return cmocka_run_group_tests_name("weaver_relocate", tests, begin, NULL);
}

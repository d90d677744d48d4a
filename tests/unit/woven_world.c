/* woven_world.c: runs instructions as they are and as a clone with checks. */
#include "woven_world.h"

#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weaver/emit.h"
#include "weaver/passes.h"
#include "weaver/plane.h"

enum { TEXT_SIZE = 4096, CODE_SIZE = 65536 };

/* Named by the assembly below. */
struct woven_cpu {
    uint64_t gpr[16], flags;
    uint8_t xmm[16][16];
    uint64_t target, host_rsp;
};
struct woven_cpu woven_cpu;
void woven_enter(void);
void woven_leave(void);
extern const uint8_t woven_routine[], woven_routine_end[];

#define LOAD_XMM(n)   "movups 136+16*" #n "(%r15), %xmm" #n "\n"
#define SAVE_XMM(n)   "movups %xmm" #n ", 136+16*" #n "(%r15)\n"
#define FIRST_XMM(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)
#define ALL_XMM(op)   FIRST_XMM(op) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)

__asm__(
    ".text\n.globl woven_enter\nwoven_enter:\n"
    "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "leaq woven_cpu(%rip), %r15\nfninit\n"
    "movq %rsp, 400(%r15)\n" ALL_XMM(
        LOAD_XMM) "pushq 128(%r15)\npopfq\n"
                  "movq 0(%r15), %rax\nmovq 8(%r15), %rcx\nmovq 16(%r15), %rdx\nmovq 24(%r15), %rbx\nmovq 32(%r15), "
                  "%rsp\n"
                  "movq 40(%r15), %rbp\nmovq 48(%r15), %rsi\nmovq 56(%r15), %rdi\nmovq 64(%r15), %r8\nmovq 72(%r15), "
                  "%r9\n"
                  "movq 80(%r15), %r10\nmovq 88(%r15), %r11\nmovq 96(%r15), %r12\nmovq 104(%r15), %r13\nmovq "
                  "112(%r15), %r14\n"
                  "movq 120(%r15), %r15\n"
                  "jmp *woven_cpu+392(%rip)\n"
                  ".globl woven_leave\nwoven_leave:\n"
                  "movq %r15, woven_cpu+120(%rip)\nleaq woven_cpu(%rip), %r15\n"
                  "movq %rax, 0(%r15)\nmovq %rcx, 8(%r15)\nmovq %rdx, 16(%r15)\nmovq %rbx, 24(%r15)\nmovq %rsp, "
                  "32(%r15)\n"
                  "movq %rbp, 40(%r15)\nmovq %rsi, 48(%r15)\nmovq %rdi, 56(%r15)\nmovq %r8, 64(%r15)\nmovq %r9, "
                  "72(%r15)\n"
                  "movq %r10, 80(%r15)\nmovq %r11, 88(%r15)\nmovq %r12, 96(%r15)\nmovq %r13, 104(%r15)\nmovq %r14, "
                  "112(%r15)\n"
                  "movq 400(%r15), %rsp\npushfq\npopq 128(%r15)\ncld\n" ALL_XMM(
                      SAVE_XMM) "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n"
                                /* The routine: position-independent, copied beside the plane's header is not needed, for it is called indirectly. */
                                ".globl woven_routine\nwoven_routine:\n"
                                "movq %rdi, woven_last(%rip)\nincq woven_count(%rip)\n"
                                "push %rax\npush %rax\nmovq $-1, (%rsp)\npop %rax\npop %rax\n"
                                "push %rax\nmovq $0x5a5a5a5a, %rax\naddq %rax, %rax\npop %rax\ncmpq %rsp, %rdi\nret\n"
                                ".globl woven_routine_end\nwoven_routine_end:\n");

uint64_t woven_last, woven_count;
static struct plane_header *plane;
static sigjmp_buf escape;

static void on_signal(int number)
{
    siglongjmp(escape, number);
}

/* Before each run, for the test's framework has handlers of its own. */
static bool catch_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    static uint8_t memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    if (sigaltstack(&stack, NULL) != 0)
        return false;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return false;
    return true;
}

static bool make_plane(void)
{
    uint8_t *mapping = mmap(NULL, PLANE_MAPPING(PLANE_WIDE), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    plane = (struct plane_header *)(void *)mapping;
    for (size_t i = 0; i < PLANE_ROUTINE_COUNT; i++)
        plane->routine[i] = (uint64_t)(uintptr_t)woven_routine;
    plane->window = PLANE_WINDOW_MASK(24);
    return syscall(SYS_arch_prctl, ARCH_SET_GS, mapping + PLANE_SKEW) == 0;
}

bool woven_world_begin(struct woven_world *world)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    size_t size = TEXT_SIZE + CODE_SIZE + 64 + WOVEN_DATA_SIZE + WOVEN_STACK_SIZE;
    uint8_t *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    uint64_t leave = (uint64_t)(uintptr_t)woven_leave;
    *world = (struct woven_world){.text = memory};
    if (memory == MAP_FAILED || !make_plane())
        return false;
    world->data = world->text + TEXT_SIZE;
    world->stack = world->data + WOVEN_DATA_SIZE;
    world->code = world->stack + WOVEN_STACK_SIZE;
    world->thunk = world->code + CODE_SIZE;
    memcpy(world->thunk, jump, sizeof jump);
    memcpy(world->thunk + sizeof jump, &leave, sizeof leave);
    uint64_t address = (uint64_t)(uintptr_t)world->text;
    world->segment = (struct elf_segment){address, 0, TEXT_SIZE, TEXT_SIZE, true, false, true};
    world->kinds = calloc(1, TEXT_SIZE);
    world->module = (struct elf_module){.bytes = world->text, .size = TEXT_SIZE, .segments = &world->segment};
    world->module.segment_count = 1;
    world->module.text_low = address;
    world->module.text_high = address + TEXT_SIZE;
    world->module.entry_kinds = world->kinds;
    return world->kinds != NULL;
}

/* ---- the model of a few instructions ---------------------------------------------------------------------------------- */

static register_set gpr_of(ZydisRegister reg)
{
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    return ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64 ? (register_set)1 << ZydisRegisterGetId(wide) : 0;
}

static register_set live_before(const struct insn *insn, register_set after)
{
    register_set reads = 0, written = 0;
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            reads |= gpr_of(operand->mem.base) | gpr_of(operand->mem.index);
        } else if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            bool is_whole = operand->actions == ZYDIS_OPERAND_ACTION_WRITE && operand->size >= 32;
            *(is_whole ? &written : &reads) |= gpr_of(operand->reg.value);
        }
    }
    if (insn->decoded.cpu_flags && insn->decoded.cpu_flags->tested)
        reads |= REGISTER_FLAGS;
    return (after & ~written) | reads;
}

static void find_accesses(const struct woven_world *world, struct insn *insn)
{
    for (size_t i = 0; i < insn->decoded.operand_count && insn->access_count < 2; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        bool is_seen = operand->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN ||
                       insn->decoded.meta.category == ZYDIS_CATEGORY_STRINGOP;
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || operand->mem.type != ZYDIS_MEMOP_TYPE_MEM || !is_seen ||
            insn->decoded.mnemonic == ZYDIS_MNEMONIC_NOP)
            continue;
        struct access *access = &insn->access[insn->access_count++];
        bool is_repeated = insn->decoded.attributes & ZYDIS_ATTRIB_HAS_REP;
        bool is_atomic =
            (insn->decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK) || insn->decoded.mnemonic == ZYDIS_MNEMONIC_XCHG;
        access->operand = (int8_t)i;
        access->is_write = operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
        access->read_modify = access->is_write && (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ);
        access->is_range = is_repeated && insn->decoded.meta.category == ZYDIS_CATEGORY_STRINGOP;
        access->size = operand->size / 8;
        access->role = is_atomic ? ACCESS_ATOMIC : ACCESS_PLAIN;
        access->decides = world->decides && !access->is_write;
        decisions_put_behind(insn, access);
    }
}

static void find_role(struct insn *insn)
{
    const ZydisDecodedOperand *first = &insn->operands[0];
    bool is_direct = insn->decoded.raw.imm[0].is_relative;
    if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_XEND || insn->decoded.mnemonic == ZYDIS_MNEMONIC_XABORT)
        insn->role = ROLE_PLAIN;
    else if (insn->decoded.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        insn->role = is_direct ? ROLE_JUMP : ROLE_INDIRECT_JUMP;
    else if (insn->decoded.meta.category == ZYDIS_CATEGORY_COND_BR)
        insn->role = ROLE_BRANCH;
    if (is_direct)
        insn->target = insn->address + insn->length + (uint64_t)first->imm.value.s;
}

static bool decode_all(const struct woven_world *world, struct function *function, size_t size)
{
    ZydisDecoder decoder;
    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
        return false;
    for (size_t at = 0; at < size;) {
        struct insn *insn = &function->insns[function->insn_count++];
        memset(insn, 0, sizeof *insn);
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, world->text + at, size - at, &insn->decoded, insn->operands)))
            return false;
        insn->address = (uint64_t)(uintptr_t)(world->text + at);
        insn->length = insn->decoded.length;
        find_role(insn);
        find_accesses(world, insn);
        at += insn->length;
    }
    return true;
}

bool woven_decode(struct woven_world *world, struct function *function, const uint8_t *bytes, size_t size,
                  register_set live_after)
{
    static struct insn insns[256];
    int32_t distance = (int32_t)(world->thunk - (world->text + size + 5));
    uint64_t low = (uint64_t)(uintptr_t)world->text;
    memcpy(world->text, bytes, size);
    world->text[size] = 0xe9;
    memcpy(world->text + size + 1, &distance, sizeof distance);
    *function = (struct function){.range = {low, low + size + 5, 0}, .insns = insns};
    if (!decode_all(world, function, size + 5))
        return false;
    bool has_branches = false;
    for (size_t i = 0; i + 1 < function->insn_count; i++)
        has_branches |= insns[i].role != ROLE_PLAIN;
    register_set live = live_after;
    for (size_t i = function->insn_count; i-- > 0;) {
        live = has_branches ? ~(register_set)0 : live_before(&insns[i], live);
        insns[i].live = live;
    }
    return true;
}

bool woven_emit(struct woven_world *world, const struct function *function)
{
    struct image_draft draft;
    if (emit_refusal(function))
        return false;
    draft_begin(&draft);
    draft.is_narrow = world->is_narrow;
    emit_function(&draft, &world->module, function, IMAGE_GATE_NONE);
    draft_settle(&draft);
    bool is_whole = !draft.has_failed && draft.code_size <= CODE_SIZE;
    if (is_whole) {
        memcpy(world->code, draft.code, draft.code_size);
        const uint32_t *fixups = draft.fixups.data;
        for (size_t i = 0; i < draft.fixups.count; i++) {
            uint32_t value;
            memcpy(&value, world->code + fixups[i], sizeof value);
            value -= (uint32_t)(uintptr_t)world->code;
            memcpy(world->code + fixups[i], &value, sizeof value);
        }
    }
    draft_end(&draft);
    return is_whole;
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

int woven_run(struct woven_world *world, const uint8_t *start, struct woven_state *state)
{
    memcpy(woven_cpu.gpr, state->gpr, sizeof woven_cpu.gpr);
    memcpy(woven_cpu.xmm, state->xmm, sizeof woven_cpu.xmm);
    memcpy(world->data, state->data, sizeof state->data);
    memcpy(world->stack, state->stack, sizeof state->stack);
    woven_cpu.flags = state->flags;
    woven_cpu.target = (uint64_t)(uintptr_t)start;
    woven_count = 0;
    int number = catch_signals() ? sigsetjmp(escape, 1) : SIGABRT;
    if (number)
        return number;
    woven_enter();
    memcpy(state->gpr, woven_cpu.gpr, sizeof woven_cpu.gpr);
    memcpy(state->xmm, woven_cpu.xmm, sizeof woven_cpu.xmm);
    memcpy(state->data, world->data, sizeof state->data);
    memcpy(state->stack, world->stack, sizeof state->stack);
    state->flags = woven_cpu.flags;
    return 0;
}

void woven_set_blind(bool is_blind)
{
    plane->write_tag = is_blind ? 0 : UINT64_C(0x0303030303030303);
    plane->read_tag = is_blind ? 0 : UINT64_C(0x0202020202020202);
    plane->generations = is_blind ? 0 : UINT64_C(0xfefefefefefefefe);
}

uint64_t woven_calls(void)
{
    return woven_count;
}

uint64_t woven_last_address(void)
{
    return woven_last;
}

static uint64_t register_in(const struct woven_state *state, ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE ? 0 : state->gpr[ZydisRegisterGetId(reg) & 15];
}

uint64_t woven_address(const struct insn *insn, int index, const struct woven_state *state)
{
    const ZydisDecodedOperandMem *mem = &insn->operands[index].mem;
    uint64_t address = mem->disp.has_displacement ? (uint64_t)mem->disp.value : 0;
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
        return address + insn->address + insn->length;
    address += register_in(state, mem->base) + register_in(state, mem->index) * mem->scale;
    if (mem->segment == ZYDIS_REGISTER_FS) {
        uint64_t thread_pointer;
        __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
        address += thread_pointer;
    }
    return insn->decoded.address_width == 32 ? (uint32_t)address : address;
}

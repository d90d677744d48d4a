/* stage.c: a real module where its functions can be run. */
#include "stage.h"

#include <asm/prctl.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/weave/check_state.h"
#include "preload/weave/pc_map.h"
#include "weaver/elf_private.h"
#include "weaver/emit.h"
#include "weaver/image_search.h"
#include "weaver/passes.h"
#include "weaver/plane.h"

enum {
    PAGE_SIZE = 4096,
    INT3 = 0xcc,
    PATCH_SIZE = 5,
    OPCODE_JMP = 0xe9,
    OPCODE_JMP_SHORT = 0xeb,
    STACK_GUARD = 0x28 /* of glibc, from FS */
};
enum { CLONE_ROOM = 16 << 20, LARGEST_MODULE = 1 << 30, LARGEST_FUNCTION = 4096 };

/* ---- routines ------------------------------------------------------------------------------------------------------- */

/* Named by the assembly below. */
uint64_t stage_stack_low, stage_saved_rax, stage_saved_rbx, stage_count, stage_strayed;
uint8_t stage_marks[STAGE_STACK_SIZE / 8 + 1];
extern const uint8_t stage_routine[];

__asm__(".pushsection .text\n.type stage_routine,@function\nstage_routine:\n\t"
        "movq %rax, stage_saved_rax(%rip)\n\tmovq %rbx, stage_saved_rbx(%rip)\n\t"
        "incq stage_count(%rip)\n\tmovq %rsp, %rax\n\tsubq stage_stack_low(%rip), %rax\n\t"
        "cmpq $32768-8, %rax\n\tja 1f\n\tshrq $3, %rax\n\tleaq stage_marks(%rip), %rbx\n\t"
        "movb $1, (%rbx,%rax)\n\tmovb $1, 1(%rbx,%rax)\n\tjmp 2f\n"
        "1:\tmovq $1, stage_strayed(%rip)\n"
        "2:\tmovq stage_saved_rax(%rip), %rax\n\tmovq stage_saved_rbx(%rip), %rbx\n\tcmpq %rsp, "
        "%rdi\n\tret\n.popsection\n");

static struct plane_header *plane;

static bool make_plane(void)
{
    uint8_t *mapping = mmap(NULL, PLANE_MAPPING(PLANE_WIDE), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    plane = (struct plane_header *)(void *)mapping;
    for (size_t i = 0; i < PLANE_ROUTINE_COUNT; i++)
        plane->routine[i] = (uint64_t)(uintptr_t)stage_routine;
    plane->window = PLANE_WINDOW_MASK(24);
    return syscall(SYS_arch_prctl, ARCH_SET_GS, mapping + PLANE_SKEW) == 0;
}

void stage_reset_routines(struct stage *stage, enum stage_mode mode)
{
    plane->write_tag = mode == STAGE_HIT ? 0 : UINT64_C(0x0303030303030303);
    plane->read_tag = mode == STAGE_HIT ? 0 : UINT64_C(0x0202020202020202);
    plane->generations = mode == STAGE_HIT ? 0 : UINT64_C(0xfefefefefefefefe);
    stage_stack_low = (uint64_t)(uintptr_t)stage->stack;
    stage_count = stage_strayed = 0;
    memset(stage_marks, 0, sizeof stage_marks);
}

bool stage_is_residue(size_t offset)
{
    return stage_marks[offset / 8] != 0;
}

bool stage_has_strayed(void)
{
    return stage_strayed != 0;
}

uint64_t stage_calls(void)
{
    return stage_count;
}

/* Far from everything else: what runs makes addresses up from those it has.  Always the same: a seed tells all. */
#define DATA_PLACE   UINT64_C(0x200000000000)
#define STACK_PLACE  UINT64_C(0x210000000000)
#define MODULE_PLACE UINT64_C(0x300000000000)

/* Returns: memory at that address, or NULL. */
static uint8_t *map_at(uint64_t address, size_t size, int protection)
{
    void *wanted = (void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr) */
    void *at = mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    return at == wanted ? at : NULL;
}

bool stage_begin(struct stage *stage)
{
    *stage = (struct stage){.data = map_at(DATA_PLACE, STAGE_DATA_SIZE, PROT_READ | PROT_WRITE),
                            .stack = map_at(STACK_PLACE, STAGE_STACK_SIZE, PROT_READ | PROT_WRITE)};
    stage->plain = malloc(LARGEST_FUNCTION + PATCH_SIZE);
    stage->patched = malloc(LARGEST_FUNCTION + PATCH_SIZE);
    return stage->data && stage->stack && stage->plain && stage->patched && make_plane();
}

/* ---- the module ------------------------------------------------------------------------------------------------------- */

/* Neither the text nor the clone may be written by what runs. */
static void protect(const void *memory, size_t size, bool is_writable)
{
    uintptr_t low = (uintptr_t)memory & -(uintptr_t)PAGE_SIZE;
    mprotect((void *)low, (uintptr_t)memory + size - low,
             PROT_READ | (is_writable ? PROT_WRITE : PROT_EXEC)); /* NOLINT: of a mapping */
}

static uint8_t *at_address(const struct stage *stage, uint64_t address)
{
    return (uint8_t *)(uintptr_t)(stage->bias + address);
}

/* Room for the whole module, and for a clone behind it.  A program that is linked to its addresses gets those. */
static bool take_room(struct stage *stage, uint64_t low, uint64_t high)
{
    stage->mapping_size = high - low + 2 * PAGE_SIZE + CLONE_ROOM;
    stage->mapping = map_at(stage->module.is_pie ? MODULE_PLACE : low, stage->mapping_size, PROT_NONE);
    if (!stage->mapping)
        return false;
    stage->bias = (uint64_t)(uintptr_t)stage->mapping - low;
    stage->clone = stage->mapping + stage->mapping_size - PAGE_SIZE - CLONE_ROOM;
    return true;
}

static void relocate_itself(struct stage *stage)
{
    const struct elf_private *own = stage->module.own;
    for (size_t i = 0; i < own->section_count; i++) {
        const struct section *section = &own->sections[i];
        if (section->type != SHT_RELA || !(section->flags & SHF_ALLOC) || !section->bytes)
            continue;
        for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= section->size; at += sizeof(Elf64_Rela)) {
            Elf64_Rela entry;
            memcpy(&entry, section->bytes + at, sizeof entry);
            uint64_t value = stage->bias + (uint64_t)entry.r_addend;
            if (ELF64_R_TYPE(entry.r_info) == R_X86_64_RELATIVE && elf_bytes_at(&stage->module, entry.r_offset, 8))
                memcpy(at_address(stage, entry.r_offset), &value, sizeof value);
        }
    }
}

static bool copy_segments(struct stage *stage)
{
    for (size_t i = 0; i < stage->module.segment_count; i++) {
        const struct elf_segment *segment = &stage->module.segments[i];
        uint64_t low = segment->address & -(uint64_t)PAGE_SIZE, size = segment->address - low + segment->memory_size;
        if (size == 0 || mprotect(at_address(stage, low), size, PROT_READ | PROT_WRITE) != 0)
            return size == 0;
        memcpy(at_address(stage, segment->address), stage->module.bytes + segment->file_offset, segment->file_size);
    }
    relocate_itself(stage);
    for (size_t i = 0; i < stage->module.function_count; i++) {
        struct function_range range = stage->module.functions[i];
        memset(at_address(stage, range.low), INT3, range.high - range.low);
    }
    return true;
}

static bool protect_segments(struct stage *stage)
{
    for (size_t i = 0; i < stage->module.segment_count; i++) {
        const struct elf_segment *segment = &stage->module.segments[i];
        uint64_t low = segment->address & -(uint64_t)PAGE_SIZE, size = segment->address - low + segment->memory_size;
        bool is_written = segment->writable && size + PAGE_SIZE <= STAGE_WRITABLE_MOST && !stage->written;
        int protection = segment->executable ? PROT_READ | PROT_EXEC : PROT_READ;
        if (is_written) {
            protection |= PROT_WRITE;
            stage->written = at_address(stage, low); /* whole pages */
            stage->written_size = (size + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;
        }
        if (mprotect(at_address(stage, low), size, protection) != 0)
            return false;
    }
    return true;
}

const char *stage_open(struct stage *stage, const char *path)
{
    const char *message = NULL;
    struct stage fresh = {.data = stage->data, .stack = stage->stack, .plain = stage->plain, .patched = stage->patched};
    *stage = fresh;
    if (elf_module_open(&stage->module, path, &message) != 0)
        return message;
    message = stage->module.refusal;
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < stage->module.segment_count && !message; i++) {
        const struct elf_segment *segment = &stage->module.segments[i];
        low = segment->address < low ? segment->address & -(uint64_t)PAGE_SIZE : low;
        high = segment->address + segment->memory_size > high ? segment->address + segment->memory_size : high;
    }
    high = (high + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;
    if (!message && (low >= high || high - low > LARGEST_MODULE))
        message = "has no segments, or too large ones";
    if (!message && !take_room(stage, low, high))
        message = "finds its addresses taken";
    if (!message && (!copy_segments(stage) || !protect_segments(stage)))
        message = "cannot be mapped";
    if (message)
        stage_close(stage);
    return message;
}

void stage_close(struct stage *stage)
{
    if (stage->mapping)
        munmap(stage->mapping, stage->mapping_size);
    stage->mapping = NULL;
    elf_module_close(&stage->module);
}

/* ---- one function ------------------------------------------------------------------------------------------------------- */

static bool is_stack_guard(const ZydisDecodedOperand *operand)
{
    return operand->mem.base == ZYDIS_REGISTER_NONE && operand->mem.index == ZYDIS_REGISTER_NONE &&
           operand->mem.disp.value == STACK_GUARD && !(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

/* What depends on more than the machine's state, or would change the state of the test itself. */
static bool is_out_of_reach(const struct insn *insn)
{
    switch (insn->decoded.meta.category) {
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_RDSEED:
    case ZYDIS_CATEGORY_RDRAND:
    case ZYDIS_CATEGORY_RDWRFSGS:
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_XSAVEOPT:
    case ZYDIS_CATEGORY_PKU:
    case ZYDIS_CATEGORY_AMX_TILE:
        return insn->decoded.mnemonic != ZYDIS_MNEMONIC_INT3;
    default:
        break;
    }
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
    case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < insn->decoded.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(operand->reg.value) == ZYDIS_REGCLASS_SEGMENT &&
            (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.segment == ZYDIS_REGISTER_FS &&
            !is_stack_guard(operand))
            return true; /* the test's own thread-local storage */
    }
    return false;
}

static const char *reason_against(const struct function *function)
{
    if (emit_refusal(function))
        return emit_refusal(function);
    if (function->insn_count == 0 || function->range.high - function->range.low > LARGEST_FUNCTION)
        return "is empty or too large";
    for (size_t i = 0; i < function->insn_count; i++)
        if (is_out_of_reach(&function->insns[i]))
            return "reaches beyond the machine's state";
    return NULL;
}

/* What the manual leaves undefined may be what was there before, which woven code need not keep. */
static uint32_t flags_defined_in(const struct function *function)
{
    uint32_t undefined = 0;
    for (size_t i = 0; i < function->insn_count; i++)
        if (function->insns[i].decoded.cpu_flags)
            undefined |= function->insns[i].decoded.cpu_flags->undefined;
    return ~undefined;
}

static void make_clone(struct stage *stage)
{
    draft_begin(&stage->draft);
    stage->draft.is_narrow = stage->is_narrow;
    emit_function(&stage->draft, &stage->module, &stage->function, IMAGE_GATE_NONE);
    draft_settle(&stage->draft);
    protect(stage->clone, stage->draft.code_size, true);
    memcpy(stage->clone, stage->draft.code, stage->draft.code_size);
    stage->clone_size = stage->draft.code_size;
    const uint32_t *fixups = stage->draft.fixups.data;
    uint32_t difference = (uint32_t)(stage->bias - (uint64_t)(uintptr_t)stage->clone);
    for (size_t i = 0; i < stage->draft.fixups.count; i++) {
        uint32_t value;
        memcpy(&value, stage->clone + fixups[i], sizeof value);
        value += difference;
        memcpy(stage->clone + fixups[i], &value, sizeof value);
    }
    protect(stage->clone, stage->draft.code_size, false);
}

/* Returns: whether all entries that hop find their holes in the bytes that are staged. */
static bool are_holes_staged(const struct stage *stage)
{
    const struct image_pad *pads = stage->draft.pads.data;
    uint64_t low = stage->function.range.low, high = stage->function.range.high + PATCH_SIZE;
    for (size_t i = 0; i < stage->draft.pads.count; i++)
        if (pads[i].module < low || pads[i].module + PATCH_SIZE > high)
            return false;
    return true;
}

static void write_hops(struct stage *stage)
{
    const struct image_pad *pads = stage->draft.pads.data;
    for (size_t i = 0; i < stage->draft.pads.count; i++) {
        uint64_t low = stage->function.range.low, at = pads[i].module - low;
        uint32_t distance =
            (uint32_t)((uint64_t)(uintptr_t)stage->clone + pads[i].code - (stage->bias + pads[i].module + PATCH_SIZE));
        stage->patched[at] = OPCODE_JMP;
        memcpy(stage->patched + at + 1, &distance, sizeof distance);
        stage->patched[pads[i].entry - low] = OPCODE_JMP_SHORT;
        stage->patched[pads[i].entry - low + 1] = (uint8_t)(pads[i].module - (pads[i].entry + IMAGE_SHORT_JUMP));
    }
}

static void make_text(struct stage *stage)
{
    const struct function *function = &stage->function;
    uint64_t low = function->range.low, size = function->range.high - low;
    stage->text_size = size + PATCH_SIZE; /* a jump may end in the padding */
    memcpy(stage->plain, at_address(stage, low), stage->text_size);
    memcpy(stage->plain, elf_bytes_at(&stage->module, low, size), size);
    for (size_t i = 0; i < function->insn_count; i++)
        if (function->insns[i].role == ROLE_CALL)
            stage->plain[function->insns[i].address - low] = INT3;
    memcpy(stage->patched, stage->plain, stage->text_size);
    const struct image_entry *entries = stage->draft.entries.data;
    for (size_t i = 0; i < stage->draft.entries.count; i++) {
        uint64_t at = entries[i].module - low;
        uint32_t distance = (uint32_t)((uint64_t)(uintptr_t)stage->clone + entries[i].code -
                                       (stage->bias + entries[i].module + PATCH_SIZE));
        uint8_t jump[PATCH_SIZE] = {OPCODE_JMP};
        memcpy(jump + 1, &distance, sizeof distance);
        memcpy(stage->patched + at, jump, sizeof jump);
    }
    write_hops(stage);
}

const char *stage_function(struct stage *stage, size_t index)
{
    if (!function_model_make(&stage->module, index, &stage->function))
        return "needs more memory than there is";
    const char *reason = reason_against(&stage->function);
    if (reason) {
        function_model_free(&stage->function);
        return reason;
    }
    stage->flags_defined = flags_defined_in(&stage->function);
    make_clone(stage);
    if (!are_holes_staged(stage)) {
        draft_end(&stage->draft);
        function_model_free(&stage->function);
        return "hops to filling between functions";
    }
    make_text(stage);
    return NULL;
}

static void write_text(struct stage *stage, const uint8_t *bytes)
{
    uint8_t *text = at_address(stage, stage->function.range.low);
    protect(text, stage->text_size, true);
    memcpy(text, bytes, stage->text_size);
    protect(text, stage->text_size, false);
}

void stage_show(struct stage *stage, bool is_patched)
{
    write_text(stage, is_patched ? stage->patched : stage->plain);
}

void stage_function_end(struct stage *stage)
{
    memset(stage->plain, INT3, stage->function.range.high - stage->function.range.low);
    write_text(stage, stage->plain);
    draft_end(&stage->draft);
    function_model_free(&stage->function);
}

/* ---- places ------------------------------------------------------------------------------------------------------------- */

bool stage_is_clone(const struct stage *stage, uint64_t pc)
{
    return pc - (uint64_t)(uintptr_t)stage->clone < stage->clone_size;
}

uint64_t stage_clone_of(const struct stage *stage, const struct insn *insn)
{
    return (uint64_t)(uintptr_t)stage->clone + draft_find_clone(&stage->draft, insn->address);
}

/* Returns: the last place at or below the code offset, or NULL. */
static const struct image_place *place_at(const struct stage *stage, uint64_t code)
{
    const struct image_place *places = stage->draft.places.data;
    uint64_t up_to = image_count_below(places, stage->draft.places.count, sizeof *places, code + 1);
    return up_to == 0 ? NULL : &places[up_to - 1];
}

/* Whether the clone's bytes there are those of the instruction: all of them but a displacement from RIP. */
static bool is_copy_at(const struct stage *stage, uint64_t pc, const struct insn *insn)
{
    const uint8_t *copy = (const uint8_t *)(uintptr_t)pc,
                  *original = elf_bytes_at(&stage->module, insn->address, insn->length);
    size_t low = insn->decoded.raw.disp.offset, high = low + insn->decoded.raw.disp.size / 8;
    for (size_t i = 0; i < insn->length; i++)
        if (copy[i] != original[i] && (i < low || i >= high))
            return false;
    return true;
}

const struct insn *stage_insn_at(const struct stage *stage, uint64_t pc, bool *is_copy)
{
    uint64_t address = pc - stage->bias;
    *is_copy = true;
    if (stage_is_clone(stage, pc)) {
        const struct image_place *place = place_at(stage, pc - (uint64_t)(uintptr_t)stage->clone);
        if (!place)
            return NULL;
        address = place->module;
    }
    uint32_t index = function_find(&stage->function, address);
    if (index == FUNCTION_NONE)
        return NULL;
    const struct insn *insn = &stage->function.insns[index];
    if (stage_is_clone(stage, pc))
        *is_copy = is_copy_at(stage, pc, insn);
    return insn;
}

/* ---- the program's state at a stop in a check, as the library shows it ------------------------------------------------------ */

static const struct stage *shown; /* what the library asks of */

bool pc_map_extent(const struct woven_image *image, uint64_t code, uint64_t *low, uint64_t *high)
{
    (void)image;
    const struct image_place *places = shown->draft.places.data, *place = place_at(shown, code);
    if (!place || code >= shown->clone_size)
        return false;
    bool is_last = place + 1 == places + shown->draft.places.count;
    *low = place->code;
    *high = is_last ? shown->clone_size : place[1].code;
    return true;
}

uintptr_t pc_map_original(uintptr_t pc)
{
    const struct image_place *place = place_at(shown, pc - (uintptr_t)shown->clone);
    return place ? (uintptr_t)(shown->bias + place->module) : 0;
}

void stage_show_state(const struct stage *stage, uint64_t pc, uint64_t *gpr, uint64_t *flags)
{
    static const int numbers[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    enum { REGISTERS = sizeof numbers / sizeof *numbers };
    const struct image_header header = {.code_size = stage->clone_size};
    const struct woven_image image = {.header = &header, .code = (uintptr_t)stage->clone};
    gregset_t registers = {0};
    for (size_t i = 0; i < REGISTERS; i++)
        registers[numbers[i]] = (greg_t)gpr[i];
    registers[REG_EFL] = (greg_t)*flags;
    registers[REG_RIP] = (greg_t)pc;
    shown = stage;
    check_state_present(&image, plane, registers);
    for (size_t i = 0; i < REGISTERS; i++)
        gpr[i] = (uint64_t)registers[numbers[i]];
    *flags = (uint64_t)registers[REG_EFL];
}

/* code_scan.c: one look at all the code of a module, with as little decoding as will do. */
#include <stdlib.h>

#include "weaver/entries.h"
#include "weaver/passes.h"

static void add_reference(struct entry_scan *scan, uint64_t address, uint32_t function)
{
    if (scan->count == scan->capacity) {
        size_t capacity = scan->capacity ? 2 * scan->capacity : 1024;
        struct reference *grown = realloc(scan->references, capacity * sizeof *grown);
        if (!grown) {
            scan->no_memory = true;
            return;
        }
        scan->references = grown;
        scan->capacity = capacity;
    }
    scan->references[scan->count++] = (struct reference){address, function};
}

static bool has_memory_operand(const ZydisDecodedInstruction *decoded)
{
    return decoded->raw.modrm.offset != 0 && decoded->raw.modrm.mod != 3;
}

static bool uses_gs(const ZydisDecodedInstruction *decoded)
{
    if (decoded->mnemonic == ZYDIS_MNEMONIC_WRGSBASE || decoded->mnemonic == ZYDIS_MNEMONIC_RDGSBASE)
        return true;
    for (size_t i = 0; i < decoded->raw.prefix_count; i++)
        if (decoded->raw.prefixes[i].value == 0x65)
            return has_memory_operand(decoded) && decoded->mnemonic != ZYDIS_MNEMONIC_NOP;
    return false;
}

static bool is_branch(ZydisMnemonic mnemonic)
{
    return (mnemonic >= ZYDIS_MNEMONIC_JB && mnemonic <= ZYDIS_MNEMONIC_JZ) || mnemonic == ZYDIS_MNEMONIC_LOOP ||
           mnemonic == ZYDIS_MNEMONIC_LOOPE || mnemonic == ZYDIS_MNEMONIC_LOOPNE || mnemonic == ZYDIS_MNEMONIC_XBEGIN;
}

static void collect(struct entry_scan *scan, const ZydisDecodedInstruction *decoded, uint64_t next, uint32_t function)
{
    bool is_rip_relative = has_memory_operand(decoded) && decoded->raw.modrm.mod == 0 && decoded->raw.modrm.rm == 5;
    if (is_rip_relative && decoded->mnemonic == ZYDIS_MNEMONIC_LEA)
        add_reference(scan, next + (uint64_t)decoded->raw.disp.value, function);
    if (scan->module->is_pie)
        return;
    for (size_t i = 0; i < 2; i++)
        if (decoded->raw.imm[i].size >= 32 && !decoded->raw.imm[i].is_relative)
            add_reference(scan, decoded->raw.imm[i].value.u, function);
}

/* A direct branch or call; its target is looked at later, when all boundaries are known. */
static void follow(struct entry_scan *scan, const ZydisDecodedInstruction *decoded, uint64_t next,
                   const struct function_range *from)
{
    if (!decoded->raw.imm[0].is_relative)
        return;
    uint64_t target = next + decoded->raw.imm[0].value.u;
    bool is_inside = from && target >= from->low && target < from->high;
    if (decoded->mnemonic == ZYDIS_MNEMONIC_CALL || !is_inside) {
        struct elf_module *module = scan->module;
        uint8_t called = decoded->mnemonic == ZYDIS_MNEMONIC_CALL ? ENTRY_CALLED : 0;
        if (target >= module->text_low && target < module->text_high)
            module->entry_kinds[target - module->text_low] |= ENTRY_BRANCH_FROM_ORIGINAL | called;
    }
}

/* A function that has the number of futex() and a system call, or calls libc's syscall(), waits or wakes by itself. */
struct futex_signs {
    bool number, call;
};

static bool calls_syscall(const struct elf_module *module, const ZydisDecodedInstruction *decoded, uint64_t next)
{
    if (decoded->mnemonic != ZYDIS_MNEMONIC_CALL || !decoded->raw.imm[0].is_relative)
        return false;
    const char *name = plt_name(module, next + decoded->raw.imm[0].value.u);
    return name && strcmp(name, "syscall") == 0;
}

static void look_for_futex(const struct elf_module *module, struct futex_signs *signs,
                           const ZydisDecodedInstruction *decoded, uint64_t next)
{
    enum { NUMBER_OF_FUTEX = 202 };
    signs->call |= decoded->mnemonic == ZYDIS_MNEMONIC_SYSCALL ||
                   (signs->number && !signs->call && calls_syscall(module, decoded, next));
    signs->number |= decoded->mnemonic == ZYDIS_MNEMONIC_MOV && decoded->raw.imm[0].size >= 32 &&
                     !has_memory_operand(decoded) && decoded->raw.imm[0].value.u == NUMBER_OF_FUTEX;
}

/* Returns: whether it reads the thread pointer: fs:[0]. */
static bool reads_thread_pointer(const ZydisDecodedInstruction *decoded)
{
    bool is_absolute = has_memory_operand(decoded) && decoded->raw.modrm.mod == 0 && decoded->raw.modrm.rm == 4 &&
                       decoded->raw.sib.base == 5 && decoded->raw.sib.index == 4 && decoded->raw.disp.value == 0;
    for (size_t i = 0; is_absolute && i < decoded->raw.prefix_count; i++)
        if (decoded->raw.prefixes[i].value == 0x64)
            return true;
    return false;
}

static void scan_range(struct entry_scan *scan, const ZydisDecoder *decoder, struct function_range range,
                       uint32_t index)
{
    struct elf_module *module = scan->module;
    const uint8_t *bytes = elf_bytes_at(module, range.low, range.high - range.low);
    bool is_function = index != UINT32_MAX;
    struct futex_signs signs = {false, false};
    ZydisDecodedInstruction decoded;
    for (uint64_t address = range.low; bytes && address < range.high;) {
        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder, NULL, bytes + (address - range.low),
                                                      range.high - address, &decoded))) {
            if (is_function)
                break;
            address++;
            continue;
        }
        uint64_t next = address + decoded.length;
        uint8_t *kinds = &module->entry_kinds[address - module->text_low];
        if (is_function)
            *kinds |= ENTRY_BOUNDARY;
        if (is_function && decoded.mnemonic == ZYDIS_MNEMONIC_ENDBR64)
            *kinds |= ENTRY_ADDRESS;
        if (is_function && decoded.mnemonic == ZYDIS_MNEMONIC_CALL && next < range.high)
            module->entry_kinds[next - module->text_low] |= ENTRY_AFTER_CALL;
        if (decoded.mnemonic == ZYDIS_MNEMONIC_CALL || is_branch(decoded.mnemonic))
            follow(scan, &decoded, next, is_function ? &range : NULL);
        else
            collect(scan, &decoded, next, index);
        if (is_function && uses_gs(&decoded)) {
            module->refusal = "uses the GS segment itself";
            module->uses_gs = true;
        }
        module->shows_thread_variables |= is_function && reads_thread_pointer(&decoded);
        look_for_futex(module, &signs, &decoded, next);
        address = next;
    }
    module->makes_locks |= is_function && signs.number && signs.call && !module->is_program;
}

/* Code that is no function we know (no .eh_frame entry, no symbol) may branch to ones that we do. */
static void scan_holes(struct entry_scan *scan, const ZydisDecoder *decoder)
{
    const struct elf_module *module = scan->module;
    for (size_t i = 0; i < module->own->code_count; i++) {
        uint64_t low = module->own->code[i].low, end = module->own->code[i].high;
        for (size_t j = 0; j <= module->function_count; j++) {
            bool is_last = j == module->function_count || module->functions[j].low >= end;
            uint64_t high = is_last ? end : module->functions[j].low;
            if (high > low)
                scan_range(scan, decoder, (struct function_range){low, high, UINT32_MAX}, UINT32_MAX);
            if (is_last)
                break;
            if (module->functions[j].high > low)
                low = module->functions[j].high;
        }
    }
}

void code_scan(struct entry_scan *scan)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
    for (size_t i = 0; i < scan->module->function_count; i++)
        scan_range(scan, &decoder, scan->module->functions[i], (uint32_t)i);
    scan_holes(scan, &decoder);
}

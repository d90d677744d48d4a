/* accesses.c: the memory operands that another thread could see, and what is known of each.
 *
 * Left out: what is thread-private by its address (private places of the frame, the stack of push, call and so on; FS, unless
 *           the module makes addresses of thread-local variables, which other threads may have then),
 *           what nobody writes (read-only segments), and what touches no memory (lea, nop, prefetch).
 * Refused:  operands of which the bytes touched are not known beforehand, nor told by masks (bit strings, xsave); counted.
 */
#include "weaver/lanes.h"
#include "weaver/passes.h"

static bool has_prefix_lock(const struct insn *insn)
{
    return (insn->decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
}

static bool is_repeated(const struct insn *insn)
{
    return (insn->decoded.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
}

static bool touches_no_memory(const struct insn *insn)
{
    switch (insn->decoded.meta.category) {
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_PREFETCHWT1:
    case ZYDIS_CATEGORY_MPX:
        return true;
    default:
        break;
    }
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_LEA:
    case ZYDIS_MNEMONIC_CLFLUSH:
    case ZYDIS_MNEMONIC_CLFLUSHOPT:
    case ZYDIS_MNEMONIC_CLWB:
    case ZYDIS_MNEMONIC_CLDEMOTE:
        return true;
    default:
        return false;
    }
}

/* Returns: why the operand's bytes are not known beforehand, or NULL. */
static const char *reason_against(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    if (operand->mem.type != ZYDIS_MEMOP_TYPE_MEM)
        return "touches memory in an unusual way";
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
        /* What is locked counts as done to the operand's own place: who sets and clears a bit names it alike. */
        return insn->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && !has_prefix_lock(insn)
                   ? "touches a bit anywhere in a string"
                   : NULL;
    case ZYDIS_MNEMONIC_POP:
        return operand->mem.base == ZYDIS_REGISTER_RSP ? "pops to where the stack is after it" : NULL;
    default:
        return NULL;
    }
}

/* Returns: how many bytes a check looks at; 0 when no check fits. */
static uint16_t checked_size(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    unsigned bytes = operand->size / 8u;
    if (insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && insn->decoded.raw.evex.b)
        bytes = operand->element_size / 8u; /* one element for all lanes */
    if (bytes == 10)
        return 8; /* x87's long format: its two last bytes go with the rest */
    bool is_power = bytes && (bytes & (bytes - 1)) == 0;
    return is_power && bytes <= 64 ? (uint16_t)bytes : 0;
}

/* Memory that is named by address alone (or by a table's address and an index) may be known to be read-only. */
static bool is_readonly(const struct elf_module *module, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    uint64_t address = (uint64_t)operand->mem.disp.value;
    if (operand->mem.base == ZYDIS_REGISTER_RIP)
        address += insn->address + insn->length;
    else if (operand->mem.base != ZYDIS_REGISTER_NONE || module->is_pie)
        return false;
    return elf_module_is_readonly(module, address, operand->size / 8u);
}

bool insn_is_plain_move(const struct insn *insn, uint16_t size)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        return size <= 8;
    default:
        return false;
    }
}

bool insn_is_number_move(const struct insn *insn, uint16_t size)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOVSD: /* has a string instruction's name as well */
    case ZYDIS_MNEMONIC_MOVSS:
    case ZYDIS_MNEMONIC_MOVD:
    case ZYDIS_MNEMONIC_MOVQ:
    case ZYDIS_MNEMONIC_VMOVSD:
    case ZYDIS_MNEMONIC_VMOVSS:
    case ZYDIS_MNEMONIC_VMOVD:
    case ZYDIS_MNEMONIC_VMOVQ:
    case ZYDIS_MNEMONIC_ADDSD:
    case ZYDIS_MNEMONIC_ADDSS:
    case ZYDIS_MNEMONIC_VADDSD:
    case ZYDIS_MNEMONIC_VADDSS:
        return size <= 8 && insn->decoded.meta.category != ZYDIS_CATEGORY_STRINGOP;
    default:
        return false;
    }
}

bool insn_may_be_atomic(const struct elf_module *module, const struct insn *insn, uint16_t size)
{
    return insn_is_plain_move(insn, size) || insn_is_number_move(insn, size) ||
           (module->makes_locks && size <= 8 && insn->decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY);
}

bool insn_loads_on_condition(const struct insn *insn)
{
    return insn->decoded.meta.category == ZYDIS_CATEGORY_CMOV && insn->access_count == 1;
}

/* lock or $0, (%rsp) and the like: what compilers make of a fence.  An atomic variable may lie on the stack as well. */
static bool changes_nothing(const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->decoded.mnemonic;
    const ZydisDecodedOperand *by = &insn->operands[1];
    return (mnemonic == ZYDIS_MNEMONIC_OR || mnemonic == ZYDIS_MNEMONIC_ADD) &&
           by->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && by->imm.value.u == 0;
}

static void add(struct insn *insn, struct access access)
{
    insn->access[insn->access_count++] = access;
}

/* Variables lie below the thread pointer, and above it what the thread itself consists of. */
static bool is_thread_variable(const ZydisDecodedOperand *operand)
{
    return operand->mem.disp.value < 0 || operand->mem.base != ZYDIS_REGISTER_NONE ||
           operand->mem.index != ZYDIS_REGISTER_NONE;
}

static void add_lanes(struct insn *insn, size_t index, bool is_write)
{
    struct lanes lanes;
    if (!lanes_of(&lanes, insn, &insn->operands[index])) {
        insn->refusal = "touches memory under a mask, or reads all of it";
        return;
    }
    add(insn,
        (struct access){.operand = (int8_t)index, .role = ACCESS_LANES, .is_write = is_write, .size = lanes.size});
}

static void look_at_operand(const struct elf_module *module, struct function *function, const struct frame *frame,
                            struct insn *insn, size_t index)
{
    const ZydisDecodedOperand *operand = &insn->operands[index];
    bool is_locked = has_prefix_lock(insn) || insn->decoded.mnemonic == ZYDIS_MNEMONIC_XCHG;
    bool is_write = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    bool is_read = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
    bool is_thread = operand->mem.segment == ZYDIS_REGISTER_FS;
    if (is_thread && !(module->shows_thread_variables && is_thread_variable(operand)))
        return;
    bool is_on_stack = operand->mem.base == ZYDIS_REGISTER_RSP;
    if (is_locked && ((is_on_stack && changes_nothing(insn)) || frame_is_private(frame, insn, operand))) {
        add(insn,
            (struct access){.operand = (int8_t)index, .role = ACCESS_FENCE, .is_write = true, .read_modify = true});
        return;
    }
    if (frame_is_private(frame, insn, operand)) {
        function->stack_skipped++;
        return;
    }
    if (!is_write && !is_thread && is_readonly(module, insn, operand)) {
        function->readonly_skipped++;
        return;
    }
    if (lanes_are_told(insn, operand)) {
        add_lanes(insn, index, is_write);
        return;
    }
    uint16_t size = checked_size(insn, operand);
    if (!insn->refusal)
        insn->refusal = reason_against(insn, operand);
    if (!insn->refusal && size == 0)
        insn->refusal = "touches an unusual number of bytes";
    if (insn->refusal)
        return;
    add(insn, (struct access){.operand = (int8_t)index,
                              .role = is_locked ? ACCESS_ATOMIC : ACCESS_PLAIN,
                              .is_write = is_write,
                              .read_modify = is_write && is_read,
                              .is_guess = (module->makes_locks || !module->has_debug_info) &&
                                          !function->is_of_container && insn_may_be_atomic(module, insn, size),
                              .size = size});
}

/* Pushes and calls have their stack as a hidden operand. */
static bool is_implicit_stack(const struct insn *insn, const ZydisDecodedOperand *operand)
{
    return operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
           (operand->mem.base == ZYDIS_REGISTER_RSP || insn->decoded.mnemonic == ZYDIS_MNEMONIC_LEAVE ||
            insn->decoded.mnemonic == ZYDIS_MNEMONIC_ENTER);
}

static void look_at_repeated(struct insn *insn, bool goes_down)
{
    switch (insn->decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ:
        insn->refusal = "ends where the data say";
        return;
    default:
        break;
    }
    if (goes_down) {
        insn->refusal = "may go downwards";
        return;
    }
    for (size_t i = 0; i < insn->decoded.operand_count && insn->access_count < 2; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        add(insn, (struct access){.operand = -1,
                                  .is_write = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0,
                                  .is_range = true,
                                  .size = operand->size / 8u});
    }
}

static void look_at(const struct elf_module *module, struct function *function, const struct frame *frame,
                    struct insn *insn, bool goes_down)
{
    if (insn->decoded.mnemonic == ZYDIS_MNEMONIC_MFENCE) {
        add(insn, (struct access){.operand = -1, .role = ACCESS_FENCE});
        return;
    }
    if (touches_no_memory(insn))
        return;
    if (insn->decoded.meta.category == ZYDIS_CATEGORY_STRINGOP && is_repeated(insn)) {
        look_at_repeated(insn, goes_down);
        return;
    }
    for (size_t i = 0; i < insn->decoded.operand_count && insn->access_count < 2; i++)
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            insn->operands[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN && !is_implicit_stack(insn, &insn->operands[i]))
            look_at_operand(module, function, frame, insn, i);
}

/* rol $3, $13, $61, $51, %rdi; xchg %rbx, %rbx.
 * Source: valgrind.h, __SPECIAL_INSTRUCTION_PREAMBLE and what follows it for amd64. */
static bool is_request(const struct function *function, size_t index)
{
    static const uint8_t turns[] = {3, 13, 61, 51};
    enum { TURNS = sizeof turns };
    const struct insn *last = &function->insns[index];
    bool is_end = last->decoded.mnemonic == ZYDIS_MNEMONIC_XCHG && last->operands[0].reg.value == ZYDIS_REGISTER_RBX &&
                  last->operands[1].reg.value == ZYDIS_REGISTER_RBX;
    if (!is_end || index < TURNS || last->is_join)
        return false;
    for (size_t i = 0; i < TURNS; i++) {
        const struct insn *insn = &function->insns[index - TURNS + i];
        bool turns_rdi =
            insn->decoded.mnemonic == ZYDIS_MNEMONIC_ROL && insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            insn->operands[0].reg.value == ZYDIS_REGISTER_RDI &&
            insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && insn->operands[1].imm.value.u == turns[i];
        if (!turns_rdi || (i > 0 && insn->is_join))
            return false;
    }
    return true;
}

void accesses_find(const struct elf_module *module, struct function *function)
{
    const struct frame frame = frame_find(function);
    bool goes_down = false;
    for (size_t i = 0; i < function->insn_count; i++)
        goes_down |= function->insns[i].decoded.mnemonic == ZYDIS_MNEMONIC_STD;
    for (size_t i = 0; i < function->insn_count; i++) {
        look_at(module, function, &frame, &function->insns[i], goes_down);
        if (is_request(function, i))
            add(&function->insns[i], (struct access){.operand = -1, .role = ACCESS_REQUEST});
    }
    for (size_t i = 0; i < function->insn_count; i++)
        if (function->insns[i].refusal)
            function->insns[i].access_count = 0;
}

#include "preload/frame_rule.h"

#include <stdatomic.h>

#include "detector/hash_table.h"
#include "preload/eh_frame_header.h"
#include "weaver/bytes.h"
#include "weaver/cfi_opcodes.h"

enum { SLOTS = 1 << 14, REMEMBERED_MOST = 8 };

/* ---- where it is written -------------------------------------------------------------------------------------------- */

/* Returns: from `address` to the end of the readable segment that holds it; none when there is no such segment. */
static struct bytes readable_from(const struct module *m, uintptr_t address)
{
    for (unsigned i = 0; i < m->phdr_count; i++) {
        const ElfW(Phdr) *p = &m->phdr[i];
        uintptr_t low = m->bias + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_R) != 0 && address - low < p->p_filesz)
            return (struct bytes){(const uint8_t *)address, (const uint8_t *)(low + p->p_filesz), false};
    }
    return (struct bytes){NULL, NULL, true};
}

/* Returns: the content of the record at `address`, behind its length. */
static struct bytes record_at(const struct module *m, uintptr_t address)
{
    struct bytes bytes = readable_from(m, address);
    uint64_t length = bytes_unsigned(&bytes, 4);
    if (length < 4 || length > (uint64_t)(bytes.end - bytes.at))
        bytes.bad = true;
    else
        bytes.end = bytes.at + length;
    return bytes;
}

/* Returns: the address of the description that begins last at or below `pc`, and in *start where its code begins; or 0. */
static uintptr_t description_of(const struct eh_frame_header *header, uintptr_t pc, uintptr_t *start)
{
    uintptr_t base = (uintptr_t)header;
    uint32_t low = 0, high = header->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (base + (uintptr_t)(intptr_t)header->table[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    *start = base + (uintptr_t)(intptr_t)header->table[low - 1].start;
    return base + (uintptr_t)(intptr_t)header->table[low - 1].description;
}

/* ---- what it says --------------------------------------------------------------------------------------------------- */

struct common {
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t address_encoding;
    bool has_augmentation, is_signal, is_known;
    struct bytes initial;
};

/* Units: bytes; 0: of a length that depends on its content. */
static size_t size_of_encoded(uint8_t encoding)
{
    static const uint8_t sizes[8] = {8, 0, 2, 4, 8, 0, 0, 0};
    return sizes[encoding & 7];
}

static void read_augmentation(struct common *common, const char *letters, struct bytes *bytes)
{
    for (; *letters != '\0'; letters++) {
        uint8_t encoding = *letters == 'S' ? 0 : (uint8_t)bytes_unsigned(bytes, 1);
        if (*letters == 'S')
            common->is_signal = true;
        else if (*letters == 'R')
            common->address_encoding = encoding;
        else if (*letters == 'P')
            bytes_skip(bytes, size_of_encoded(encoding));
        else if (*letters != 'L')
            bytes->bad = true;
    }
}

static struct common read_common(struct bytes bytes)
{
    struct common common = {0};
    bool is_common = bytes_unsigned(&bytes, 4) == 0;
    uint64_t version = bytes_unsigned(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (bytes_unsigned(&bytes, 1) != 0)
        continue;
    if (bytes.bad || !is_common || (version != 1 && version != 3) || (letters[0] != 'z' && letters[0] != '\0'))
        return common;
    common.code_factor = bytes_uleb(&bytes);
    common.data_factor = bytes_sleb(&bytes);
    uint64_t return_register = version == 1 ? bytes_unsigned(&bytes, 1) : bytes_uleb(&bytes);
    common.has_augmentation = letters[0] == 'z';
    if (common.has_augmentation) {
        uint64_t size = bytes_uleb(&bytes);
        struct bytes augmentation = bytes;
        bytes_skip(&bytes, size);
        augmentation.end = bytes.at;
        read_augmentation(&common, letters + 1, &augmentation);
        bytes.bad |= augmentation.bad;
    }
    common.initial = bytes;
    common.is_known = !bytes.bad && return_register == DWARF_RIP;
    return common;
}

/* What the instructions have set so far. */
struct row {
    uint64_t reg;
    int64_t cfa, rbp; /* rbp 0: not saved */
    bool is_other, is_outermost;
};

struct machine {
    const struct common *common;
    struct row row, initial, remembered[REMEMBERED_MOST];
    size_t depth;
    uintptr_t address; /* the row holds from here on */
};

static void save(struct machine *machine, uint64_t reg, int64_t factored)
{
    int64_t offset = factored * machine->common->data_factor;
    if (reg == DWARF_RBP)
        machine->row.rbp = offset;
    else if (reg == DWARF_RIP)
        machine->row.is_other |= offset != -(int64_t)sizeof(uintptr_t);
}

static void save_otherwise(struct machine *machine, uint64_t reg)
{
    machine->row.is_other |= reg == DWARF_RBP || reg == DWARF_RIP || reg == DWARF_RSP;
}

static void save_not(struct machine *machine, uint64_t reg)
{
    if (reg == DWARF_RBP)
        machine->row.rbp = 0;
    else if (reg == DWARF_RIP)
        machine->row.is_outermost = true;
}

static void restore(struct machine *machine, uint64_t reg)
{
    if (reg == DWARF_RBP)
        machine->row.rbp = machine->initial.rbp;
}

static void remember(struct machine *machine, struct bytes *program)
{
    if (machine->depth == REMEMBERED_MOST)
        program->bad = true;
    else
        machine->remembered[machine->depth++] = machine->row;
}

static void recall(struct machine *machine, struct bytes *program)
{
    if (machine->depth == 0)
        program->bad = true;
    else
        machine->row = machine->remembered[--machine->depth];
}

/* Returns: false when the instruction does not set the CFA, nor remembers or recalls a row. */
static bool step_cfa(struct machine *machine, struct bytes *program, uint64_t opcode)
{
    struct row *row = &machine->row;
    switch (opcode) {
    case CFA_DEF_CFA:
        row->reg = bytes_uleb(program);
        row->cfa = (int64_t)bytes_uleb(program);
        return true;
    case CFA_DEF_CFA_SF:
        row->reg = bytes_uleb(program);
        row->cfa = bytes_sleb(program) * machine->common->data_factor;
        return true;
    case CFA_DEF_CFA_REGISTER:
        row->reg = bytes_uleb(program);
        return true;
    case CFA_DEF_CFA_OFFSET:
        row->cfa = (int64_t)bytes_uleb(program);
        return true;
    case CFA_DEF_CFA_OFFSET_SF:
        row->cfa = bytes_sleb(program) * machine->common->data_factor;
        return true;
    case CFA_DEF_CFA_EXPRESSION:
        bytes_skip(program, bytes_uleb(program));
        row->reg = UINT64_MAX;
        return true;
    case CFA_REMEMBER:
        remember(machine, program);
        return true;
    case CFA_RESTORE_STATE:
        recall(machine, program);
        return true;
    default:
        return false;
    }
}

static void step_register(struct machine *machine, struct bytes *program, uint64_t opcode)
{
    uint64_t reg = opcode == CFA_NOP ? 0 : bytes_uleb(program);
    switch (opcode) {
    case CFA_NOP:
    case CFA_GNU_ARGS_SIZE:
        break;
    case CFA_OFFSET_EXTENDED:
        save(machine, reg, (int64_t)bytes_uleb(program));
        break;
    case CFA_OFFSET_EXTENDED_SF:
        save(machine, reg, bytes_sleb(program));
        break;
    case CFA_RESTORE_EXTENDED:
        restore(machine, reg);
        break;
    case CFA_UNDEFINED:
    case CFA_SAME_VALUE:
        save_not(machine, reg);
        break;
    case CFA_REGISTER:
    case CFA_VAL_OFFSET:
    case CFA_VAL_OFFSET_SF:
        bytes_uleb(program);
        save_otherwise(machine, reg);
        break;
    case CFA_EXPRESSION:
    case CFA_VAL_EXPRESSION:
        bytes_skip(program, bytes_uleb(program));
        save_otherwise(machine, reg);
        break;
    default:
        program->bad = true;
    }
}

static void step(struct machine *machine, struct bytes *program)
{
    uint64_t opcode = bytes_unsigned(program, 1), low = opcode & 0x3f;
    const uint64_t factor = machine->common->code_factor;
    if (opcode >> 6 == CFA_ADVANCE)
        machine->address += low * factor;
    else if (opcode >> 6 == CFA_OFFSET)
        save(machine, low, (int64_t)bytes_uleb(program));
    else if (opcode >> 6 == CFA_RESTORE)
        restore(machine, low);
    else if (opcode >= CFA_ADVANCE_1 && opcode <= CFA_ADVANCE_4)
        machine->address += factor * bytes_unsigned(program, (size_t)1 << (opcode - CFA_ADVANCE_1));
    else if (!step_cfa(machine, program, opcode))
        step_register(machine, program, opcode);
}

/* Returns: false when the instructions cannot be followed to `pc`. */
static bool run(struct machine *machine, struct bytes program, uintptr_t pc)
{
    struct row row = machine->row;
    while (program.at < program.end && !program.bad && machine->address <= pc) {
        step(machine, &program);
        if (machine->address <= pc)
            row = machine->row;
    }
    machine->row = row;
    return !program.bad;
}

static struct frame_rule rule_of(const struct row *row)
{
    struct frame_rule rule = {.kind = FRAME_OTHER, .cfa = (int32_t)row->cfa, .rbp = (int32_t)row->rbp};
    if (row->is_outermost)
        return (struct frame_rule){.kind = FRAME_OUTERMOST};
    bool fits = rule.cfa == row->cfa && rule.rbp == row->rbp && row->cfa % 8 == 0 && row->rbp % 8 == 0;
    if (row->is_other || !fits || (row->reg != DWARF_RSP && row->reg != DWARF_RBP))
        return (struct frame_rule){.kind = FRAME_OTHER};
    rule.kind = row->reg == DWARF_RSP ? FRAME_FROM_RSP : FRAME_FROM_RBP;
    return rule;
}

static struct frame_rule read_rule(const struct module *m, uintptr_t pc)
{
    static const struct frame_rule untold = {.kind = FRAME_UNTOLD}, other = {.kind = FRAME_OTHER};
    const struct eh_frame_header *header = eh_frame_header_of(m);
    uintptr_t start = 0, at = header == NULL ? 0 : description_of(header, pc, &start);
    if (at == 0)
        return header == NULL ? other : untold;
    struct bytes description = record_at(m, at);
    uint64_t back = bytes_unsigned(&description, 4);
    struct common common = read_common(record_at(m, at + 4 - back));
    size_t width = size_of_encoded(common.address_encoding);
    bytes_skip(&description, width);
    uint64_t length = bytes_unsigned(&description, width);
    if (!common.is_known || common.is_signal || width == 0 || description.bad)
        return other;
    if (pc - start >= length)
        return untold;
    if (common.has_augmentation)
        bytes_skip(&description, bytes_uleb(&description));
    struct machine machine = {.common = &common, .address = start};
    if (!run(&machine, common.initial, start) || machine.address != start)
        return other;
    machine.initial = machine.row;
    return run(&machine, description, pc) ? rule_of(&machine.row) : other;
}

/* ---- what is remembered --------------------------------------------------------------------------------------------- */

static struct {
    _Atomic uint64_t check, rule;
} slots[SLOTS];

/* Each in a field of the packed word, from the lowest bit on: kind, module, and both distances in words. */
enum { KIND_BITS = 3, MODULE_BITS = 17, DISTANCE_BITS = 22 };

static uint64_t field_of(int32_t distance)
{
    return (uint64_t)(uint32_t)(distance / 8) & ((1u << DISTANCE_BITS) - 1);
}

static int32_t distance_of(uint64_t field)
{
    unsigned unused = 32 - DISTANCE_BITS;
    return ((int32_t)((uint32_t)field << unused) >> unused) * 8;
}

static uint64_t pack(struct frame_rule rule)
{
    return (field_of(rule.rbp) << DISTANCE_BITS | field_of(rule.cfa)) << (MODULE_BITS + KIND_BITS) |
           (uint64_t)rule.module << KIND_BITS | (uint64_t)rule.kind;
}

static struct frame_rule unpack(uint64_t packed)
{
    uint64_t distances = packed >> (MODULE_BITS + KIND_BITS);
    return (struct frame_rule){.kind = (enum frame_rule_kind)(packed & ((1u << KIND_BITS) - 1)),
                               .cfa = distance_of(distances),
                               .rbp = distance_of(distances >> DISTANCE_BITS),
                               .module = (uint32_t)(packed >> KIND_BITS) & ((1u << MODULE_BITS) - 1)};
}

static bool is_same(struct frame_rule a, struct frame_rule b)
{
    return a.kind == b.kind && a.cfa == b.cfa && a.rbp == b.rbp && a.module == b.module;
}

struct frame_rule frame_rule_find(uintptr_t pc)
{
    uint64_t key = hash_mix(pc, modules_generation());
    size_t slot = key % SLOTS;
    /* relaxed: the two words vouch for each other */
    uint64_t packed = atomic_load_explicit(&slots[slot].rule, memory_order_relaxed);
    if (packed != 0 && (atomic_load_explicit(&slots[slot].check, memory_order_relaxed) ^ packed) == key)
        return unpack(packed);
    const struct module *m = module_of(pc);
    if (m == NULL)
        return (struct frame_rule){.kind = FRAME_UNTOLD};
    struct frame_rule rule = read_rule(m, pc);
    rule.module = m->id;
    packed = pack(rule);
    if (is_same(unpack(packed), rule)) {
        atomic_store_explicit(&slots[slot].check, key ^ packed, memory_order_relaxed);
        atomic_store_explicit(&slots[slot].rule, packed, memory_order_relaxed);
    }
    return rule;
}

#include "weaver/undescribed.h"

#include <string.h>

#include "weaver/elf_private.h"

enum {
    PADDING_MOST = 64, /* what stands between two functions */
    PREFIX_LOCK = 0xf0,
    PREFIX_REX = 0x40,
    ESCAPE = 0x0f,
    LONGEST = 5 /* prefix, REX, two bytes of opcode, ModRM */
};

/* cmpxchg, xadd, bts, btr, btc, cmpxchg8b and its wider form, in that order. */
static bool is_atomic_opcode(uint8_t opcode)
{
    static const uint8_t opcodes[] = {0xb0, 0xb1, 0xc0, 0xc1, 0xab, 0xb3, 0xbb, 0xc7};
    return memchr(opcodes, opcode, sizeof opcodes) != NULL;
}

static bool is_atomic(const uint8_t *code)
{
    const uint8_t *opcode = code + ((code[1] & 0xf0) == PREFIX_REX ? 2 : 1);
    return opcode[0] == ESCAPE && is_atomic_opcode(opcode[1]) && opcode[2] >> 6 != 3;
}

uint64_t undescribed_atomics_in(const uint8_t *code, size_t size)
{
    const uint8_t *end = code + size;
    uint64_t count = 0;
    while (count < UNDESCRIBED_ATOMICS_MOST && end - code >= LONGEST) {
        code = memchr(code, PREFIX_LOCK, (size_t)(end - code));
        if (!code || end - code < LONGEST)
            break;
        count += is_atomic(code);
        code++;
    }
    return count;
}

static void add_piece(const struct elf_module *module, uint64_t low, uint64_t high, struct undescribed *all)
{
    const uint8_t *code = low < high ? elf_bytes_at(module, low, high - low) : NULL;
    if (!code)
        return;
    all->size += high - low > PADDING_MOST ? high - low : 0;
    if (all->atomics < UNDESCRIBED_ATOMICS_MOST)
        all->atomics += undescribed_atomics_in(code, high - low);
}

/* What lies between the functions in one section of code. */
static void add_gaps(const struct elf_module *module, const struct code_range *code, struct undescribed *all)
{
    uint64_t low = code->low;
    for (size_t i = 0; i < module->function_count && module->functions[i].low < code->high; i++) {
        if (module->functions[i].low > low)
            add_piece(module, low, module->functions[i].low, all);
        low = module->functions[i].high > low ? module->functions[i].high : low;
    }
    add_piece(module, low, code->high, all);
}

struct undescribed undescribed_find(const struct elf_module *module, bool is_left)
{
    struct undescribed all = {0, 0};
    for (size_t i = 0; i < module->own->code_count; i++) {
        const struct code_range *code = &module->own->code[i];
        if (elf_is_plt(module, code->low))
            continue;
        if (is_left)
            add_piece(module, code->low, code->high, &all);
        else
            add_gaps(module, code, &all);
    }
    return all;
}

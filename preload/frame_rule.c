#include "preload/frame_rule.h"

#include <stdatomic.h>

#include "detector/hash_table.h"
#include "preload/frame_cfi.h"

enum { SLOTS = 1 << 14 };

static struct frame_rule read_rule(const struct module *m, uintptr_t pc)
{
    struct frame_description description;
    switch (frame_description_read(m, pc, &description)) {
    case DESCRIPTION_READ:
        return frame_cfi_run(&description, pc);
    case DESCRIPTION_NONE:
        return (struct frame_rule){.kind = FRAME_UNTOLD};
    case DESCRIPTION_UNUSUAL:
        break;
    }
    return (struct frame_rule){.kind = FRAME_OTHER};
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

static uint64_t key_of(uintptr_t pc)
{
    return hash_mix(pc, modules_generation());
}

/* Returns: the rule, packed; 0 when it is not remembered. */
static uint64_t find_packed(uint64_t key)
{
    size_t slot = key % SLOTS;
    /* relaxed: the two words vouch for each other */
    uint64_t packed = atomic_load_explicit(&slots[slot].rule, memory_order_relaxed);
    uint64_t check = atomic_load_explicit(&slots[slot].check, memory_order_relaxed);
    return (check ^ packed) == key ? packed : 0;
}

static void remember(uint64_t key, struct frame_rule rule)
{
    uint64_t packed = pack(rule);
    if (!is_same(unpack(packed), rule))
        return;
    atomic_store_explicit(&slots[key % SLOTS].check, key ^ packed, memory_order_relaxed);
    atomic_store_explicit(&slots[key % SLOTS].rule, packed, memory_order_relaxed);
}

bool frame_rule_find_known(uintptr_t pc, struct frame_rule *rule)
{
    uint64_t packed = find_packed(key_of(pc));
    *rule = unpack(packed);
    return packed != 0;
}

void frame_rule_note(uintptr_t pc, struct frame_rule rule)
{
    remember(key_of(pc), rule);
}

struct frame_rule frame_rule_find(uintptr_t pc)
{
    uint64_t key = key_of(pc);
    uint64_t packed = find_packed(key);
    if (packed != 0)
        return unpack(packed);
    const struct module *m = module_of(pc);
    struct frame_rule rule = m == NULL ? (struct frame_rule){.kind = FRAME_UNTOLD} : read_rule(m, pc);
    rule.module = m == NULL ? 0 : m->id;
    remember(key, rule);
    return rule;
}

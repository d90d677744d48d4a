#include "preload/weave/blocks.h"

#include "detector/relaxed.h"

enum { SLOTS_LOG2 = 16, SLOTS = 1 << SLOTS_LOG2 };

#define FREED (UINT64_C(1) << 63) /* in an address: the kernel has that half of all addresses for itself */

static struct slot {
    _Atomic uint64_t address; /* 0: empty, or being written */
    _Atomic uint64_t size;
    _Atomic uint32_t allocated_at, thread;
} slots[SLOTS];

static _Atomic uint32_t hidden; /* not 0: there are blocks that nobody adds */

static struct slot *slot_of(uint64_t address)
{
    /* Fibonacci hashing: blocks lie at multiples of 16 and often at equal distances. */
    return &slots[(address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOTS_LOG2)];
}

void blocks_add(const struct block *block)
{
    struct slot *slot = slot_of(block->address);
    relaxed_store(&slot->address, 0);
    /* release: whoever reads one of the new words reads the 0, or what comes after it (acquire in read_slot()) */
    atomic_thread_fence(memory_order_release);
    relaxed_store(&slot->size, block->size);
    relaxed_store(&slot->allocated_at, block->allocated_at.v);
    relaxed_store(&slot->thread, block->thread.v);
    /* release: partner of the acquire in read_slot() */
    atomic_store_explicit(&slot->address, block->address, memory_order_release);
}

void blocks_remove(uint64_t address)
{
    struct slot *slot = slot_of(address);
    if (relaxed_load(&slot->address) == address)
        relaxed_store(&slot->address, address | FREED);
}

/* Returns: false when the slot is empty or is being written. */
static bool read_slot(struct slot *slot, struct block *block)
{
    /* acquire: partner of the release in blocks_add() */
    block->address = atomic_load_explicit(&slot->address, memory_order_acquire);
    if (block->address == 0)
        return false;
    block->size = relaxed_load(&slot->size);
    block->allocated_at.v = relaxed_load(&slot->allocated_at);
    block->thread.v = relaxed_load(&slot->thread);
    /* acquire: partner of the fence in blocks_add() */
    atomic_thread_fence(memory_order_acquire);
    return relaxed_load(&slot->address) == block->address;
}

bool blocks_find(uint64_t address, struct block *block)
{
    return read_slot(slot_of(address), block) && block->address == address;
}

bool blocks_find_freed(uint64_t address, struct block *block)
{
    bool is_known = read_slot(slot_of(address), block) && block->address == (address | FREED);
    block->address = address;
    return is_known;
}

bool blocks_find_containing(uint64_t address, struct block *block)
{
    bool was_found = false;
    for (size_t i = 0; i < SLOTS; i++) {
        struct block seen;
        if (read_slot(&slots[i], &seen) && address - seen.address < seen.size &&
            (!was_found || seen.address > block->address)) {
            *block = seen;
            was_found = true;
        }
    }
    return was_found;
}

void blocks_set_hidden(void)
{
    relaxed_store(&hidden, 1);
}

bool blocks_are_hidden(void)
{
    return relaxed_load(&hidden) != 0; /* set before there is a second thread, or by one that loads the allocator */
}

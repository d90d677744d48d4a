/* blocks.h: where the heap blocks of the program came from, for reports.
 *
 *   malloc() --> [slot by hash of the address] <-- blocks_find_containing(), which looks at all of them
 *   free() ----> slot marked, when the block is still there; blocks_find_freed()
 *
 * Model:     a block that falls into another's slot takes it: what is found is true, but not all is found.
 * Threads:   no lock.  A reader that meets a slot being written sees its address change and passes over it.
 * Memory:    a static table, touched only where races are looked for.
 * Test:      tests/unit/test_blocks.c
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_BLOCKS_H
#define LOCKHOUND_PRELOAD_WEAVE_BLOCKS_H

#include "detector/ids.h"

struct block {
    uint64_t address, size;
    struct callers_id allocated_at;
    struct thread_id thread;
};

/* Context of all: signal, in-malloc, loader-lock. */
void blocks_add(const struct block *block);
void blocks_remove(uint64_t address);
/* Returns: true and the block that begins there, when the table still has it. */
bool blocks_find(uint64_t address, struct block *block);
/* Returns: true and the block that began there before it was freed, when nothing has taken its slot since. */
bool blocks_find_freed(uint64_t address, struct block *block);
/* Returns: true and the block that holds `address`, the innermost if there are several. */
bool blocks_find_containing(uint64_t address, struct block *block);

/* There are blocks that nobody adds. */
void blocks_set_hidden(void);
/* Returns: true when there are. */
bool blocks_are_hidden(void);

#endif

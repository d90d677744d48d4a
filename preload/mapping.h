/* mapping.h: which mapping of the process an address is in, as the kernel tells.
 *
 *   address --> /proc/self/maps, line by line --> range, sharing, file
 *
 * Costs a pass over the list of mappings: for objects met for the first time without an initialisation, not for calls.
 */
#ifndef LOCKHOUND_PRELOAD_MAPPING_H
#define LOCKHOUND_PRELOAD_MAPPING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAPPING_PATH_SIZE = 1024 };

struct file_identity {
    uint64_t device, inode;
};

struct mapping {
    uintptr_t low, high;
    uint64_t offset;        /* in the file, where `low` is */
    uint64_t device, inode; /* of the file; of anonymous memory when it is shared, 0 otherwise */
    bool shared, executable;
    char path[MAPPING_PATH_SIZE]; /* "" for anonymous memory, "[heap]", "[stack]", ... */
};

/* Returns: true and the mapping that holds `address`; false when there is none or it cannot be told.
 * Context: signal, in-malloc, loader-lock, early. */
bool mapping_find(uintptr_t address, struct mapping *mapping);

enum mapping_answer { MAPPING_NO, MAPPING_YES, MAPPING_UNREADABLE };
/* Returns: whether process `pid` maps one of files[0..count).  Context: signal, in-malloc. */
enum mapping_answer mapping_of_process(pid_t pid, const struct file_identity *files, size_t count);

/* Returns: true when `address` lies in a shared mapping, or when that cannot be told.
 * Context: signal, in-malloc, loader-lock, early. */
bool mapping_is_shared(uintptr_t address);

#endif

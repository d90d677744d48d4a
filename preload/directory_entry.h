/* directory_entry.h: a folder's entries as getdents64(2) lays them out: readdir() allocates, which cannot be done everywhere. */
#ifndef LOCKHOUND_PRELOAD_DIRECTORY_ENTRY_H
#define LOCKHOUND_PRELOAD_DIRECTORY_ENTRY_H

#include <stdint.h>

struct directory_entry {
    uint64_t inode;
    int64_t next;
    uint16_t length; /* of the entry; units: bytes */
    uint8_t type;
    char name[];
};

#endif

/* atomic_info.h: which plain moves are atomic loads and stores, as far as debug information tells.
 *
 *   line tables ------> code that comes from <atomic> (libstdc++, libc++) or Rust's core::sync::atomic
 *   lines of source --> code of a line that calls an atomic operation by name, where the file is there
 *   inlined calls ----> and where its order is memory_order_relaxed, unless the module calls fences: those of release and acquire
 *                       leave no instruction, but make relaxed operations order others
 *   variables --------> places of C's _Atomic type, and of std::atomic
 *
 * Model: C's atomic operations on what a pointer leads to leave no trace but the line's text; a module with C atomics has its
 *        moves through pointers, of a size that one of these has, marked as guesses, and so are all moves of code without a
 *        line, or with one that cannot be read, unless no file so far calls an atomic operation.
 */
#ifndef LOCKHOUND_WEAVER_ATOMIC_INFO_H
#define LOCKHOUND_WEAVER_ATOMIC_INFO_H

#include "weaver/passes.h"

struct atomic_range {
    uint64_t low, high;
};

struct atomic_ranges {
    struct atomic_range *ranges; /* by address once they are complete; they may overlap only with the same meaning */
    size_t count, capacity;
};

struct atomic_info {
    struct atomic_ranges code, relaxed, data;
    struct atomic_ranges plain; /* code of lines that were read and name no atomic operation */
    uint32_t c_atomic_sizes;    /* 1 << size of each _Atomic type that something has; units of size: bytes */
    bool calls_fences;
    bool no_memory;
};

/* Adds [low, high), in any order. */
void atomic_ranges_add(struct atomic_info *info, struct atomic_ranges *ranges, uint64_t low, uint64_t high);

/* Reads the debug information of `path`.  What can't be read says nothing. */
void atomic_info_read(struct atomic_info *info, const char *path);
void atomic_info_free(struct atomic_info *info);

#endif

/* page.h: the kernel's pages, whose size x86-64 fixes. */
#ifndef LOCKHOUND_PRELOAD_PAGE_H
#define LOCKHOUND_PRELOAD_PAGE_H

#include <stddef.h>
#include <stdint.h>

enum { PAGE_SIZE = 4096 };

/* Context of all: signal, in-malloc, loader-lock, early, late. */
static inline uintptr_t page_of(uintptr_t address)
{
    return address & ~(uintptr_t)(PAGE_SIZE - 1);
}

/* Units: bytes.  Returns: as many as the pages have that hold `size`. */
static inline size_t page_round_up(size_t size)
{
    return (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

#endif

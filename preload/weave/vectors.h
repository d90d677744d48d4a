/* vectors.h: keeps the program's vector and floating-point registers while the library does what a compiler may use them for.
 *
 * A check stands where no call was, so that every register may be live.  The quick paths use general ones only.
 * Source:    Intel SDM volume 1, 13 (XSAVE); AMX tiles are left out: nothing here touches them.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_VECTORS_H
#define LOCKHOUND_PRELOAD_WEAVE_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Components of the state that are kept; 0: the CPU has FXSAVE only. */
extern uint64_t vectors_mask;
extern bool vectors_compact; /* XSAVEC: shorter when little is in use */

/* Learns what the CPU has.  Context: signal. */
void vectors_init(void);

/* `area`: 4096 bytes aligned to 64, zeroed before the first use. */
static inline void vectors_save(void *area)
{
    uint32_t low = (uint32_t)vectors_mask, high = (uint32_t)(vectors_mask >> 32);
    if (vectors_compact)
        __asm__ volatile("xsavec64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else if (vectors_mask != 0)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static inline void vectors_restore(void *area)
{
    uint32_t low = (uint32_t)vectors_mask, high = (uint32_t)(vectors_mask >> 32);
    if (vectors_mask != 0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

#endif

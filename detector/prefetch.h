/* prefetch.h: asks for memory that is about to be written, which other processors may have: it comes as one's own.
 *
 * The compiler's builtin asks for a copy instead unless it may assume the instruction; on a processor without it this does nothing
 * (Intel SDM vol. 2, PREFETCHW).
 */
#ifndef LOCKHOUND_DETECTOR_PREFETCH_H
#define LOCKHOUND_DETECTOR_PREFETCH_H

static inline void prefetch_write(const void *place)
{
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)place));
}

#endif

/* clock.h: the time, by the vDSO; errno stays as it is. */
#ifndef LOCKHOUND_PRELOAD_CLOCK_H
#define LOCKHOUND_PRELOAD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Units: ns since the epoch. */
static inline uint64_t clock_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

/* Units: ns, monotonic. */
static inline uint64_t clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

#endif

#include "preload/grace.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "preload/asleep.h"
#include "preload/clock.h"
#include "preload/intercept/process.h"
#include "preload/lockhound.h"
#include "preload/raw.h"
#include "preload/self.h"

enum { BETWEEN_LOOKS_MS = 4 };

static _Atomic uint64_t made;      /* how many threads were created */
static _Atomic uint64_t made_last; /* when the youngest was; 0: one was joined since.  Units: ns, monotonic */
static atomic_bool was_given;

/* Handlers run latest first: this one is registered again now and then, so that few others of the program come before it, and end
 * what young threads may use.  libc may take memory for that, as it does for the thread. */
void grace_thread_made(void)
{
    uint64_t before = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
    atomic_store_explicit(&made_last, clock_monotonic_ns(), memory_order_relaxed);
    if ((before & (before + 1)) == 0 && lockhound.options.exit_grace_ms > 0)
        atexit(grace_give);
}

void grace_thread_joined(void)
{
    atomic_store_explicit(&made_last, 0, memory_order_relaxed);
}

/* Returns: when the youngest thread is old enough.  Units: ns, monotonic. */
static uint64_t end_of_grace(void)
{
    uint64_t grace = (uint64_t)lockhound.options.exit_grace_ms * 1000000u;
    return atomic_load_explicit(&made_last, memory_order_relaxed) + grace;
}

/* Returns: whether all others sleep and none has run since the look before. */
static bool is_at_rest(uint64_t *fingerprint)
{
    uint64_t before = *fingerprint;
    pid_t pid = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return asleep_process(pid, self_live_count(), fingerprint) && *fingerprint == before;
}

static bool has_others(void)
{
    return lockhound.ready && atomic_load_explicit(&self_known_count, memory_order_relaxed) > 1;
}

/* Threads that are made meanwhile prolong nothing. */
void grace_give(void)
{
    uint64_t end = end_of_grace(), fingerprint = 0;
    if (atomic_exchange_explicit(&was_given, true, memory_order_relaxed) || !has_others() || !process_is_ours())
        return;
    while (has_others() && clock_monotonic_ns() < end && !is_at_rest(&fingerprint))
        raw_pause_ms(BETWEEN_LOOKS_MS);
}

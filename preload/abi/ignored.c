#include "preload/abi/ignored.h"

#include "preload/deferral.h"
#include "preload/sink.h"

enum { RANGES = 512 };

_Atomic uint32_t ignored_count;
static struct range {
    uint64_t low, high; /* both 0: free */
} ranges[RANGES];
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void enter(void)
{
    deferral_begin();
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) /* partner: leave() */
        __builtin_ia32_pause();
}

static void leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release); /* partner: enter() */
    deferral_end();
}

static bool put(uint64_t low, uint64_t high)
{
    for (unsigned i = 0; i < RANGES; i++)
        if (ranges[i].high == 0) {
            ranges[i] = (struct range){low, high};
            atomic_fetch_add_explicit(&ignored_count, 1, memory_order_relaxed); /* under the lock */
            return true;
        }
    return false;
}

void ignored_add(uint64_t low, uint64_t high)
{
    if (low >= high)
        return;
    enter();
    bool has_room = put(low, high);
    leave();
    if (!has_room)
        sink_note("ignored-full",
                  "the program asked for more ranges of memory to be ignored than are kept: races may be "
                  "reported in the others");
}

void ignored_remove(uint64_t low, uint64_t high)
{
    enter();
    for (unsigned i = 0; i < RANGES; i++)
        if (ranges[i].low < high && low < ranges[i].high) {
            ranges[i] = (struct range){0, 0};
            atomic_fetch_sub_explicit(&ignored_count, 1, memory_order_relaxed); /* under the lock */
        }
    leave();
}

bool ignored_holds(uint64_t address)
{
    bool holds = false;
    enter();
    for (unsigned i = 0; i < RANGES && !holds; i++)
        holds = address >= ranges[i].low && address < ranges[i].high;
    leave();
    return holds;
}

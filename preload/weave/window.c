#include "preload/weave/window.h"

#include <stddef.h>
#include <sys/mman.h>

#include "detector/history.h"
#include "detector/race.h"
#include "preload/weave/far_memory.h"
#include "weaver/plane.h"

enum {
    PLANES_WANTED = 48, /* of windows of SMALL bits or fewer; twice as many for each bit more */
    PLANES_LEAST = 2,
    NARROW_MOST = 30, /* bits */
    SMALL = 24,
    HISTORY_MOST = 1 << 17,  /* entries: 2 MiB a thread */
    HISTORY_SMALL = 1 << 16, /* below SMALL bits */
    REFINEMENTS = 3,
    OF_A_CHUNK = 9 /* bits: of each line two, and one */
};

/* Units: bytes. */
#define AMPLE       (UINT64_C(1) << 40)
#define LEAST       (UINT64_C(1) << 25)
#define OF_ENGINE   (UINT64_C(48) << 20) /* its tables */
#define OF_A_THREAD (UINT64_C(1) << 18)  /* what is kept of one, beside OF_A_CHUNK bits for each chunk of the window */

static unsigned chosen;
static uint32_t planes_max;

static bool is_free(uint64_t size)
{
    void *memory = far_memory_reserve(size, PROT_READ | PROT_WRITE);
    if (memory != NULL)
        far_memory_release(memory, size);
    return memory != NULL;
}

/* Returns: about how many bytes of address space there are, AMPLE at most, from below. */
static uint64_t find_room(void)
{
    uint64_t room = AMPLE;
    while (room > LEAST && !is_free(room))
        room /= 2;
    uint64_t step = room == AMPLE ? 0 : room / 2;
    for (int i = 0; i < REFINEMENTS && step != 0; i++, step /= 2)
        room += is_free(room + step) ? step : 0;
    return room;
}

static uint32_t history_entries(unsigned bits)
{
    return bits < SMALL ? HISTORY_SMALL : HISTORY_MOST;
}

/* Returns: what one plane takes; units: bytes. */
static uint64_t cost_of(unsigned bits)
{
    uint64_t of_chunks = (PLANE_WINDOW(bits) >> PLANE_CHUNK_SHIFT) / 8 * OF_A_CHUNK;
    return PLANE_MAPPING(bits) + history_entries(bits) * sizeof(struct history_entry) + of_chunks + OF_A_THREAD;
}

static uint64_t planes_wanted(unsigned bits)
{
    return (uint64_t)PLANES_WANTED << (bits > SMALL ? bits - SMALL : 0);
}

bool window_choose(void)
{
    if (chosen != 0)
        return planes_max >= PLANES_LEAST;
    uint64_t room = find_room(), ours = room / 2 > OF_ENGINE ? room / 2 - OF_ENGINE : 0;
    unsigned bits = room >= AMPLE ? PLANE_WIDE : NARROW_MOST;
    while (bits < PLANE_WIDE && bits > RACE_WINDOW_LEAST && cost_of(bits) * planes_wanted(bits) > ours)
        bits--;
    uint64_t fit = bits == PLANE_WIDE ? RACE_PLANES_MAX : ours / cost_of(bits);
    planes_max = race_planes_max(bits);
    planes_max = fit < planes_max ? (uint32_t)fit : planes_max;
    chosen = bits;
    return planes_max >= PLANES_LEAST;
}

unsigned window_bits(void)
{
    return chosen;
}

bool window_is_narrow(void)
{
    return chosen != PLANE_WIDE;
}

uint32_t window_planes_max(void)
{
    return planes_max;
}

uint32_t window_history_entries(void)
{
    return history_entries(chosen);
}

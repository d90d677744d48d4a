// throwing.cc: a program with an allocator of its own, whose operator new fails by an exception: what comes after is seen.
//
//   throwing CASE         the two threads write two places: nothing may be reported
//   throwing CASE racy    they write one: one race, between first() and second()
//
// The first thread always acts first (unseen.h), so that a run shows the same thing each time.

#include <new>

#include "chosen.h"

#define KEPT __attribute__((noinline))

enum { ROOM = 4 << 20, LARGEST = 100000, ROUND = 16 };

// ---- the allocator: blocks one after the other, never taken back

alignas(ROUND) static char room[ROOM];
static size_t room_used;

extern "C" {
KEPT void *malloc(size_t size)
{
    size_t rounded = (size + 2 * ROUND - 1) / ROUND * ROUND;
    size_t at = __atomic_fetch_add(&room_used, rounded, __ATOMIC_RELAXED);
    return at + rounded <= ROOM ? room + at : nullptr;
}
KEPT void free(void *block)
{
    __asm__ volatile("" : : "r"(block) : "memory");
}
KEPT void *calloc(size_t count, size_t size)
{
    return malloc(count * size); // the room is all zero
}
KEPT void *realloc(void *block, size_t size)
{
    return block == nullptr ? malloc(size) : nullptr;
}
}

KEPT void *operator new(size_t size)
{
    void *block = size > LARGEST ? nullptr : malloc(size);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}
KEPT void operator delete(void *block) noexcept
{
    free(block);
}

// ---- the program

static long places[2];
static thread_local long *cell;

extern "C" {
KEPT void first()
{
    *cell = 1;
    __asm__ volatile("" ::: "memory");
}

KEPT void second()
{
    *cell = 2;
    __asm__ volatile("" ::: "memory");
}
}

static void fail_to_allocate()
{
    try {
        operator delete(operator new(2 * LARGEST));
        abort();
    } catch (const std::bad_alloc &) {
    }
}

static void *run_first(void *arg)
{
    cell = &places[0];
    fail_to_allocate();
    first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    cell = &places[racy ? 0 : 1];
    fail_to_allocate();
    second();
    return arg;
}

struct kind {
    const char *name;
};

static const kind kinds[] = {{"throws"}};

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, kinds);
    return run_both(run_first, run_second);
}

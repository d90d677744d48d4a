// operators.cc: blocks of operator new, under an allocator that has one of its own.
//
//   operators CASE        blocks that one thread gives back come to another by way of the allocator: nothing may be reported
//   operators CASE racy   two threads use one block: one race, in that block
//
// The first thread always acts first (unseen.h), so that a run shows the same thing each time.

#include <new>

#include "chosen.h"

#define KEPT __attribute__((noinline))

// More than a thread keeps for itself: the rest goes back to all.
enum { BLOCKS = 20000, WORDS = 12 };

static thread_local long *cell;
static int hand[2]; // over which the first tells the second where its block is, unseen

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

struct way {
    const char *name;
    long *(*get)();
    void (*put)(long *block);
};

static const way ways[] = {
    {"new", [] { return static_cast<long *>(operator new(WORDS * sizeof(long))); },
     [](long *block) { operator delete(block); }},
    {"new_array", [] { return new long[WORDS]; }, [](long *block) { delete[] block; }},
    {"nothrow", [] { return new (std::nothrow) long[WORDS]; }, [](long *block) { delete[] block; }},
    {"sized", [] { return static_cast<long *>(operator new(WORDS * sizeof(long))); },
     [](long *block) { operator delete(block, WORDS * sizeof(long)); }},
    {"malloc", [] { return static_cast<long *>(malloc(WORDS * sizeof(long))); }, [](long *block) { free(block); }},
};

static void use_many(void (*act)())
{
    static thread_local long *blocks[BLOCKS];
    for (long *&block : blocks) {
        cell = block = ways[chosen].get();
        act();
    }
    for (long *block : blocks)
        ways[chosen].put(block);
}

static void *run_first(void *arg)
{
    use_many(first);
    cell = ways[chosen].get();
    if (racy)
        first();
    unseen_call(SYS_write, hand[1], reinterpret_cast<long>(&cell), sizeof cell);
    unseen_wait(); // at its end the thread takes the allocator's locks
    return arg;
}

static void *run_second(void *arg)
{
    long *block = nullptr;
    unseen_call(SYS_read, hand[0], reinterpret_cast<long>(&block), sizeof block);
    use_many(second);
    cell = block;
    if (racy)
        second();
    unseen_pass();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, ways);
    if (unseen_call(SYS_pipe, reinterpret_cast<long>(hand), 0, 0) != 0)
        return 2;
    return run_both(run_first, run_second);
}

#include "preload/ranks.h"

#include <assert.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "preload/deferral.h"
#include "preload/raw.h"

enum { FREE, HELD, CONTENDED };

enum { CACHE_LINE = 64 };

struct ranked_lock {
    _Alignas(CACHE_LINE) atomic_uint word;
};

static struct ranked_lock locks[OWN_RANK_COUNT];

#ifndef NDEBUG
static __thread unsigned held_ranks __attribute__((tls_model("initial-exec")));

static void check_order(unsigned rank)
{
    assert(held_ranks >> rank == 0 && "a lower or the same rank is wanted while a higher one is held");
    held_ranks |= 1u << rank;
}

static void forget_order(unsigned rank)
{
    held_ranks &= ~(1u << rank);
}
#else
static void check_order(unsigned rank)
{
    (void)rank;
}

static void forget_order(unsigned rank)
{
    (void)rank;
}
#endif

void rank_enter(unsigned rank)
{
    deferral_begin();
    check_order(rank);
    atomic_uint *word = &locks[rank].word;
    unsigned seen = FREE;
    /* acquire: pairs with the release in rank_leave() */
    if (atomic_compare_exchange_strong_explicit(word, &seen, HELD, memory_order_acquire, memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(word, CONTENDED, memory_order_acquire) != FREE)
        raw_syscall(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, CONTENDED, 0, 0, 0);
}

void rank_leave(unsigned rank)
{
    forget_order(rank);
    atomic_uint *word = &locks[rank].word;
    /* release: pairs with the acquires in rank_enter() */
    if (atomic_exchange_explicit(word, FREE, memory_order_release) == CONTENDED)
        raw_syscall(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    deferral_end();
}

void ranks_take_all(void)
{
    for (unsigned rank = 0; rank < OWN_RANK_COUNT; rank++)
        rank_enter(rank);
}

void ranks_release_all(void)
{
    for (unsigned rank = OWN_RANK_COUNT; rank-- > 0;)
        rank_leave(rank);
}

void ranks_reset_in_child(void)
{
    for (unsigned rank = 0; rank < OWN_RANK_COUNT; rank++) {
        atomic_store_explicit(&locks[rank].word, FREE, memory_order_relaxed);
        forget_order(rank);
    }
    deferral_forget();
}

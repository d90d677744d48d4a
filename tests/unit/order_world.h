/* order_world.h: threads that take locks, as a test writes them down, fed to a lock_order.
 *
 *   world_lock(&w, T1, A); world_lock(&w, T1, B); ... --> order_request --> lock_order --> w.findings
 *
 * Clocks here are full vectors, one number for each thread, so that the engine's stamps are checked against the
 * definition and not against the clocks module.  Stacks are numbered by (thread, lock, mode) unless w.stack is set.
 * World functions abort on misuse, such as taking a lock twice.
 */
#ifndef LOCKHOUND_TESTS_UNIT_ORDER_WORLD_H
#define LOCKHOUND_TESTS_UNIT_ORDER_WORLD_H

#include "detector/lock_order.h"

enum { WORLD_THREADS = 64, WORLD_HELD = 64, WORLD_FINDINGS = 4096, WORLD_PARTIES = 64 };

struct world_finding {
    size_t party_count;
    uint32_t threads[WORLD_PARTIES];
    uint32_t wanted[WORLD_PARTIES];
    uint32_t held_counts[WORLD_PARTIES];
    uint32_t stacks[WORLD_PARTIES];
    const char *detail;
};

struct world_thread {
    struct held_lock held[WORLD_HELD];
    size_t held_count;
    uint64_t clock[WORLD_THREADS];
};

struct world {
    struct lock_order *order;
    struct world_thread threads[WORLD_THREADS];
    bool prefers_writers;
    uint32_t stack; /* of the next calls, or 0 for one of their own */
    struct world_finding findings[WORLD_FINDINGS];
    size_t finding_count;
};

void world_init(struct world *w, size_t max_dependencies);
/* Checks the engine's invariants, deletes it and checks that it gave back all memory. */
void world_finish(struct world *w);

struct dependency *world_request(struct world *w, uint32_t thread, uint32_t lock, enum lock_mode mode);
void world_take(struct world *w, uint32_t thread, uint32_t lock, enum lock_mode mode);
/* Takes one of the units of a counting semaphore that has so many. */
void world_take_unit(struct world *w, uint32_t thread, uint32_t semaphore, uint32_t units);
void world_release(struct world *w, uint32_t thread, uint32_t lock);
void world_release_all(struct world *w, uint32_t thread);
/* Request and take, exclusive. */
void world_lock(struct world *w, uint32_t thread, uint32_t lock);
/* One thread takes two locks, one inside the other, and releases both. */
void world_nest(struct world *w, uint32_t thread, uint32_t outer, uint32_t inner);
/* What `from` did so far happens before what `to` does next: create, join, a signal. */
void world_hand_over(struct world *w, uint32_t from, uint32_t to);
/* The stamp of what the thread does now, borrowed until its clock changes. */
struct clock_stamp world_stamp(struct world *w, uint32_t thread);
struct lock_order_counts world_counts(const struct world *w);

#endif

/* race_world.h: a race engine with a plane for each thread of detector_world.h, driven by hand.
 *
 *   race_world_write(1, address, 4) --> race_access() on the plane of thread 1 --> world.found[]
 *
 * After each verb of the detector call race_world_settle(), as the library does before the program runs on.
 */
#ifndef LOCKHOUND_TESTS_UNIT_RACE_WORLD_H
#define LOCKHOUND_TESTS_UNIT_RACE_WORLD_H

#include "detector_world.h"

#include "detector/event.h"
#include "detector/race.h"

struct race_world {
    struct race_engine *engine;
    struct race_plane plane[WORLD_THREADS];
    uint32_t stack;                 /* of the present access; counts up, so that each access is a place of its own */
    bool same_place;                /* keep `stack` as it is */
    struct race_recalled recalled;  /* answer of recall() */
    struct race_recalled then;      /* becomes that, when found, once it was asked for */
    struct race_recalled released;  /* answer of released() */
    uint32_t block_stack;           /* of the allocation of every block, which are pages; 0: memory is in no block */
    uint64_t released_epoch;        /* of the last released() */
    uint64_t asked_low, asked_high; /* epochs of the last recall() */
    uint32_t recalls;               /* how often recall() was asked */
    uint64_t sent_epoch;            /* of the last sent(); 0: it was not asked */
    uint32_t sent_thread;
    uintptr_t asked_for;      /* memory of the last populate(), */
    size_t asked_size;        /* ... its size, */
    uint32_t asked_times;     /* ... and how often there was one */
    _Atomic uint32_t threads; /* that the engine is told there are; 0 unless a test says otherwise */
};

/* Of the windows of engines made from now on. */
extern unsigned race_world_bits;

extern struct race_world race_world;

/* For cmocka. */
int race_world_setup(void **state);
int race_world_setup_hybrid(void **state);
int race_world_teardown(void **state);

/* Makes an engine for `d`. */
void race_world_start(struct detector *d);
void race_world_stop(void);
/* Maps a plane, all zero. */
void race_world_map(struct race_plane *plane, uint32_t number);
void race_world_unmap(struct race_plane *plane);

struct race_plane *race_world_plane(int thread);
/* Each second one by the short way of memory that is shared, where that does, as the library takes it. */
bool race_world_access_of(struct race_engine *engine, struct race_plane *plane, uint64_t address, uint64_t size,
                          uint32_t flags);
bool race_world_access(int thread, uint64_t address, uint64_t size, uint32_t flags);
bool race_world_read(int thread, uint64_t address, uint64_t size);
bool race_world_write(int thread, uint64_t address, uint64_t size);
/* Read-modify-write with acquire and release. */
void race_world_exchange(int thread, uint64_t address);
void race_world_lock(int thread, int mutex);
void race_world_unlock(int thread, int mutex);
/* Locks and unlocks: hears of what was released at the mutex, and begins an epoch. */
void race_world_section(int thread, int mutex);
/* The thread ends, and its plane with it. */
void race_world_end(int thread);
void race_world_join(int thread, int ended);
/* The plane of a thread that has ended goes on as that of `thread`. */
void race_world_take_over(int thread, int ended);
/* Settles and advances every plane. */
void race_world_settle(void);
struct race_counts race_world_counts(void);

#endif

/* detector_world.h: a detector with a few threads, driven by hand, and the findings that it made.
 *
 *   test --world_lock(1, mutex)--> detector --> host of this file --> world.found[]
 */
#ifndef LOCKHOUND_TESTS_UNIT_DETECTOR_WORLD_H
#define LOCKHOUND_TESTS_UNIT_DETECTOR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detector/detector.h"

#define WORLD_THREADS 8
#define WORLD_FOUND   1024
#define WORLD_PARTIES 8

/* What a test may ask about a finding after the call. */
struct world_finding {
    enum finding_kind kind;
    enum deadlock_form form;
    enum severity severity;
    bool certain_hang;
    char detail[128];
    uint64_t number;
    size_t party_count;
    struct finding_heard heard;
    struct {
        enum party_role role;
        uint32_t thread;
        uint32_t stack;
        int32_t signal_number;
        size_t held_count;
        uint64_t address;
        uint64_t held_address;
        uint64_t access_address, access_size;
        bool has_value;
        uint64_t value;
    } party[WORLD_PARTIES];
};

struct world {
    struct detector *d;
    struct thread *t[WORLD_THREADS]; /* 0 is the main thread; the others are created by it on first use */
    struct world_finding found[WORLD_FOUND];
    size_t found_count;
    bool os_agrees;      /* answer of host.all_asleep */
    bool signal_blocked; /* all of them: the answer of host.signals_blocked */
    int hung_calls;
    uint64_t now_ns;
};

extern struct world world;

/* cmocka set-up and tear-down; the tear-down fails a test that leaks. */
int world_setup(void **state);
int world_teardown(void **state);
/* Set-up with options.hybrid_races. */
int world_setup_hybrid(void **state);
/* Set-up with one kind of finding enabled. */
int world_setup_only(enum finding_kind kind);
/* Starts over with every kind of finding enabled. */
void world_enable_all(void);

struct thread *world_thread(int number);
/* Gives the memory of a thread back that the detector was told to forget. */
void world_forget(int number);
struct object *world_mutex(int number);
struct object *world_mutex_of(int number, struct object_traits traits);
struct object *world_object(enum object_kind kind, int number, struct object_traits traits);
uint64_t world_address(enum object_kind kind, int number);
void world_lock(int thread, struct object *o);
void world_lock_shared(int thread, struct object *o);
void world_unlock(int thread, struct object *o);
/* The thread asks for `o`, finds it taken and goes to sleep. */
void world_block(int thread, struct object *o, enum lock_mode mode, bool timed);
void world_sem_wait(int thread, struct object *s);
void world_sem_post(int thread, struct object *s);
void world_end(int thread);

size_t world_count(enum finding_kind kind);
void world_expect_nothing(void);
/* Fails unless exactly one finding was made, of this kind.  Returns: it. */
const struct world_finding *world_expect_one(enum finding_kind kind);
struct stack_id world_at(uint32_t v);

#endif

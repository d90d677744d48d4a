/* commons_world.h: a block of what processes share, with processes that live and end as a test says.
 *
 *   test --commons_*(c, ..., &world_host)--> [host of commons_world.c] --> world.life[pid], world.now_ns
 */
#ifndef LOCKHOUND_TESTS_UNIT_COMMONS_WORLD_H
#define LOCKHOUND_TESTS_UNIT_COMMONS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detector/commons.h"

enum { WORLD_PIDS = 80 };

struct commons_world {
    uint64_t now_ns; /* the clock goes on by one each time it is asked for */
    enum commons_life life[WORLD_PIDS];
};
extern struct commons_world world;
extern const struct commons_host world_host;

/* The world begins anew.  Returns: a block with nothing in it.  Owns: the caller, who calls free(). */
struct commons *world_block(void);

#endif

#include "commons_world.h"

#include <stdlib.h>
#include <string.h>

struct commons_world world;

static enum commons_life life(void *ctx, int64_t pid, uint64_t start_time)
{
    (void)ctx;
    (void)start_time;
    return pid >= 0 && pid < WORLD_PIDS ? world.life[pid] : COMMONS_GONE;
}

static bool is_gone(void *ctx, int64_t pid)
{
    return life(ctx, pid, 0) == COMMONS_GONE;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return ++world.now_ns;
}

const struct commons_host world_host = {.life = life, .is_gone = is_gone, .now_ns = now_ns};

struct commons *world_block(void)
{
    struct commons *c = calloc(1, commons_size());
    assert_non_null(c);
    assert_true(commons_begin(c));
    memset(&world, 0, sizeof world);
    return c;
}

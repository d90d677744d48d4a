#include <lhp/executor.h>

#include <stdlib.h>

struct chunk {
    struct lhp_map *map;
    size_t begin, end;
    struct lhp_future *future;
};

struct item {
    void *arg, *result;
    int error;
};

struct lhp_map {
    lhp_task *fn;
    size_t count, next, chunk_size, chunk_count;
    struct item *items; /* written by the task of their chunk, read once its future is done */
    struct chunk chunks[];
};

static int chunk_run(void *arg, void **result)
{
    struct chunk *chunk = arg;
    (void)result;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        struct item *item = &chunk->map->items[i];
        item->error = chunk->map->fn(item->arg, &item->result);
    }
    return 0;
}

static struct lhp_map *map_new(lhp_task *fn, void *const *items, size_t n, size_t chunk_size)
{
    size_t chunks = (n + chunk_size - 1) / chunk_size;
    struct lhp_map *map = calloc(1, sizeof(*map) + chunks * sizeof(map->chunks[0]));
    if (!map)
        return NULL;
    map->items = calloc(n ? n : 1, sizeof(*map->items));
    if (!map->items) {
        free(map);
        return NULL;
    }
    map->fn = fn;
    map->count = n;
    map->chunk_size = chunk_size;
    for (size_t i = 0; i < n; i++)
        map->items[i].arg = items[i];
    for (size_t i = 0; i < chunks; i++) {
        size_t end = (i + 1) * chunk_size;
        map->chunks[i] = (struct chunk){map, i * chunk_size, end < n ? end : n, NULL};
    }
    return map;
}

enum lhp_status lhp_executor_map(struct lhp_executor *executor, lhp_task *fn, void *const *items, size_t n,
                                 size_t chunk, struct lhp_map **map)
{
    struct lhp_map *m = map_new(fn, items, n, chunk ? chunk : 1);
    if (!m)
        return LHP_NO_MEMORY;
    for (; m->chunk_count * m->chunk_size < n; m->chunk_count++) {
        struct chunk *c = &m->chunks[m->chunk_count];
        enum lhp_status status = lhp_executor_submit(executor, chunk_run, c, &c->future);
        if (status != LHP_OK) {
            lhp_map_release(m);
            return status;
        }
    }
    *map = m;
    return LHP_OK;
}

enum lhp_status lhp_map_next(struct lhp_map *map, void **result)
{
    return lhp_map_next_for(map, LHP_FOREVER, result);
}

enum lhp_status lhp_map_next_for(struct lhp_map *map, int64_t timeout_ns, void **result)
{
    if (map->next == map->count)
        return LHP_STOPPED;
    enum lhp_status status = lhp_future_result_for(map->chunks[map->next / map->chunk_size].future, timeout_ns, NULL);
    if (status == LHP_TIMEOUT)
        return status;
    struct item *item = &map->items[map->next++];
    if (status != LHP_OK)
        return status;
    *result = item->result;
    return item->error ? LHP_FAILED : LHP_OK;
}

void lhp_map_release(struct lhp_map *map)
{
    for (size_t i = 0; i < map->chunk_count; i++)
        lhp_future_cancel(map->chunks[i].future);
    for (size_t i = 0; i < map->chunk_count; i++) {
        lhp_future_result(map->chunks[i].future, NULL);
        lhp_future_release(map->chunks[i].future);
    }
    free(map->items);
    free(map);
}

#include "detector/detector.h"

#include "detector/evidence.h"

#define DEFAULT_DEPENDENCIES 65536
#define DEFAULT_HELD_MS      100

void detector_options_default(struct detector_options *options)
{
    *options = (struct detector_options){.lock_held_threshold_ms = DEFAULT_HELD_MS};
    for (int i = 0; i < FINDING_COUNT; i++)
        options->enabled[i] = finding_is_default((enum finding_kind)i);
}

struct detector *detector_new(const struct detector_host *host, const struct detector_options *options)
{
    struct detector *d = host->alloc(host->ctx, sizeof *d);
    if (d == NULL)
        return NULL;
    d->host = host;
    d->options = *options;
    clock_pool_init(&d->clocks, host);
    registry_init(&d->registry, host);
    size_t dependencies = options->max_dependencies == 0 ? DEFAULT_DEPENDENCIES : options->max_dependencies;
    d->order = lock_order_new(host, dependencies);
    if (!object_table_init(&d->objects, host) || d->order == NULL) {
        detector_delete(d);
        return NULL;
    }
    return d;
}

void detector_delete(struct detector *d)
{
    if (d->order != NULL)
        lock_order_delete(d->order);
    object_table_delete(&d->objects);
    registry_delete(&d->registry);
    clock_pool_delete(&d->clocks);
    said_set_delete(d);
    d->host->free(d->host->ctx, d, sizeof *d);
}

void detector_counts(struct detector *d, struct detector_counts *counts)
{
    struct lock_order_counts order;
    detector_enter(d, RANK_REGISTRY);
    counts->threads_live_max = d->registry.live_max;
    detector_leave(d, RANK_REGISTRY);
    detector_enter(d, RANK_ORDER_GRAPH);
    lock_order_get_counts(d->order, &order);
    detector_leave(d, RANK_ORDER_GRAPH);
    for (int i = 0; i < FINDING_COUNT; i++)
        counts->findings[i] = relaxed_load(&d->findings[i]);
    for (int i = 0; i < OBJECT_KIND_COUNT; i++)
        counts->objects[i] = relaxed_load(&d->kinds[i]);
    counts->repeats = relaxed_load(&d->repeats) + order.cycles_repeated;
    counts->threads = relaxed_load(&d->threads);
    counts->order_edges = order.edges;
    counts->order_dependencies = order.dependencies;
    counts->order_cycles_filtered = order.cycles_filtered;
    counts->lost_dependencies = order.lost_dependencies;
    counts->lost_objects = relaxed_load(&d->lost_objects);
    counts->lost_history = relaxed_load(&d->lost_history) + relaxed_load(&d->clocks.lost) + order.lost_searches;
}

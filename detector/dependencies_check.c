/* dependencies_check.c: the invariants of the evidence store as equations over it, for tests. */
#include "detector/dependencies.h"

struct check {
    const struct dependencies *store;
    uint64_t dependencies, held;
    bool holds;
};

static bool is_same(const void *item, const void *key)
{
    return item == key;
}

static void check_nesting(struct check *check, const struct nesting *nesting)
{
    uint32_t ended = 0;
    if (!nesting->first || nesting->live_count == 0 || nesting->hash != nesting_hash(nesting) ||
        hash_table_find(&check->store->nestings, nesting->hash, is_same, nesting) != nesting)
        check->holds = false;
    for (size_t i = 0; i < nesting->live_count; i++)
        if (nesting->held[i].nesting != nesting ||
            !topo_edge_exists(&check->store->order, &nesting->held[i].node->topo, &nesting->wanted->topo))
            check->holds = false;
    for (const struct dependency *d = nesting->first; d; d = d->next) {
        check->dependencies++;
        check->held += d->held_count;
        ended += d->thread_ended;
        if (d->nesting != nesting || d->held_count < nesting->live_count || d->thread_ended == (d->owner != NULL))
            check->holds = false;
    }
    if (ended != nesting->ended_count)
        check->holds = false;
}

static void check_node(void *ctx, void *item)
{
    struct check *check = ctx;
    const struct lock_node *node = item;
    if (!topo_node_check(&check->store->order, &node->topo))
        check->holds = false;
    for (const struct nesting *nesting = node->wanted_by; nesting; nesting = nesting->next)
        check_nesting(check, nesting);
}

bool dependencies_check(const struct dependencies *store)
{
    struct check check = {.store = store, .holds = true};
    hash_table_visit(&store->nodes, check_node, &check);
    return check.holds && check.dependencies == store->count && check.held == store->held_total &&
           store->order.node_count == store->nodes.count;
}

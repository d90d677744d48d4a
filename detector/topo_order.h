/* topo_order.h: keeps a growing directed graph in topological order, and knows at once whether an edge lies on a cycle.
 *
 *   topo_edge_add(a, b) --+-- rank(a) < rank(b): nothing to do
 *                         +-- else: search between the two ranks only --+-- no way back: shift the ranks passed
 *                                                                       +-- b reaches a: merge the circle
 *
 * Model:     nodes belong to components; what is ordered is the graph of components, which has no cycles.  Nodes that
 *            reach each other are always in one component, so an edge between two components lies on no cycle.  After
 *            removals a component may be larger than that (it is never split): a cause for a search in vain, not for a
 *            cycle missed.
 * Invariant: rank(component(a)) < rank(component(b)) along every edge between two components; topo_node_check().
 * Cost:      an edge in rank order is O(1); one against it O(edges of the components ranked between its ends, log).
 * Threads:   no locking inside.
 * Memory:    nodes are the caller's (embed struct topo_node first); edges and components from pools; no recursion.
 * Source:    Pearce & Kelly 2006, with the nodes of a cycle contracted into one.
 */
#ifndef LOCKHOUND_DETECTOR_TOPO_ORDER_H
#define LOCKHOUND_DETECTOR_TOPO_ORDER_H

#include "detector/hash_table.h"
#include "detector/pool.h"

struct topo_component;

struct topo_node {
    struct topo_component *component;
    struct topo_node *next_member, *prev_member; /* circle of the component's nodes */
    struct topo_edge *out, *in;
};

struct topo_edge {
    struct topo_node *from, *to;
    struct topo_edge *next_out, *prev_out; /* of `from` */
    struct topo_edge *next_in, *prev_in;   /* of `to` */
    uint32_t uses;                         /* times added and not yet dropped */
};

struct topo_order {
    struct pool edges, components;
    struct hash_table edge_index;
    uint64_t last_rank, last_search;
    uint64_t node_count, edge_count;
};

void topo_order_init(struct topo_order *order, const struct detector_host *host);
void topo_order_release(struct topo_order *order);

/* Returns: false when there is no memory. */
bool topo_node_add(struct topo_order *order, struct topo_node *node);
/* Takes the node out with all its edges. */
void topo_node_remove(struct topo_order *order, struct topo_node *node);

/* Adds an edge between two different nodes, or one more use of it.  Returns: false when there is no memory. */
bool topo_edge_add(struct topo_order *order, struct topo_node *from, struct topo_node *to);
/* Undoes one topo_edge_add(); the last one takes the edge out. */
void topo_edge_drop(struct topo_order *order, struct topo_node *from, struct topo_node *to);
bool topo_edge_exists(const struct topo_order *order, const struct topo_node *from, const struct topo_node *to);

/* Returns: false when surely no cycle runs through both nodes. */
static inline bool topo_on_cycle(const struct topo_node *a, const struct topo_node *b)
{
    return a->component == b->component;
}

/* Returns: true when the edges out of `node` keep the invariant and its lists agree with one another (for tests). */
bool topo_node_check(const struct topo_order *order, const struct topo_node *node);

#endif

#include "detector/topo_order.h"

enum { EDGES_PER_BLOCK = 128, COMPONENTS_PER_BLOCK = 64 };

struct topo_component {
    struct topo_component *next_affected; /* a search's finds, also in sorted order */
    struct topo_component *next_queued;   /* a search's queue, later the new order */
    struct topo_node *members;
    uint64_t rank;
    uint64_t rank_before;   /* while ranks are handed out anew */
    uint64_t reached_ahead; /* the last search that came here forwards from the edge's head */
    uint64_t reached_back;  /* ... backwards from its tail */
    uint64_t size;
};

/* One insertion's look around: the components between the two ranks that the new edge concerns. */
struct affected {
    uint64_t search;
    uint64_t low, high; /* ranks of the edge's head and tail */
    struct topo_component *all;
};

void topo_order_init(struct topo_order *order, const struct detector_host *host)
{
    *order = (struct topo_order){.last_rank = 0};
    pool_init(&order->edges, host, sizeof(struct topo_edge), EDGES_PER_BLOCK);
    pool_init(&order->components, host, sizeof(struct topo_component), COMPONENTS_PER_BLOCK);
    hash_table_init(&order->edge_index, host);
}

void topo_order_release(struct topo_order *order)
{
    hash_table_release(&order->edge_index);
    pool_release(&order->edges);
    pool_release(&order->components);
}

/* ---- nodes and components --------------------------------------------------------------------------------------- */

bool topo_node_add(struct topo_order *order, struct topo_node *node)
{
    struct topo_component *component = pool_take(&order->components);
    if (!component)
        return false;
    component->members = node;
    component->size = 1;
    component->rank = ++order->last_rank;
    *node = (struct topo_node){.component = component, .next_member = node, .prev_member = node};
    order->node_count++;
    return true;
}

static void leave_component(struct topo_order *order, struct topo_node *node)
{
    struct topo_component *component = node->component;
    if (--component->size == 0) {
        pool_give(&order->components, component);
    } else {
        component->members = node->next_member;
        node->next_member->prev_member = node->prev_member;
        node->prev_member->next_member = node->next_member;
    }
    node->component = NULL;
}

/* Joins two circles of nodes into one. */
static void splice_members(struct topo_node *a, struct topo_node *b)
{
    struct topo_node *after_a = a->next_member;
    struct topo_node *before_b = b->prev_member;
    a->next_member = b;
    b->prev_member = a;
    before_b->next_member = after_a;
    after_a->prev_member = before_b;
}

/* Makes one component of both; it keeps the rank of one of them.  The smaller one's nodes are relabelled. */
static struct topo_component *merge_components(struct topo_order *order, struct topo_component *a,
                                               struct topo_component *b)
{
    struct topo_component *into = a->size >= b->size ? a : b;
    struct topo_component *gone = into == a ? b : a;
    struct topo_node *node = gone->members;
    do {
        node->component = into;
        node = node->next_member;
    } while (node != gone->members);
    splice_members(into->members, gone->members);
    into->size += gone->size;
    pool_give(&order->components, gone);
    return into;
}

/* ---- the search around a new edge ------------------------------------------------------------------------------- */

static bool is_reached(const struct topo_component *component, uint64_t search)
{
    return component->reached_ahead == search || component->reached_back == search;
}

static void note_affected(struct affected *affected, struct topo_component *component)
{
    if (is_reached(component, affected->search))
        return;
    component->next_affected = affected->all;
    affected->all = component;
}

/* Marks what the edge's head reaches up to the rank of its tail. */
static void search_ahead(struct affected *affected, struct topo_component *start)
{
    note_affected(affected, start);
    start->reached_ahead = affected->search;
    start->next_queued = NULL;
    struct topo_component *last = start;
    for (struct topo_component *at = start; at; at = at->next_queued) {
        struct topo_node *node = at->members;
        do {
            for (struct topo_edge *edge = node->out; edge; edge = edge->next_out) {
                struct topo_component *next = edge->to->component;
                if (next->rank > affected->high || next->reached_ahead == affected->search)
                    continue;
                note_affected(affected, next);
                next->reached_ahead = affected->search;
                next->next_queued = NULL;
                last->next_queued = next;
                last = next;
            }
            node = node->next_member;
        } while (node != at->members);
    }
}

/* Marks what reaches the edge's tail from the rank of its head on. */
static void search_back(struct affected *affected, struct topo_component *start)
{
    note_affected(affected, start);
    start->reached_back = affected->search;
    start->next_queued = NULL;
    struct topo_component *last = start;
    for (struct topo_component *at = start; at; at = at->next_queued) {
        struct topo_node *node = at->members;
        do {
            for (struct topo_edge *edge = node->in; edge; edge = edge->next_in) {
                struct topo_component *next = edge->from->component;
                if (next->rank < affected->low || next->reached_back == affected->search)
                    continue;
                note_affected(affected, next);
                next->reached_back = affected->search;
                next->next_queued = NULL;
                last->next_queued = next;
                last = next;
            }
            node = node->next_member;
        } while (node != at->members);
    }
}

/* ---- new ranks -------------------------------------------------------------------------------------------------- */

static struct topo_component *merge_by_rank(struct topo_component *a, struct topo_component *b)
{
    struct topo_component *first = NULL;
    struct topo_component **end = &first;
    while (a && b) {
        struct topo_component **lower = a->rank < b->rank ? &a : &b;
        *end = *lower;
        end = &(*end)->next_affected;
        *lower = (*lower)->next_affected;
    }
    *end = a ? a : b;
    return first;
}

/* Merge sort from the bottom up: runs[i] is empty or a sorted list of 2^i components. */
static struct topo_component *sort_by_rank(struct topo_component *list)
{
    struct topo_component *runs[64] = {NULL};
    while (list) {
        struct topo_component *run = list;
        list = list->next_affected;
        run->next_affected = NULL;
        size_t i = 0;
        for (; runs[i]; i++) {
            run = merge_by_rank(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
    }
    struct topo_component *sorted = NULL;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        sorted = merge_by_rank(runs[i], sorted);
    return sorted;
}

/* Appends to the new order those of `sorted` that were reached in just these ways. */
static struct topo_component **append_reached(struct topo_component **end, struct topo_component *sorted,
                                              uint64_t search, bool ahead, bool back)
{
    for (; sorted; sorted = sorted->next_affected) {
        if ((sorted->reached_ahead == search) != ahead || (sorted->reached_back == search) != back)
            continue;
        *end = sorted;
        end = &sorted->next_queued;
    }
    *end = NULL;
    return end;
}

/* Deals the ranks in use among the affected components out anew: first what leads to the edge, then the circle if it
 * closed one, then what follows from it.  The first only fall and the last only rise, so edges to and from components
 * outside keep their direction. */
static void deal_ranks(struct topo_component *sorted, uint64_t search)
{
    struct topo_component *in_new_order = NULL;
    struct topo_component **end = append_reached(&in_new_order, sorted, search, false, true);
    end = append_reached(end, sorted, search, true, true);
    append_reached(end, sorted, search, true, false);
    for (struct topo_component *c = sorted; c; c = c->next_affected)
        c->rank_before = c->rank;
    struct topo_component *rank_of = sorted;
    for (struct topo_component *c = in_new_order; c && rank_of; c = c->next_queued, rank_of = rank_of->next_affected)
        c->rank = rank_of->rank_before;
}

/* Merges all components that were reached both ways: each of them lies on a cycle through the new edge. */
static void contract_circle(struct topo_order *order, struct topo_component *sorted, uint64_t search)
{
    struct topo_component *circle = NULL;
    while (sorted) {
        struct topo_component *next = sorted->next_affected;
        if (sorted->reached_ahead == search && sorted->reached_back == search)
            circle = circle ? merge_components(order, circle, sorted) : sorted;
        sorted = next;
    }
}

/* Restores the invariant for a new edge from `tail` to `head`. */
static void restore_order(struct topo_order *order, struct topo_component *tail, struct topo_component *head)
{
    if (tail == head || tail->rank < head->rank)
        return;
    struct affected affected = {.search = ++order->last_search, .low = head->rank, .high = tail->rank};
    search_ahead(&affected, head);
    search_back(&affected, tail);
    struct topo_component *sorted = sort_by_rank(affected.all);
    deal_ranks(sorted, affected.search);
    contract_circle(order, sorted, affected.search);
}

/* ---- edges ------------------------------------------------------------------------------------------------------ */

static uint64_t edge_hash(const struct topo_node *from, const struct topo_node *to)
{
    return hash_mix(hash_mix(0, (uintptr_t)from), (uintptr_t)to);
}

static bool edge_matches(const void *item, const void *key)
{
    const struct topo_edge *edge = item;
    const struct topo_edge *wanted = key;
    return edge->from == wanted->from && edge->to == wanted->to;
}

static struct topo_edge *find_edge(const struct topo_order *order, const struct topo_node *from,
                                   const struct topo_node *to)
{
    const struct topo_edge key = {.from = (struct topo_node *)from, .to = (struct topo_node *)to};
    return hash_table_find(&order->edge_index, edge_hash(from, to), edge_matches, &key);
}

static void link_edge(struct topo_edge *edge)
{
    edge->next_out = edge->from->out;
    if (edge->next_out)
        edge->next_out->prev_out = edge;
    edge->from->out = edge;
    edge->next_in = edge->to->in;
    if (edge->next_in)
        edge->next_in->prev_in = edge;
    edge->to->in = edge;
}

static void unlink_edge(struct topo_edge *edge)
{
    *(edge->prev_out ? &edge->prev_out->next_out : &edge->from->out) = edge->next_out;
    if (edge->next_out)
        edge->next_out->prev_out = edge->prev_out;
    *(edge->prev_in ? &edge->prev_in->next_in : &edge->to->in) = edge->next_in;
    if (edge->next_in)
        edge->next_in->prev_in = edge->prev_in;
}

bool topo_edge_add(struct topo_order *order, struct topo_node *from, struct topo_node *to)
{
    struct topo_edge *edge = find_edge(order, from, to);
    if (edge) {
        edge->uses++;
        return true;
    }
    edge = pool_take(&order->edges);
    if (!edge)
        return false;
    *edge = (struct topo_edge){.from = from, .to = to, .uses = 1};
    if (!hash_table_insert(&order->edge_index, edge_hash(from, to), edge)) {
        pool_give(&order->edges, edge);
        return false;
    }
    link_edge(edge);
    order->edge_count++;
    restore_order(order, from->component, to->component);
    return true;
}

static void delete_edge(struct topo_order *order, struct topo_edge *edge)
{
    unlink_edge(edge);
    hash_table_remove(&order->edge_index, edge_hash(edge->from, edge->to), edge);
    pool_give(&order->edges, edge);
    order->edge_count--;
}

void topo_edge_drop(struct topo_order *order, struct topo_node *from, struct topo_node *to)
{
    struct topo_edge *edge = find_edge(order, from, to);
    if (edge && --edge->uses == 0)
        delete_edge(order, edge);
}

bool topo_edge_exists(const struct topo_order *order, const struct topo_node *from, const struct topo_node *to)
{
    return find_edge(order, from, to) != NULL;
}

void topo_node_remove(struct topo_order *order, struct topo_node *node)
{
    while (node->out)
        delete_edge(order, node->out);
    while (node->in)
        delete_edge(order, node->in);
    leave_component(order, node);
    order->node_count--;
}

bool topo_node_check(const struct topo_order *order, const struct topo_node *node)
{
    if (node->next_member->prev_member != node || node->next_member->component != node->component)
        return false;
    for (const struct topo_edge *edge = node->out; edge; edge = edge->next_out) {
        const struct topo_component *to = edge->to->component;
        if (edge->from != node || edge->uses == 0 || find_edge(order, node, edge->to) != edge)
            return false;
        if (edge->next_out && edge->next_out->prev_out != edge)
            return false;
        if (to != node->component && to->rank <= node->component->rank)
            return false;
    }
    return true;
}

#include "report/format_graphs.h"

#include <inttypes.h>
#include <string.h>

#include "report/format_dot.h"
#include "report/resolve.h"

#define NODES_DRAWN 100 /* more nobody can read, and a thousand take Graphviz minutes and gigabytes */

struct node {
    const char *name;
    struct node *next;
};

struct arrow {
    size_t from, to;
    struct arrow *next;
};

struct graph {
    struct buffer *out;
    struct pool pool;
    struct node *nodes; /* the latest first; a node's number is how many come after it */
    size_t node_count;
    struct arrow *arrows;
};

static void begin(struct graph *g, struct buffer *out)
{
    *g = (struct graph){.out = out};
    /* From left to right, so that parts that have nothing to do with one another stand below one another. */
    buffer_string(out, "digraph lockhound {\n  rankdir=LR;\n"
                       "  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=12];\n"
                       "  edge [fontname=\"sans-serif\", fontsize=10];\n");
}

static bool end(struct graph *g)
{
    bool is_drawable = g->arrows != NULL && g->node_count <= NODES_DRAWN;
    buffer_string(g->out, "}\n");
    pool_free(&g->pool);
    return is_drawable;
}

/* Returns: the number of the node of this identity, which is added when it is new. */
static size_t find_node(struct graph *g, const char *identity, const char *label, const char *shape)
{
    size_t number = g->node_count;
    for (const struct node *node = g->nodes; node; node = node->next) {
        number--;
        if (strcmp(node->name, identity) == 0)
            return number;
    }
    struct node *node = pool_alloc(&g->pool, sizeof *node);
    *node = (struct node){pool_string(&g->pool, identity), g->nodes};
    g->nodes = node;
    buffer_printf(g->out, "  n%zu [%slabel=\"", g->node_count, shape);
    dot_add_quoted(g->out, label);
    buffer_string(g->out, "\"];\n");
    return g->node_count++;
}

static bool is_new_arrow(struct graph *g, size_t from, size_t to)
{
    for (const struct arrow *arrow = g->arrows; arrow; arrow = arrow->next)
        if (arrow->from == from && arrow->to == to)
            return false;
    struct arrow *arrow = pool_alloc(&g->pool, sizeof *arrow);
    *arrow = (struct arrow){from, to, g->arrows};
    g->arrows = arrow;
    return true;
}

/* A variable is the same in all processes of a program, anything else in one process at most. */
static size_t node_of_object(struct graph *g, const struct run_finding *f, const struct run_object *object)
{
    struct buffer identity = {0};
    if (object->where == WHERE_STATIC)
        buffer_printf(&identity, "%s %s", object->module->path, object->name);
    else if (object->where == WHERE_SHARED)
        buffer_printf(&identity, "%s %s", object->path, object->name);
    else
        buffer_printf(&identity, "%" PRId64 " %" PRIx64 " %s", f->process->pid, object->address, object->name);
    size_t number = find_node(g, identity.data, object->name, "");
    buffer_free(&identity);
    return number;
}

static size_t node_of_thread(struct graph *g, const struct run_finding *f, const struct run_thread *thread)
{
    struct buffer identity = {0}, label = {0};
    int64_t pid = *thread->process ? thread->pid : f->process->pid;
    buffer_printf(&identity, "%" PRId64 " T%" PRIu32, pid, thread->id);
    buffer_printf(&label, "T%" PRIu32 "%s%s", thread->id, *thread->name ? " " : "", thread->name);
    size_t number = find_node(g, identity.data, label.data, "shape=ellipse, ");
    buffer_free(&identity);
    buffer_free(&label);
    return number;
}

static void add_arrow(struct graph *g, size_t from, size_t to, const char *label, const struct run_stack *place)
{
    if (is_new_arrow(g, from, to)) {
        buffer_printf(g->out, "  n%zu -> n%zu [label=\"", from, to);
        dot_add_quoted(g->out, label);
        dot_add_place(g->out, place);
        buffer_string(g->out, "\"];\n");
    }
}

static bool is_waiting(const struct run_party *party)
{
    return party->object && (strcmp(party->role, "requests") == 0 || strcmp(party->role, "waits") == 0);
}

static bool wants_more(const struct graph *g, const struct run_finding *f, const char *kind)
{
    return strcmp(f->kind, kind) == 0 && g->node_count <= NODES_DRAWN;
}

bool format_graph_of_orders(struct buffer *out, const struct run *run)
{
    struct graph g;
    begin(&g, out);
    for (const struct run_finding *f = run->findings; f; f = f->next) {
        for (size_t i = 0; wants_more(&g, f, "lock-order-inversion") && i < f->party_count; i++) {
            const struct run_party *party = &f->parties[i];
            struct buffer label = {0};
            buffer_printf(&label, "T%" PRIu32 "%s%s", party->thread->id, *party->thread->name ? " " : "",
                          party->thread->name);
            for (size_t k = 0; is_waiting(party) && k < party->held_count; k++) {
                size_t from = node_of_object(&g, f, party->held[k].object);
                add_arrow(&g, from, node_of_object(&g, f, party->object), label.data, &party->stack);
            }
            buffer_free(&label);
        }
    }
    return end(&g);
}

static bool is_awaited(const struct run_finding *f, const struct run_object *object)
{
    for (size_t i = 0; i < f->party_count; i++)
        if (is_waiting(&f->parties[i]) && f->parties[i].object == object)
            return true;
    return false;
}

/* What a thread that stands still waits for, and what others wait for that it holds. */
static void add_waits(struct graph *g, const struct run_finding *f, const struct run_party *party)
{
    size_t self = node_of_thread(g, f, party->thread);
    if (is_waiting(party)) {
        bool is_end = strcmp(party->object->kind, "thread") == 0;
        const struct run_thread *meant = is_end ? finding_thread(f, party->object->init_thread) : NULL;
        add_arrow(g, self, meant ? node_of_thread(g, f, meant) : node_of_object(g, f, party->object),
                  meant ? "waits for the end" : "waits for", &party->stack);
    }
    for (size_t k = 0; k < party->held_count; k++)
        if (is_awaited(f, party->held[k].object))
            add_arrow(g, node_of_object(g, f, party->held[k].object), self, "held by", &party->held[k].stack);
}

bool format_graph_of_waits(struct buffer *out, const struct run *run)
{
    struct graph g;
    begin(&g, out);
    for (const struct run_finding *f = run->findings; f; f = f->next)
        for (size_t i = 0; wants_more(&g, f, "deadlock") && i < f->party_count; i++)
            add_waits(&g, f, &f->parties[i]);
    return end(&g);
}

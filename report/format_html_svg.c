/* format_html_svg.c: two drawings of a circle of locks.  A circle is drawn as one, so no layout engine is needed. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/format_html.h"
#include "report/resolve.h"

#define CIRCLE_MAX  8
#define GRAPH_WIDTH 560
#define RING_HEIGHT 320
#define PAIR_HEIGHT 190
#define BOX_WIDTH   150
#define BOX_HEIGHT  34
#define LABEL_ROOM  70
#define LANE_WIDTH  240
#define STEP_HEIGHT 34
#define NAME_SHOWN  22

struct circle {
    const struct run_finding *finding;
    size_t count;
    const struct run_object *held[CIRCLE_MAX]; /* by party: the lock that another party wants */
};

static bool find_circle(struct circle *c, const struct run_finding *f)
{
    bool is_cycle = strcmp(f->kind, "lock-order-inversion") == 0 || strcmp(f->form, "cycle") == 0;
    *c = (struct circle){.finding = f, .count = f->party_count};
    if (!is_cycle || f->party_count < 2 || f->party_count > CIRCLE_MAX) {
        return false;
    }
    for (size_t i = 0; i < f->party_count; i++) {
        const struct run_party *party = &f->parties[i];
        for (size_t h = 0; h < party->held_count && !c->held[i]; h++) {
            for (size_t k = 0; k < f->party_count; k++) {
                if (k != i && f->parties[k].object == party->held[h].object) {
                    c->held[i] = party->held[h].object;
                }
            }
        }
        if (!c->held[i] || !party->object) {
            return false;
        }
    }
    return true;
}

/* The end of a long name tells more than its beginning: "...[2].lock". */
static void add_short(struct buffer *out, const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_SHOWN) {
        buffer_string(out, "&#8230;");
        name += length - NAME_SHOWN;
    }
    escape_xml(out, name);
}

static void add_place(struct buffer *out, const struct run_stack *stack)
{
    if (stack->user_first < stack->user_end && stack->symbols[stack->user_first].file) {
        const struct symbol_frame *frame = &stack->symbols[stack->user_first];
        add_short(out, path_base(frame->file));
        buffer_printf(out, ":%" PRIu32, frame->line);
    }
}

/* ---- the graph -------------------------------------------------------------------------------------------------- */

struct point {
    double x, y;
};

static int graph_height(const struct circle *c)
{
    return c->count == 2 ? PAIR_HEIGHT : RING_HEIGHT;
}

static struct point place_of(const struct circle *c, const struct run_object *object)
{
    size_t at = 0;
    while (at + 1 < c->count && c->held[at] != object) {
        at++;
    }
    const double half_turn = 3.14159265358979;
    double turn = 2 * half_turn * (double)at / (double)c->count - (c->count == 2 ? half_turn : half_turn / 2);
    double rx = GRAPH_WIDTH / 2.0 - BOX_WIDTH / 2.0 - (c->count == 2 ? 4 : LABEL_ROOM);
    double ry = c->count == 2 ? 0 : RING_HEIGHT / 2.0 - BOX_HEIGHT - 4;
    return (struct point){GRAPH_WIDTH / 2.0 + rx * cos(turn), graph_height(c) / 2.0 + ry * sin(turn)};
}

/* The thread's name and place, outside the bend of its arrow; (nx, ny) points outwards. */
static void add_label(struct buffer *out, const struct run_party *party, struct point bend, double nx, double ny)
{
    const char *anchor = nx > 0.5 ? "start" : nx < -0.5 ? "end" : "middle";
    double x = bend.x + 12 * nx, y = bend.y + (ny > 0.5 ? 20 : ny < -0.5 ? -22 : 0);
    buffer_printf(out, "<text text-anchor=\"%s\" x=\"%.0f\" y=\"%.0f\">T%" PRIu32 " ", anchor, x, y, party->thread->id);
    add_short(out, party->thread->name);
    buffer_printf(out, "<tspan class=\"faint\" x=\"%.0f\" dy=\"14\">", x);
    add_place(out, &party->stack);
    buffer_string(out, "</tspan></text>\n");
}

/* An arrow from the lock held to the lock wanted, bent to its left so that two opposite ones do not meet. */
static void add_arrow(struct buffer *out, const struct circle *c, size_t party)
{
    const struct run_party *p = &c->finding->parties[party];
    struct point from = place_of(c, c->held[party]), to = place_of(c, p->object);
    double dx = to.x - from.x, dy = to.y - from.y, length = sqrt(dx * dx + dy * dy);
    if (length < 1) {
        return;
    }
    double bend = c->count == 2 ? 95 : 40, nx = dy / length, ny = -dx / length;
    struct point middle = {(from.x + to.x) / 2 + nx * bend, (from.y + to.y) / 2 + ny * bend};
    double ex = to.x - middle.x, ey = to.y - middle.y, reach = sqrt(ex * ex + ey * ey);
    double slope = fabs(ey) / reach > 0.25 ? fabs(ey) / reach : 0.25;
    double shrink = (BOX_HEIGHT / 2.0 + 6) / slope;
    struct point tip = {to.x - ex / reach * shrink, to.y - ey / reach * shrink};
    buffer_printf(out, "<path class=\"arrow\" marker-end=\"url(#head)\" d=\"M%.0f %.0fQ%.0f %.0f %.0f %.0f\"/>\n",
                  from.x, from.y, middle.x, middle.y, tip.x, tip.y);
    struct point top = {(from.x + to.x) / 4 + middle.x / 2, (from.y + to.y) / 4 + middle.y / 2};
    add_label(out, p, top, nx, ny);
}

static void add_graph(struct buffer *out, const struct circle *c)
{
    buffer_printf(
        out,
        "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Graph of the locks\">\n<defs><marker id=\"head\" "
        "viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path "
        "class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
        GRAPH_WIDTH, graph_height(c));
    for (size_t i = 0; i < c->count; i++) {
        add_arrow(out, c, i);
    }
    for (size_t i = 0; i < c->count; i++) {
        struct point at = place_of(c, c->held[i]);
        buffer_printf(out,
                      "<rect class=\"box\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"6\"/><text "
                      "text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">",
                      at.x - BOX_WIDTH / 2.0, at.y - BOX_HEIGHT / 2.0, BOX_WIDTH, BOX_HEIGHT, at.x, at.y + 5);
        add_short(out, c->held[i]->name);
        buffer_string(out, "</text>\n");
    }
    buffer_string(out, "</svg><figcaption>An arrow leads from a lock that a thread holds to the one it wants."
                       "</figcaption></figure>\n");
}

/* ---- the lanes -------------------------------------------------------------------------------------------------- */

static void add_step(struct buffer *out, size_t lane, size_t row, const char *class, const char *verb, const char *name)
{
    int x = (int)lane * LANE_WIDTH + 14, y = (int)(row + 2) * STEP_HEIGHT;
    buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/><text x=\"%d\" y=\"%d\">%s ", class, x, y,
                  x + 13, y + 5, verb);
    add_short(out, name);
    buffer_string(out, "</text>\n");
}

static void add_lanes(struct buffer *out, const struct circle *c)
{
    int width = (int)c->count * LANE_WIDTH, height = (int)(2 * c->count + 2) * STEP_HEIGHT;
    buffer_printf(out, "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"How the threads block\">\n", width,
                  height);
    for (size_t i = 0; i < c->count; i++) {
        const struct run_thread *thread = c->finding->parties[i].thread;
        int x = (int)i * LANE_WIDTH + 14;
        buffer_printf(out, "<text x=\"%d\" y=\"22\">T%" PRIu32 " ", x - 10, thread->id);
        add_short(out, thread->name);
        buffer_printf(out, "</text><line class=\"lane\" x1=\"%d\" y1=\"34\" x2=\"%d\" y2=\"%d\"/>\n", x, x, height - 8);
    }
    for (size_t i = 0; i < c->count; i++) {
        add_step(out, i, i, "take", "takes", c->held[i]->name);
        add_step(out, i, i + c->count, "wait", "waits for", c->finding->parties[i].object->name);
    }
    buffer_string(out, "</svg><figcaption>Time runs down: the steps in which the threads block each other."
                       "</figcaption></figure>\n");
}

void format_html_figures(struct buffer *out, const struct run_finding *finding)
{
    struct circle circle;
    if (find_circle(&circle, finding)) {
        buffer_string(out, "<div class=\"figures\">\n");
        add_graph(out, &circle);
        add_lanes(out, &circle);
        buffer_string(out, "</div>\n");
    }
}

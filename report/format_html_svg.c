/* A circle of locks is drawn as one, so no layout engine is needed. */
#include "report/format_html_svg.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/path.h"
#include "report/resolve.h"

#define PAIR_WIDTH  400
#define PAIR_HEIGHT 190
#define BOX_WIDTH   150
#define BOX_HEIGHT  34
#define LABEL_ROOM  70
#define NAME_SHOWN  22

/* Returns: false when the finding is no circle of locks, or one too large to draw. */
static bool find_circle(struct svg_circle *c, const struct run_finding *f)
{
    bool is_cycle = strcmp(f->kind, "lock-order-inversion") == 0 || strcmp(f->form, "cycle") == 0;
    *c = (struct svg_circle){.finding = f, .count = f->party_count};
    if (!is_cycle || f->party_count < 2 || f->party_count > SVG_CIRCLE_MAX)
        return false;
    for (size_t i = 0; i < f->party_count; i++) {
        const struct run_party *party = &f->parties[i];
        for (size_t h = 0; h < party->held_count && !c->held[i]; h++) {
            for (size_t k = 0; k < f->party_count; k++)
                if (k != i && f->parties[k].object == party->held[h].object)
                    c->held[i] = party->held[h].object;
        }
        if (!c->held[i] || !party->object)
            return false;
    }
    return true;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80; /* of UTF-8 */
}

void svg_add_short(struct buffer *out, const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_SHOWN) {
        buffer_string(out, "&#8230;");
        for (name += length - NAME_SHOWN; is_continuation(*name);)
            name++;
    }
    escape_xml(out, name);
}

static void add_place(struct buffer *out, const struct run_stack *stack)
{
    if (stack->user_first < stack->user_end && stack->symbols[stack->user_first].file) {
        const struct symbol_frame *frame = &stack->symbols[stack->user_first];
        svg_add_short(out, path_base(frame->file));
        buffer_printf(out, ":%" PRIu32, frame->line);
    }
}

void svg_begin(struct buffer *out, int width, int height, const char *label)
{
    /* On a narrow screen a drawing shrinks until its letters would be too small, and is scrolled from there. */
    buffer_printf(out,
                  "<figure><div class=\"wide\" tabindex=\"0\"><svg viewBox=\"0 0 %d %d\" style=\"max-width:%dpx;"
                  "min-width:%dpx\" role=\"img\" aria-label=\"%s\">\n",
                  width, height, width, width * 4 / 5, label);
}

void svg_end(struct buffer *out, const char *caption)
{
    buffer_printf(out, "</svg></div><figcaption>%s</figcaption></figure>\n", caption);
}

/* ---- the graph -------------------------------------------------------------------------------------------------- */

struct point {
    double x, y;
};

/* Half of the way across the middles of the boxes; more boxes need a wider ring, or they would touch. */
static struct point radius(const struct svg_circle *c)
{
    double more = c->count > 4 ? (double)(c->count - 4) : 0;
    if (c->count == 2)
        return (struct point){(PAIR_WIDTH - BOX_WIDTH) / 2.0 - 4, 0};
    return (struct point){135 + 40 * more, 122 + 20 * more};
}

static int graph_width(const struct svg_circle *c)
{
    return c->count == 2 ? PAIR_WIDTH : (int)(2 * radius(c).x) + BOX_WIDTH + 2 * LABEL_ROOM;
}

static int graph_height(const struct svg_circle *c)
{
    return c->count == 2 ? PAIR_HEIGHT : (int)(2 * radius(c).y) + 2 * (BOX_HEIGHT + 4);
}

static struct point place_of(const struct svg_circle *c, const struct run_object *object)
{
    size_t at = 0;
    while (at + 1 < c->count && c->held[at] != object)
        at++;
    const double half_turn = 3.14159265358979;
    double turn = 2 * half_turn * (double)at / (double)c->count - (c->count == 2 ? half_turn : half_turn / 2);
    struct point r = radius(c);
    return (struct point){graph_width(c) / 2.0 + r.x * cos(turn), graph_height(c) / 2.0 + r.y * sin(turn)};
}

/* The thread's name and place, outside the bend of its arrow; (nx, ny) points outwards. */
static void add_label(struct buffer *out, const struct run_party *party, struct point bend, double nx, double ny)
{
    const char *anchor = nx > 0.5 ? "start" : nx < -0.5 ? "end" : "middle";
    double x = bend.x + 12 * nx, y = bend.y + (ny > 0.5 ? 20 : ny < -0.5 ? -28 : 0);
    buffer_printf(out, "<text text-anchor=\"%s\" x=\"%.0f\" y=\"%.0f\">T%" PRIu32 " ", anchor, x, y, party->thread->id);
    svg_add_short(out, party->thread->name);
    buffer_printf(out, "<tspan class=\"faint\" x=\"%.0f\" dy=\"14\">", x);
    add_place(out, &party->stack);
    buffer_string(out, "</tspan></text>\n");
}

/* An arrow from the lock held to the lock wanted, bent to its left so that two opposite ones do not meet. */
static void add_arrow(struct buffer *out, const struct svg_circle *c, size_t party)
{
    const struct run_party *p = &c->finding->parties[party];
    struct point from = place_of(c, c->held[party]), to = place_of(c, p->object);
    double dx = to.x - from.x, dy = to.y - from.y, length = sqrt(dx * dx + dy * dy);
    if (length < 1)
        return;
    double bend = c->count == 2 ? 90 : 40, nx = dy / length, ny = -dx / length;
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

static void add_graph(struct buffer *out, const struct svg_circle *c)
{
    svg_begin(out, graph_width(c), graph_height(c), "Graph of the locks");
    buffer_string(out,
                  "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
                  "markerHeight=\"7\" orient=\"auto\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
    for (size_t i = 0; i < c->count; i++)
        add_arrow(out, c, i);
    for (size_t i = 0; i < c->count; i++) {
        struct point at = place_of(c, c->held[i]);
        buffer_printf(out,
                      "<rect class=\"box\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"6\"/><text "
                      "text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">",
                      at.x - BOX_WIDTH / 2.0, at.y - BOX_HEIGHT / 2.0, BOX_WIDTH, BOX_HEIGHT, at.x, at.y + 5);
        svg_add_short(out, c->held[i]->name);
        buffer_string(out, "</text>\n");
    }
    svg_end(out, "An arrow leads from a lock that a thread holds to the one it wants.");
}

void format_html_figures(struct buffer *out, const struct run_finding *finding)
{
    struct svg_circle circle;
    bool is_circle = find_circle(&circle, finding);
    if (!is_circle && !svg_has_race(finding))
        return;
    buffer_string(out, "<div class=\"figures\">\n");
    if (is_circle) {
        add_graph(out, &circle);
        svg_add_circle_lanes(out, &circle);
    } else {
        svg_add_race_lanes(out, finding);
    }
    buffer_string(out, "</div>\n");
}

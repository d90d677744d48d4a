/* format_html_lanes.c: swim-lanes as SVG, one a thread, time running down: of a circle of locks the steps in which the
 * threads block one another, of a data race the two accesses, the earlier one first.
 *
 *   T1 'main'         T2 'writer'
 *   |                 # takes        #: held from here on
 *   |                 # lock
 *   |                 o writes
 *   |                 # totals
 *   o reads           |
 *   | totals          |
 */
#include <inttypes.h>
#include <string.h>

#include "report/escape.h"
#include "report/format_html_svg.h"
#include "report/resolve.h"

#define LANE_WIDTH  200
#define LANE_LEFT   14
#define HEAD_HEIGHT 50
#define STEP_HEIGHT 46
#define LOCKS_SHOWN 3 /* of each side of a race */

static int lane_x(size_t lane)
{
    return (int)lane * LANE_WIDTH + LANE_LEFT;
}

static int row_y(size_t row)
{
    return HEAD_HEIGHT + (int)row * STEP_HEIGHT;
}

static void add_lanes(struct buffer *out, const struct run_finding *f, size_t rows)
{
    for (size_t i = 0; i < f->party_count; i++) {
        const struct run_thread *thread = f->parties[i].thread;
        int x = lane_x(i);
        buffer_printf(out, "<text class=\"thread\" x=\"%d\" y=\"20\">T%" PRIu32 " ", x - 10, thread->id);
        svg_add_short(out, thread->name);
        buffer_printf(out, "</text><line class=\"lane\" x1=\"%d\" y1=\"32\" x2=\"%d\" y2=\"%d\"/>\n", x, x,
                      row_y(rows) - 10);
    }
}

/* A step: a dot in the lane, what is done, and to what below it. */
static void add_step(struct buffer *out, size_t lane, size_t row, const char *class, const char *verb, const char *name)
{
    int x = lane_x(lane), y = row_y(row);
    buffer_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/><text x=\"%d\" y=\"%d\">", class, x, y,
                  x + 13, y + 5);
    escape_xml(out, verb);
    buffer_printf(out, "<tspan class=\"name\" x=\"%d\" dy=\"15\">", x + 13);
    svg_add_short(out, name);
    buffer_string(out, "</tspan></text>\n");
}

/* From the step that takes a lock on, the lane is drawn as holding one. */
static void add_holding(struct buffer *out, size_t lane, size_t first, size_t last)
{
    int x = lane_x(lane);
    buffer_printf(out, "<line class=\"held\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", x, row_y(first), x,
                  row_y(last));
}

void svg_add_circle_lanes(struct buffer *out, const struct svg_circle *c)
{
    svg_begin(out, (int)c->count * LANE_WIDTH, row_y(2 * c->count), "How the threads block");
    add_lanes(out, c->finding, 2 * c->count);
    for (size_t i = 0; i < c->count; i++) {
        add_holding(out, i, i, i + c->count);
        add_step(out, i, i, "take", "takes", c->held[i]->name);
        add_step(out, i, i + c->count, "wait", "waits for", c->finding->parties[i].object->name);
    }
    svg_end(out, "Time runs down: the steps in which the threads block each other.");
}

bool svg_has_race(const struct run_finding *f)
{
    return f->memory && f->party_count == 2;
}

static size_t locks_shown(const struct run_party *party)
{
    return party->held_count < LOCKS_SHOWN ? party->held_count : LOCKS_SHOWN;
}

void svg_add_race_lanes(struct buffer *out, const struct run_finding *f)
{
    size_t rows = 2 + locks_shown(&f->parties[0]) + locks_shown(&f->parties[1]), row = 0;
    svg_begin(out, (int)f->party_count * LANE_WIDTH, row_y(rows), "The two accesses and the locks around them");
    add_lanes(out, f, rows);
    /* The first party's access is the one that revealed the race, so the other came before it. */
    for (size_t i = f->party_count; i-- > 0;) {
        const struct run_party *party = &f->parties[i];
        size_t locks = locks_shown(party);
        if (locks)
            add_holding(out, i, row, row + locks);
        for (size_t k = 0; k < locks; k++) {
            add_step(out, i, row++, "take", held_is_read(&party->held[k]) ? "read-locks" : "takes",
                     party->held[k].object->name);
        }
        add_step(out, i, row++, "wait", party_verb(f, party), f->memory->name);
    }
    svg_end(out, "Time runs down; nothing orders the two accesses.");
}

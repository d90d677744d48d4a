/* format_lanes.c: swim-lanes, one column a thread: of a circle of locks the steps in which they block, of a data race the two
 * accesses, the earlier one first, with the locks held around each.
 *
 *   T1 'main'                    T2 'writer'
 *   takes `a`
 *                                takes `b`
 *   waits for `b`
 *                                waits for `a`
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/format_text.h"
#include "report/resolve.h"

#define LANES_MAX   4
#define LANE_WIDTH  30
#define LOCKS_SHOWN 3 /* of each side of a race */
#define CUT         "..."

static bool is_circle(const struct run_finding *f)
{
    bool is_cycle = strcmp(f->kind, "lock-order-inversion") == 0 || strcmp(f->form, "cycle") == 0;
    if (!is_cycle || f->party_count < 2 || f->party_count > LANES_MAX)
        return false;
    for (size_t i = 0; i < f->party_count; i++)
        if (!f->parties[i].object || !f->parties[i].held_count)
            return false;
    return true;
}

/* Continuation bytes of UTF-8 take none. */
static bool takes_column(char byte)
{
    return (byte & 0xc0) != 0x80;
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += takes_column(*text);
    return columns;
}

/* Returns: the last `columns` columns of the text. */
static const char *tail_of(const char *text, size_t columns)
{
    const char *tail = text + strlen(text);
    for (; tail > text && columns > 0; tail--)
        columns -= takes_column(tail[-1]);
    return tail;
}

/* Adds one cell of LANE_WIDTH columns; the end of a long name tells more than its beginning: "...[2].lock". */
static void add_cell(struct buffer *out, const char *verb, const char *name, const char *end)
{
    struct buffer safe = {0};
    escape_text(&safe, name);
    buffer_add(&safe, "", 1);
    size_t room = LANE_WIDTH - 2 - columns_of(verb) - columns_of(end), columns = columns_of(safe.data);
    bool is_cut = columns > room;
    columns = is_cut ? room : columns;
    buffer_printf(out, "%s%s%s%s%*s", verb, is_cut ? CUT : "",
                  is_cut ? tail_of(safe.data, room - strlen(CUT)) : safe.data, end, (int)(room + 2 - columns), "");
    buffer_free(&safe);
}

static void end_row(struct buffer *out)
{
    while (out->length && out->data[out->length - 1] == ' ')
        out->length--;
    buffer_string(out, "\n");
}

static void add_row(struct buffer *out, size_t lane, const char *verb, const char *name, const char *end)
{
    buffer_printf(out, "    %*s", (int)(lane * LANE_WIDTH), "");
    add_cell(out, verb, name, end);
    end_row(out);
}

/* The lock of the circle that this party holds: the one that another wants. */
static const struct run_object *held_of_circle(const struct run_finding *f, const struct run_party *party)
{
    for (size_t i = 0; i < party->held_count; i++) {
        for (size_t k = 0; k < f->party_count; k++)
            if (&f->parties[k] != party && f->parties[k].object == party->held[i].object)
                return party->held[i].object;
    }
    return party->held[0].object;
}

static void add_heads(struct buffer *out, const struct run_finding *f)
{
    buffer_string(out, "    ");
    for (size_t i = 0; i < f->party_count; i++) {
        char label[16];
        snprintf(label, sizeof label, "T%" PRIu32 " ", f->parties[i].thread->id);
        add_cell(out, label, f->parties[i].thread->name, "");
    }
    end_row(out);
}

/* The first party's access is the one that revealed the race, so the other came before it. */
static void add_race(struct buffer *out, const struct run_finding *f)
{
    buffer_printf(out, "  What happened, with nothing %sto order it:\n", finding_is_hidden(f) ? "but locks " : "");
    add_heads(out, f);
    for (size_t i = f->party_count; i-- > 0;) {
        const struct run_party *party = &f->parties[i];
        for (size_t k = 0; k < party->held_count && k < LOCKS_SHOWN; k++) {
            add_row(out, i, held_is_read(&party->held[k]) ? "read-locks `" : "takes `", party->held[k].object->name,
                    "`");
        }
        struct buffer verb = {0};
        buffer_printf(&verb, "%s `", party_verb(f, party));
        add_row(out, i, verb.data, f->memory->name, "`");
        buffer_free(&verb);
    }
}

void format_text_lanes(struct buffer *out, const struct run_finding *f)
{
    if (f->memory && f->party_count == 2) {
        add_race(out, f);
        return;
    }
    if (!is_circle(f))
        return;
    bool is_real = strcmp(f->kind, "deadlock") == 0;
    buffer_string(out,
                  is_real ? "  How they came to wait for each other:\n" : "  The order in which they would block:\n");
    add_heads(out, f);
    for (size_t i = 0; i < f->party_count; i++)
        add_row(out, i, "takes `", held_of_circle(f, &f->parties[i])->name, "`");
    for (size_t i = 0; i < f->party_count; i++)
        add_row(out, i, "waits for `", f->parties[i].object->name, "`");
}

/* format_contention.c: how long locks were waited for and held, as a table in text and in HTML. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/contention.h"
#include "report/escape.h"
#include "report/format_html.h"
#include "report/format_text.h"
#include "report/path.h"
#include "report/resolve.h"

#define LOCKS_SHOWN 10
#define SITES_SHOWN 3
#define HTML_LOCKS  200
#define NAME_COLUMN 40

/* "870 ns", "1.5 us", "12 ms": two digits at least, and no more than are true. */
static void add_time(struct buffer *out, uint64_t ns, int width)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = (double)ns;
    size_t unit = 0;
    char text[32];
    while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, sizeof text, unit && value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    buffer_printf(out, "%*s", width, text);
}

static double share(const struct contention_numbers *n)
{
    return n->acquisitions ? 100.0 * (double)n->contended / (double)n->acquisitions : 0;
}

static void add_place(struct buffer *out, const struct contention_site *site,
                      void (*escape)(struct buffer *out, const char *text))
{
    const struct symbol_frame *frame = contention_place(site);
    escape(out, frame && frame->name ? frame->name : "??");
    if (frame && frame->file) {
        buffer_string(out, " ");
        escape(out, path_base(frame->file));
        buffer_printf(out, ":%" PRIu32, frame->line);
    } else if (frame && frame->module) {
        buffer_string(out, " ");
        escape(out, path_base(frame->module->path));
        buffer_printf(out, "+0x%" PRIx64, frame->offset);
    }
    buffer_string(out, site->is_shared ? " (read)" : "");
}

static void add_lock_name(struct buffer *out, const struct contention_lock *lock,
                          void (*escape)(struct buffer *out, const char *text))
{
    escape(out, lock->name);
    if (lock->locks > 1)
        buffer_printf(out, " (%" PRIu64 " locks)", lock->locks);
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static void add_columns(struct buffer *out, const struct contention_numbers *n)
{
    const struct contention_times *times[] = {&n->wait, &n->hold};
    buffer_printf(out, " %9" PRIu64 " %5.1f%%", n->acquisitions, share(n));
    for (size_t i = 0; i < 2; i++) {
        buffer_string(out, " |");
        add_time(out, times[i]->total_ns, 7);
        add_time(out, contention_percentile(times[i], 50), 8);
        add_time(out, contention_percentile(times[i], 99), 8);
        add_time(out, times[i]->max_ns, 8);
    }
    buffer_string(out, "\n");
}

static void add_padding(struct buffer *out, size_t begin)
{
    size_t width = out->length - begin;
    if (width > NAME_COLUMN)
        buffer_printf(out, "\n%*s", NAME_COLUMN, "");
    else
        buffer_printf(out, "%*s", (int)(NAME_COLUMN - width), "");
}

static void add_sites(struct buffer *out, const struct contention_lock *lock, bool is_whole)
{
    struct pool pool = {0};
    size_t shown = 0;
    for (const struct contention_site *site = contention_places(lock, &pool); site; site = site->next) {
        if (!is_whole && shown == SITES_SHOWN) {
            buffer_string(out, "    ... and other places\n");
            break;
        }
        size_t begin = out->length;
        buffer_string(out, "    ");
        add_place(out, site, escape_text);
        add_padding(out, begin);
        add_columns(out, &site->numbers);
        shown++;
    }
    pool_free(&pool);
}

void format_text_contention(struct buffer *out, const struct run *run, const struct text_style *style, bool is_whole)
{
    size_t shown = 0;
    if (!run->contended)
        return;
    buffer_string(out, style->has_colour ? "\033[1m" : "");
    buffer_printf(out, "%-*s %9s %6s |%-31s |%s\n", NAME_COLUMN, "contention, by lock and place", "taken", "waited",
                  " wait: total     p50     p99     max", " hold: total     p50     p99     max");
    buffer_string(out, style->has_colour ? "\033[0m" : "");
    for (const struct contention_lock *lock = run->contended; lock; lock = lock->next) {
        if (!is_whole && shown++ == LOCKS_SHOWN) {
            buffer_string(out, "  ... and other locks: lockhound report --contention FILE shows all\n");
            return;
        }
        size_t begin = out->length;
        buffer_string(out, "  ");
        add_lock_name(out, lock, escape_text);
        add_padding(out, begin);
        add_columns(out, &lock->numbers);
        add_sites(out, lock, is_whole);
    }
}

/* ---- HTML ------------------------------------------------------------------------------------------------------- */

static void add_cells(struct buffer *out, const struct contention_numbers *n)
{
    const struct contention_times *times[] = {&n->wait, &n->hold};
    buffer_printf(out, "<td>%" PRIu64 "</td><td>%.1f&#8239;%%</td>", n->acquisitions, share(n));
    for (size_t i = 0; i < 2; i++) {
        const uint64_t values[] = {times[i]->total_ns, contention_percentile(times[i], 50),
                                   contention_percentile(times[i], 99), times[i]->max_ns};
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            buffer_string(out, k ? "<td>" : "<td class=\"first\">");
            if (times[i]->max_ns)
                add_time(out, values[k], 0);
            else
                buffer_string(out, "&#8211;");
            buffer_string(out, "</td>");
        }
    }
    buffer_string(out, "</tr>\n");
}

void format_html_contention(struct buffer *out, const struct run *run)
{
    struct pool pool = {0};
    size_t shown = 0;
    if (!run->contended)
        return;
    buffer_string(out,
                  "<section id=\"contention\"><h2>Contention</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"Contention table\"><table>\n<thead><tr><th rowspan=\"2\" scope=\"col\">lock, and where "
                  "it is taken</th><th rowspan=\"2\" scope=\"col\">taken</th><th rowspan=\"2\" scope=\"col\">had to "
                  "wait</th><th colspan=\"4\" scope=\"colgroup\">waited for</th><th colspan=\"4\" "
                  "scope=\"colgroup\">held</th></tr>\n<tr>");
    for (size_t i = 0; i < 2; i++) {
        buffer_string(out,
                      "<th class=\"first\" scope=\"col\">total</th><th scope=\"col\">p50</th><th scope=\"col\">p99</th>"
                      "<th scope=\"col\">max</th>");
    }
    buffer_string(out, "</tr></thead>\n<tbody>\n");
    for (const struct contention_lock *lock = run->contended; lock && shown < HTML_LOCKS; lock = lock->next, shown++) {
        buffer_string(out, "<tr class=\"lock\"><th scope=\"row\"><code>");
        add_lock_name(out, lock, escape_xml);
        buffer_string(out, "</code></th>");
        add_cells(out, &lock->numbers);
        for (const struct contention_site *site = contention_places(lock, &pool); site; site = site->next) {
            buffer_string(out, "<tr><th scope=\"row\" class=\"place\">");
            add_place(out, site, escape_xml);
            buffer_string(out, "</th>");
            add_cells(out, &site->numbers);
        }
    }
    buffer_string(out, "</tbody></table></div></section>\n");
    pool_free(&pool);
}

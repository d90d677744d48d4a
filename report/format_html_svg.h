/* format_html_svg.h: what the drawings of a finding in HTML share.
 *
 *   finding --> circle of locks? --> graph (format_html_svg.c), lanes (format_html_lanes.c)
 *           --> data race? --------> lanes
 */
#ifndef LOCKHOUND_REPORT_FORMAT_HTML_SVG_H
#define LOCKHOUND_REPORT_FORMAT_HTML_SVG_H

#include "report/format_html.h"

#define SVG_CIRCLE_MAX 8

struct svg_circle {
    const struct run_finding *finding;
    size_t count;
    const struct run_object *held[SVG_CIRCLE_MAX]; /* by party: the lock that another party wants */
};

/* Begins and ends a figure of this size in pixels; label and caption are our own words. */
void svg_begin(struct buffer *out, int width, int height, const char *label);
void svg_end(struct buffer *out, const char *caption);
/* Adds a name cut to fit; the end of a long one tells more than its beginning: "...[2].lock". */
void svg_add_short(struct buffer *out, const char *name);

bool svg_has_race(const struct run_finding *f);
void svg_add_circle_lanes(struct buffer *out, const struct svg_circle *c);
void svg_add_race_lanes(struct buffer *out, const struct run_finding *f);

#endif

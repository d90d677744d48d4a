/* format_html.h: a report as one self-contained page: no network, readable without scripts, on a phone and in the dark.
 *
 *   html/report.css, html/report.js --CMake--> assets.h --+
 *   finding --> format_html.c (words), format_html_svg.c (graph), format_html_lanes.c (swim-lanes) --+--> one file
 *   all of them --> format_graphs.c --> Graphviz, where it is installed --+
 *
 * Every byte that came from the program goes through escape_xml(); a policy in the page forbids it to load anything.
 */
#ifndef LOCKHOUND_REPORT_FORMAT_HTML_H
#define LOCKHOUND_REPORT_FORMAT_HTML_H

#include "report/symbols.h"

void format_html(struct buffer *out, const struct run *run, const struct symbols *symbols);

/* format_html_svg.c: of a circle of locks the graph, an arrow from each lock held to the one wanted, and the threads' lanes;
 * of a data race the lanes; nothing for another finding. */
void format_html_figures(struct buffer *out, const struct run_finding *finding);

/* format_contention.c: the table of waits and holds; nothing when none were counted. */
void format_html_contention(struct buffer *out, const struct run *run);

#endif

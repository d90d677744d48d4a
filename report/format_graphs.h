/* format_graphs.h: all findings of a report in two graphs, for Graphviz to lay out.
 *
 *   orders   an arrow from a lock that some thread held to the one it wanted: a circle of arrows can block
 *   waits    an arrow from a thread to what it waits for, and from that to the thread that holds it: a circle has blocked
 *
 * Model:  what several findings speak of is one node, and arrows between the same two are one; format_dot.h draws
 *         each finding by itself.
 */
#ifndef LOCKHOUND_REPORT_FORMAT_GRAPHS_H
#define LOCKHOUND_REPORT_FORMAT_GRAPHS_H

#include <stdbool.h>

#include "report/model.h"

/* Adds the graph in DOT.  Returns: false when it has no arrow, or so many nodes that nobody could read it; `out` is
 * then of no use. */
bool format_graph_of_orders(struct buffer *out, const struct run *run);
bool format_graph_of_waits(struct buffer *out, const struct run *run);

#endif

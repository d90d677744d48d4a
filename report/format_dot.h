/* format_dot.h: the locks of a report as a Graphviz graph: an arrow from the lock that a thread holds to the one it wants.
 * A cycle of arrows in one box is the finding. */
#ifndef LOCKHOUND_REPORT_FORMAT_DOT_H
#define LOCKHOUND_REPORT_FORMAT_DOT_H

#include "report/symbols.h"

void format_dot(struct buffer *out, const struct run *run, const struct symbols *symbols);

/* Adds `bytes` inside a quoted string of DOT. */
void dot_add_quoted(struct buffer *out, const char *bytes);
/* Adds a further line inside such a string: function and line of the innermost frame of the user's, if any. */
void dot_add_place(struct buffer *out, const struct run_stack *stack);

#endif

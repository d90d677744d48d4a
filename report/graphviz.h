/* graphviz.h: a drawing by Graphviz's dot, where it is installed. */
#ifndef LOCKHOUND_REPORT_GRAPHVIZ_H
#define LOCKHOUND_REPORT_GRAPHVIZ_H

#include <stdbool.h>

#include "report/memory.h"

/* Adds the <svg> element that `dot` makes of `graph`.  Returns: false when there is no dot, or it failed or took longer than
 * ten seconds; nothing is added then. */
bool graphviz_draw(const struct buffer *graph, struct buffer *out);

#endif

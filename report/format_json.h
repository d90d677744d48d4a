/* format_json.h: a report as one JSON document, described by docs/schema/report.schema.json.
 *
 *   struct run --> {"schema_version", "program", "summary", "findings": [...]}
 *
 * Model:     a finding is complete in itself: its parties, held locks, objects and threads name stacks by their place in
 *            the finding's own "stacks".  Equal stacks are written once.
 * Promise:   members may be added within a schema_version; none changes its meaning or goes.
 */
#ifndef LOCKHOUND_REPORT_FORMAT_JSON_H
#define LOCKHOUND_REPORT_FORMAT_JSON_H

#include "report/symbols.h"

#define REPORT_SCHEMA_VERSION 1

void format_json(struct buffer *out, const struct run *run, const struct symbols *symbols);

#endif

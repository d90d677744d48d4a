/* format_junit.h: a report as JUnit XML, for continuous integration: each run file (a run of a program) is a test case;
 * it fails when an error-level finding was first met in it. */
#ifndef LOCKHOUND_REPORT_FORMAT_JUNIT_H
#define LOCKHOUND_REPORT_FORMAT_JUNIT_H

#include "report/symbols.h"

void format_junit(struct buffer *out, const struct run *run, const struct symbols *symbols);

#endif

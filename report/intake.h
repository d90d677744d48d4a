/* intake.h: the way of a finding through report/: resolved, held against the rules, merged, shown when new.
 *
 *   run_reader --> intake_take --> resolve --> suppressions --+--> merged into the run --> show() when new
 *                                                             +--> let go, counted as suppressed
 */
#ifndef LOCKHOUND_REPORT_INTAKE_H
#define LOCKHOUND_REPORT_INTAKE_H

#include "report/run_reader.h"
#include "report/suppressions.h"
#include "report/symbols.h"

struct intake {
    struct symbols *symbols;
    struct suppressions *rules;
    void (*show)(void *ctx, const struct run_finding *finding); /* or NULL */
    void *ctx;
};

/* A run_take_finding; `ctx` is a struct intake. */
void intake_take(void *ctx, struct run *run, struct run_finding *finding);

#endif

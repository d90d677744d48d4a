#include "report/intake.h"

#include "report/resolve.h"

void intake_take(void *ctx, struct run *run, struct run_finding *finding)
{
    struct intake *intake = ctx;
    finding_resolve(finding, intake->symbols);
    if (suppressions_match(intake->rules, finding)) {
        run->suppressed++;
        finding_free(finding);
    } else if (run_merge_finding(run, finding) && intake->show) {
        intake->show(intake->ctx, finding);
    }
}

/* sharing_report.h: a circle over processes, or the sleep of all of them, from the commons to the run file.
 *
 *   commons --gather (under their lock): stacks, modules, names--> struct shared_finding --send (under none)--> sink
 *
 * The modules of the other processes are announced under this one's pid, with numbers beyond its own.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_REPORT_H
#define LOCKHOUND_PRELOAD_SHARING_REPORT_H

#include <sys/types.h>

#include "detector/commons_rest.h"
#include "detector/finding.h"
#include "preload/text.h"

struct shared_finding;

/* Returns: all that a report of `circle` needs, or NULL without memory.  Context: signal, in-malloc. */
struct shared_finding *sharing_report_gather(struct commons *c, enum finding_kind kind,
                                             const struct commons_circle *circle);
/* Returns: the same of processes that rest, of which `shown` has threads to show.  Context: signal, in-malloc. */
struct shared_finding *sharing_report_gather_rest(struct commons *c, const struct commons_circle *shown,
                                                  const struct commons_rest *rest);
/* Writes and frees it; ends the deadlocked processes when that was asked for.  NULL is nothing.
 * Context: signal, in-malloc, takes(OWN_RANK_SINK). */
void sharing_report_send(struct shared_finding *finding);

/* Appends the records of its modules, then its own.  Returns: where in `text` its own begins.
 * Context: holds(OWN_RANK_SINK). */
size_t sharing_report_record(struct text *text, pid_t pid, const struct shared_finding *finding);

#endif

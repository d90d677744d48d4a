/* format_sarif.h: a report as SARIF 2.1.0, for code scanners and editors.
 *
 *   kind of finding -> rule        finding -> result at its innermost user frame
 *   party -> threadFlow: taken lock by lock, then the call        fingerprint -> partialFingerprints
 *
 * Source:    OASIS, Static Analysis Results Interchange Format 2.1.0 plus errata 01.
 */
#ifndef LOCKHOUND_REPORT_FORMAT_SARIF_H
#define LOCKHOUND_REPORT_FORMAT_SARIF_H

#include "report/symbols.h"

void format_sarif(struct buffer *out, const struct run *run, const struct symbols *symbols);

#endif

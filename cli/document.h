/* document.h: a report as its JSON document, whether the file is one or is a run file that must be rendered first.
 *
 *   run file --report/--> JSON --+
 *   JSON report -----------------+--> findings[] for check and suppress
 *   baseline --------------------+
 */
#ifndef LOCKHOUND_CLI_DOCUMENT_H
#define LOCKHOUND_CLI_DOCUMENT_H

#include <jansson.h>

#include "cli/command.h"

/* Returns: the document, or NULL after a complaint.  Each element of its "findings" has string members "fingerprint",
 * "kind" and "message".  Owns: the caller. */
json_t *document_load(const char *path, const struct settings *settings);
/* Returns: a string member, or "". */
const char *document_string(const json_t *object, const char *key);

#endif

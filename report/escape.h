/* escape.h: what strangers wrote (paths, thread names, symbols), made safe to show.
 *
 *   bytes --> valid UTF-8? printable? --> kept
 *                      |
 *                      +-- no ----------> \xNN, \u{NNNN}
 *
 * Why: a thread may be called "\033]0;..." and a path need not be UTF-8.  A terminal must not obey what a program
 * was named, and JSON must stay valid.  C1 controls and the marks that reverse the direction of text count as
 * controls: they can make a line show something else than what it says.
 */
#ifndef LOCKHOUND_REPORT_ESCAPE_H
#define LOCKHOUND_REPORT_ESCAPE_H

#include "report/memory.h"

/* Adds `bytes` for a terminal or a text file: one line, no control characters, valid UTF-8. */
void escape_text(struct buffer *out, const char *bytes);
/* Adds `bytes` as valid UTF-8; the control characters below a blank stay, for a
 * format that escapes those itself (JSON). */
void escape_utf8(struct buffer *out, const char *bytes);
/* Adds `bytes` as XML or HTML text or attribute value. */
void escape_xml(struct buffer *out, const char *bytes);

#endif

/* format_text.h: findings and the summary for a person at a terminal.
 *
 *   finding --> the sentence
 *               each thread's side: what it holds, taken where, and what it wants, where
 *               the objects, the threads' creation
 *               what usually mends it, fingerprint
 *
 * A usual finding fits one screen: the frames of libc, lockhound and thread start are folded, long stacks and crowds of
 * threads are cut and the cut is said (JSON has all of it).
 */
#ifndef LOCKHOUND_REPORT_FORMAT_TEXT_H
#define LOCKHOUND_REPORT_FORMAT_TEXT_H

#include "report/source.h"
#include "report/suppressions.h"
#include "report/symbols.h"

struct text_style {
    bool has_colour;
    struct source_cache *sources; /* or NULL: no lines of source are shown */
};

void format_text_finding(struct buffer *out, const struct run_finding *finding, const struct text_style *style);
/* What was covered, what was lost, what could not be read.  `rules` may be NULL. */
void format_text_summary(struct buffer *out, const struct run *run, const struct symbols *symbols,
                         const struct suppressions *rules, const struct text_style *style);
/* format_lanes.c: adds the swim-lane of a circle of locks or a data race; nothing for other findings. */
void format_text_lanes(struct buffer *out, const struct run_finding *finding);
/* format_contention.c: the table of waits and holds: the heaviest locks, or with `is_whole` all of them. */
void format_text_contention(struct buffer *out, const struct run *run, const struct text_style *style, bool is_whole);
/* Returns: true when text written to `fd` may have colour: a terminal, and the user did not set NO_COLOR. */
bool text_wants_colour(int fd);

#endif

/* format_live.h: a live state as a picture: each thread, what it holds, what it waits for, and who has that. */
#ifndef LOCKHOUND_REPORT_FORMAT_LIVE_H
#define LOCKHOUND_REPORT_FORMAT_LIVE_H

#include "report/model.h"

/* `doing` says in words what a thread does that waits for nothing lockhound knows; its text is used at once. */
void format_text_live(struct buffer *out, const struct run_finding *state,
                      const char *(*doing)(int64_t pid, int64_t tid));

#endif

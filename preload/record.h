/* record.h: turns what happened into the lines of a run file (run_file.h).
 *
 * Context of all: holds(OWN_RANK_SINK).  (A module's first mention writes its record before.)
 */
#ifndef LOCKHOUND_PRELOAD_RECORD_H
#define LOCKHOUND_PRELOAD_RECORD_H

#include <sys/types.h>

#include "detector/race.h"
#include "preload/text.h"

void record_process(struct text *text, pid_t pid, pid_t ppid, bool forked);
/* Appends the records of modules not yet announced, then the finding.  Returns: where in `text` the finding begins. */
size_t record_finding(struct text *text, pid_t pid, const struct finding *finding);
/* The same form for detector_live(): a record of its own kind. */
void record_live_state(struct text *text, pid_t pid, const struct finding *finding);
struct contention_lock;
/* Appends what contention.c counted of one lock, and counts it anew. */
void record_contention(struct text *text, pid_t pid, struct contention_lock *lock);
void record_note(struct text *text, pid_t pid, const char *code, const char *note);

struct run_counts {
    struct detector_counts detector;
    struct race_counts races; /* zero unless woven */
    uint64_t untraced;        /* accesses beyond --trace-accesses */
    uint64_t events;          /* calls seen */
    uint64_t handlers_unseen; /* signal handlers that interrupted ourselves: what they did was not seen */
    uint64_t stacks, memory_bytes;
};
void record_summary(struct text *text, pid_t pid, const char *reason, const struct run_counts *counts);
/* In a forked child every module is to be announced again, under its pid.  Context: fork-child. */
void record_forget_modules(void);

#endif

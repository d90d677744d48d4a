/* sink.h: where findings go: one append of one record, at once, so that a program that is killed has lost nothing.
 *
 *   host->report --> record.c (JSON line) --> run_output_append --> run file --> followed by the command, or printed by it
 *
 * The run file is `output=FILE`; without one it is anonymous memory, and the command is started to print each finding.
 * Our descriptor is moved high and close-on-exec; before each write it is checked to be still ours, for a program may
 * close every descriptor it does not know.
 *
 * Threads:   OWN_RANK_SINK around each record.
 */
#ifndef LOCKHOUND_PRELOAD_SINK_H
#define LOCKHOUND_PRELOAD_SINK_H

#include "detector/finding.h"

struct text;

/* The run file's name and its first record.  Context: early. */
void sink_init(void);
/* Delivers a finding and does what `on-deadlock` says.  Context: may-block, takes(OWN_RANK_SINK). */
void sink_finding(const struct finding *finding);
struct shared_finding;
/* Delivers one over several processes, whose sharing_report.c ends them itself.
 * Context: may-block, takes(OWN_RANK_SINK). */
void sink_shared_finding(enum finding_kind kind, const struct shared_finding *finding);
/* Returns: true when `on-deadlock` says that a program in such a deadlock is to end.  Context: signal, in-malloc. */
bool sink_ends_program(bool certain_hang);
/* Ends this process as `on-deadlock` says, or not at all.  Context: late. */
void sink_end_program(void);
/* No thread can ever run again, for a reason that was reported before: what `on-deadlock` says.  Context: may-block. */
void sink_hung(void);
/* A limit met, said once a process for each code.  Context: signal, takes(OWN_RANK_SINK). */
void sink_note(const char *code, const char *text);
/* What all threads hold and wait for, as one record.  Context: fork-child, takes(OWN_RANK_SINK). */
void sink_live_state(void);
/* The counts so far, since the fork where there was one, and why they are written now: "exit", "exec".  Context: late, takes(OWN_RANK_SINK). */
void summary_write(const char *reason);
/* This process is the child of a fork.  Context: fork-child. */
void sink_fork_child(void);
/* What was counted up to now is the parent's, in whose memory it was: the detector is that of the child by now.
 * Context: fork-child, takes(OWN_RANK_SELVES). */
void summary_fork_child(void);
/* One line on stderr that begins with "lockhound: ".  Context: early, signal. */
void sink_complain(const char *what, const char *detail, size_t detail_length);

#endif

/* predict.h: data races that a trace allows, also where the schedule that it was recorded from hid them.
 *
 *   event --predict_event()--> [steps of each thread, accesses of each place] --predict_run()--> pairs --ideal--> race
 *
 * Model:     a race is a pair of conflicting accesses for which some other schedule of the same events ends with both about
 *            to happen.  Such schedules keep the order of critical sections that they have in common with the trace, and
 *            each read sees the write that it saw: what was done up to there depends on nothing else.
 * Certainty: what the trace does not say (a try that failed, a time that ran out) counts for nothing.  Objects other than
 *            locks order as they did: a post, signal, arrival or atomic store comes before whoever met it later.
 * Left out:  places that any access uses atomically; what happens to memory before it is freed and after.
 * Memory:    libc's, some 60 bytes an event, but for the tables.
 * Source:    Mathur, Pavlogiannis, Viswanathan, Optimal Prediction of Synchronization-Preserving Races, POPL 2021.
 */
#ifndef LOCKHOUND_DETECTOR_OFFLINE_PREDICT_H
#define LOCKHOUND_DETECTOR_OFFLINE_PREDICT_H

#include "detector/event.h"

struct predict;

struct predicted_access {
    uint32_t thread; /* label */
    bool is_write;
    struct stack_id at;
    const struct held_lock *held; /* their addresses and stacks alone are set */
    size_t held_count;
};

/* The access that is later in the trace comes first. */
struct predicted_race {
    struct predicted_access sides[2];
    uint64_t address; /* of the first byte that both touch */
};

/* Valid during the call only. */
typedef void predicted_race_visit(void *ctx, const struct predicted_race *race);

/* The tables take memory of `host`.  Returns: NULL when there is none. */
struct predict *predict_new(const struct detector_host *host);
/* Nothing for NULL. */
void predict_delete(struct predict *predict);

/* The next event of the trace.  Returns: false when there is no memory: then predict_run() must not be called. */
bool predict_event(struct predict *predict, const struct event *event);

/* Visits one race at most for each two threads, way (two writes, write and read, read and write) and eight bytes, and for each
 * pair of sites.  Returns: false when there is no memory, or the pairs took too long: more may race. */
bool predict_run(struct predict *predict, predicted_race_visit *visit, void *ctx);

#endif

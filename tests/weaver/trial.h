/* trial.h: one stretch of a real function, run as it is and as its clone from the same random state, and compared.
 *
 *   seed --> registers, flags, vectors, data, stack --run--> [stop, stop, ...] --compare--> NULL, or what differs
 *
 * Stops:   where the function calls, the callee is made up; where it faults, the operand is led into the sandbox, or the
 *          instruction is left out; both the same way in both runs.  Each stop compares what the program can see there:
 *          the original pc, the fault's address, all live registers and flags, the vector registers.  At the end memory.
 * Model:   dead registers may differ (liveness.h), and so may what lies below the red zone.
 */
#ifndef LOCKHOUND_TESTS_TRIAL_H
#define LOCKHOUND_TESTS_TRIAL_H

#include "stage.h"

struct trial_count {
    uint64_t trials, stops, calls, timeouts;
};

/* Tries the staged function from the instruction `first` on.  Returns: NULL when the runs are the same, or what differs;
 * `text` then says more. */
const char *trial_run(struct stage *stage, size_t first, uint64_t seed, struct trial_count *count, char *text,
                      size_t size);

#endif

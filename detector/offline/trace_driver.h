/* trace_driver.h: runs a trace through all engines, outside any live process.
 *
 *   text --trace_read--> record --trace_names--> event --event_apply--> engines --finding--> one line of output
 *                                                     \--[predict.h, at the end]--race--/
 *
 * Model:     the order of the lines is the order of events; a line that cannot be read is reported and left out.
 * Output:    a finding is one line of key=value pairs apart by blanks:
 *              kind=lock-order-inversion form=none certain=no roles=requests,requests threads=T2,T1 locks=a,b
 *              sites=6,2 held=b@5;a@1 detail=a cycle of 2 locks
 *            Lists go by party, the one whose call revealed it first; `held` has lock@site, + between locks, ; between
 *            parties; "-" stands for nothing; `detail` is last and runs to the end of the line.
 * Threads:   one at a time may use one driver; there is no global state.
 * Memory:    libc's; this folder is the one place of detector/ that may use it.
 */
#ifndef LOCKHOUND_DETECTOR_OFFLINE_TRACE_DRIVER_H
#define LOCKHOUND_DETECTOR_OFFLINE_TRACE_DRIVER_H

#include "detector/detector.h"

enum trace_output_kind { TRACE_OUTPUT_FINDING, TRACE_OUTPUT_ERROR };

/* Takes one line, without a newline, valid during the call only.  Errors read "LINE:COLUMN: message". */
typedef void trace_output(void *ctx, enum trace_output_kind kind, const char *line);

struct trace_summary {
    uint64_t events;  /* applied */
    uint64_t ignored; /* of no interest to the engines for locks, such as reads and writes */
    uint64_t errors;  /* lines that could not be read or applied */
    uint64_t findings;
    bool is_cut_short; /* the search for races was: there may be more */
    struct detector_counts counts;
};

enum trace_outcome {
    TRACE_COMPLETE,
    TRACE_HAD_ERRORS,   /* some lines were left out */
    TRACE_OUT_OF_MEMORY /* stopped early */
};

/* Runs the trace of `length` bytes at `text`.  `options` NULL for the defaults. */
enum trace_outcome trace_driver_run(const char *text, size_t length, const struct detector_options *options,
                                    trace_output *output, void *ctx, struct trace_summary *summary);

#endif

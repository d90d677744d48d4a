/* run_reader.h: reads a run file line by line, also while it is still being written.
 *
 *   FILE --read()--> [buffer] --whole lines--> run_decode_line() --> run_take_finding (the caller) / struct run
 *                        |
 *                        +-- torn, foreign, oversized --> run_add_problem(file, offset), next line
 *
 * Model:     a line is a record; what is wrong with one says nothing about its neighbours.  A writer that was killed
 *            in mid-record leaves a torn one that the next writer's record follows on the same line: the reader looks
 *            for a record's beginning inside a bad line, so that only the torn one is lost.
 * Limits:    a line of up to 64 MiB; longer ones are skipped without being kept.
 * Source:    preload/run_file.h for the format.
 */
#ifndef LOCKHOUND_REPORT_RUN_READER_H
#define LOCKHOUND_REPORT_RUN_READER_H

#include "report/model.h"

/* What to do with a finding just decoded.  Owns: the callee takes `finding` over. */
typedef void run_take_finding(void *ctx, struct run *run, struct run_finding *finding);

struct run_reader {
    const char *path;
    int fd;
    uint64_t offset; /* in the file, of the first byte of `pending` */
    struct buffer pending;
    size_t scanned;   /* bytes of `pending` known to hold no line end */
    bool is_skipping; /* inside a line past the limit */
    struct run *run;
    run_take_finding *take_finding;
    run_take_finding *take_earlier; /* of those before a window; NULL to pass over them */
    run_take_finding *take_state;   /* of live states, which have a finding's form; NULL to pass over them */
    void *ctx;
};

/* Returns: 0, or a negative errno when `path` cannot be opened or is a directory.  `path` and `run` must outlive the
 * reader. */
int run_reader_open(struct run_reader *reader, const char *path, struct run *run, run_take_finding *take, void *ctx);
/* Reads all that is there now.  Returns: 0, or a negative errno; call it again when the file has grown. */
int run_reader_poll(struct run_reader *reader);
/* Reads all up to the byte `end`; a finding that begins before `begin` is one for take_earlier. */
int run_reader_window(struct run_reader *reader, uint64_t begin, uint64_t end);
/* No more will come: an unfinished last line becomes a problem.  Closes the file. */
void run_reader_close(struct run_reader *reader);

/* run_decode.c: decodes one line into reader->run; what is wrong becomes a problem at `offset`.
 * Returns: true when it was a record. */
bool run_decode_line(struct run_reader *reader, const char *line, size_t length, uint64_t offset);

#endif

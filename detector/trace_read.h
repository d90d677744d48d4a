/* trace_read.h: reads the text of a trace, line by line: the STD format and our extensions (docs/trace-format.md).
 *
 *   "T1|acq(l,shared)|f.c:7\n" --trace_read_next()--> {kind, flags, thread "T1", object "l", site "f.c:7"}
 *
 * Model:     names stay slices of the text; trace_names.h gives them numbers.
 * Strict:    an unknown operation, operand or word is an error with line and column; the reader then stands at the next
 *            line, so that a caller may report every error of a file.
 * Memory:    none; no recursion; any bytes may be in the text.
 */
#ifndef LOCKHOUND_DETECTOR_TRACE_READ_H
#define LOCKHOUND_DETECTOR_TRACE_READ_H

#include "detector/event.h"

struct trace_slice {
    const char *text;
    size_t length;
};

struct trace_record {
    enum event_kind kind;
    uint32_t flags;
    struct trace_slice thread;
    struct trace_slice target; /* OPERAND_THREAD */
    struct trace_slice object; /* OPERAND_OBJECT...; empty when an OPERAND_ANYTHING was left out */
    struct trace_slice mutex;
    struct trace_slice site; /* empty when left out */
    uint64_t number;         /* OPERAND_NUMBER */
    uint64_t size;
    uint32_t count;
    enum object_kind object_kind;
    enum event_order order;
};

struct trace_error {
    size_t line, column; /* from 1 */
    const char *message; /* static; says what is wrong and what would be right */
};

struct trace_reader {
    const char *text;
    size_t length;
    size_t offset; /* of the next line */
    size_t line;   /* number of the line read last */
};

enum trace_status { TRACE_RECORD, TRACE_END, TRACE_ERROR };

void trace_reader_init(struct trace_reader *reader, const char *text, size_t length);
/* Reads up to the next line that says something.  Returns: TRACE_RECORD with *record set, TRACE_ERROR with *error set,
 * or TRACE_END. */
enum trace_status trace_read_next(struct trace_reader *reader, struct trace_record *record, struct trace_error *error);

#endif

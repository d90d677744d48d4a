/* trace_names.h: gives the names of a trace numbers, and numbers their names back.
 *
 *   trace_record (slices) --trace_names_resolve()--> struct event (labels, addresses, sites)
 *   finding (labels, addresses, sites) --trace_names_*()--> text
 *
 * Model:     T<n> is label n and 0x<hex> is that address, so that what trace_write.c wrote keeps its numbers; every other
 *            name is numbered when it is first met.
 * Memory:    from the host; names are slices of the trace, whose text must outlive them.
 */
#ifndef LOCKHOUND_DETECTOR_OFFLINE_TRACE_NAMES_H
#define LOCKHOUND_DETECTOR_OFFLINE_TRACE_NAMES_H

#include "detector/hash_table.h"
#include "detector/trace_read.h"

struct trace_names {
    const struct detector_host *host;
    struct hash_table by_text;
    struct trace_slice *texts; /* by number - 1 */
    size_t count, capacity;
};

/* Units: bytes that hold any number as text, with a zero at the end. */
#define TRACE_NAME_MAX 24

void trace_names_init(struct trace_names *names, const struct detector_host *host);
void trace_names_release(struct trace_names *names);

/* Returns: false when there is no memory. */
bool trace_names_resolve(struct trace_names *names, const struct trace_record *record, struct event *event);

/* Each returns the name as it stood in the trace, or as `buffer` spells the number. */
struct trace_slice trace_names_thread(const struct trace_names *names, uint32_t label, char buffer[TRACE_NAME_MAX]);
struct trace_slice trace_names_object(const struct trace_names *names, uint64_t address, char buffer[TRACE_NAME_MAX]);
struct trace_slice trace_names_site(const struct trace_names *names, struct stack_id site);

#endif

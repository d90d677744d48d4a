/* outsiders.h: whether a process outside of a set could wake one in it.
 *
 *   /proc: every process but the members --> maps the memory? has a descriptor of it?
 *
 * Invariant: any doubt is a yes.  A process whose files may not be looked at counts as one of doubt when it is of the same
 *            session: whoever shares the memory has it from one of the members, or from whom they have it.
 * Cost:      a pass over all processes, for a hang that nothing else speaks against.
 */
#ifndef LOCKHOUND_PRELOAD_OUTSIDERS_H
#define LOCKHOUND_PRELOAD_OUTSIDERS_H

#include "preload/mapping.h"

struct outsiders {
    const pid_t *members; /* the set */
    size_t member_count;
    const struct file_identity *files; /* the memory in which they wait */
    size_t file_count;
};

/* Context: signal, in-malloc, may-block. */
bool outsiders_may_act(const struct outsiders *o);

#endif

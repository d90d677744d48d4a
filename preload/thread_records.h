/* thread_records.h: what a report says of a thread, by its number, also after it has ended.
 *
 * Threads:   OWN_RANK_SELVES.
 * Memory:    a ring of the newest THREAD_RECORDS_MAX threads; older ones become a number without a name.
 */
#ifndef LOCKHOUND_PRELOAD_THREAD_RECORDS_H
#define LOCKHOUND_PRELOAD_THREAD_RECORDS_H

#include <sys/types.h>

#include "detector/ids.h"

enum { THREAD_NAME_SIZE = 16, THREAD_RECORDS_MAX = 1 << 16 };

struct thread_record {
    struct thread_id id, creator;
    struct stack_id created_at;
    pid_t tid;
    char name[THREAD_NAME_SIZE]; /* "" when the program gave it none */
};

/* Context of all: signal, takes(OWN_RANK_SELVES). */
void thread_records_add(const struct thread_record *record);
void thread_records_set_tid(struct thread_id id, pid_t tid);
void thread_records_set_name(struct thread_id id, const char *name);
/* Asks the kernel for the name, which the program may have set by prctl(). */
void thread_records_read_name(struct thread_id id, pid_t tid);
/* Returns: false when nothing is known (any more) of that thread. */
bool thread_records_get(struct thread_id id, struct thread_record *record);

#endif

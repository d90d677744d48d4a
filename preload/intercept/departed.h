/* departed.h: handles of threads that were joined, or ended detached, and may be named once more by mistake.
 *
 * Model:     a ring of the newest DEPARTED_MAX; libc gives a handle to a new thread again, which is then known by the
 *            registry and looked up there first.
 * Threads:   OWN_RANK_SELVES.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_DEPARTED_H
#define LOCKHOUND_PRELOAD_INTERCEPT_DEPARTED_H

#include <pthread.h>

#include "detector/ids.h"

enum { DEPARTED_MAX = 256 };

struct departed {
    pthread_t handle;
    struct thread_past past;
};

/* Context of both: signal, takes(OWN_RANK_SELVES). */
void departed_note(pthread_t handle, const struct thread_past *past);
bool departed_find(pthread_t handle, struct departed *found);

#endif

/* race_host.h: what the race engine asks of this process: address space, and stacks of accesses now and before. */
#ifndef LOCKHOUND_PRELOAD_WEAVE_RACE_HOST_H
#define LOCKHOUND_PRELOAD_WEAVE_RACE_HOST_H

#include "detector/race.h"

/* Its functions are called with a plane of the calling thread's own. */
extern const struct race_host race_host;

#endif

/* live.h: what every living thread holds and waits for, at this moment. */
#ifndef LOCKHOUND_DETECTOR_LIVE_H
#define LOCKHOUND_DETECTOR_LIVE_H

#include "detector/detector.h"

/* Calls `visit` with one party a thread: PARTY_WAITS with what it waits for, PARTY_ACTS when it waits for nothing that
 * the detector knows; each with what it holds.  The kind means nothing.  Takes no rank but the host's of memory. */
void detector_live(struct detector *d, void (*visit)(void *ctx, const struct finding *finding), void *ctx);

#endif

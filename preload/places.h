/* places.h: what kind of memory an address is in, by /proc/self/maps; for reports only. */
#ifndef LOCKHOUND_PRELOAD_PLACES_H
#define LOCKHOUND_PRELOAD_PLACES_H

#include "preload/text.h"

/* Appends the WHERE of run_file.h for `address`.  Context: signal, in-malloc, takes(OWN_RANK_SELVES). */
void place_describe(struct text *text, uint64_t address);

#endif

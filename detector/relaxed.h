/* relaxed.h: loads and stores of words that one thread writes and others may read at any time.
 *
 * They cost what plain ones do.  What such a reader sees may be old; it must be harmless, or be confirmed by a sequence
 * number that was read before and after (see registry.h).
 */
#ifndef LOCKHOUND_DETECTOR_RELAXED_H
#define LOCKHOUND_DETECTOR_RELAXED_H

#include <stdatomic.h>

#define relaxed_load(place)         atomic_load_explicit((place), memory_order_relaxed)
#define relaxed_store(place, value) atomic_store_explicit((place), (value), memory_order_relaxed)

/* One more, in a word that no other thread writes. */
#define relaxed_count(place) relaxed_store((place), relaxed_load(place) + 1)

#endif

/* woven_prune.h: keeps the folder of woven images within a size: what was used longest ago goes first.
 *
 *   folder --size, last use--> [images] --over LOCKHOUND_CACHE_SIZE--> oldest removed
 *
 * Last use:  the later of st_atime and st_mtime.  A mount without access times counts from when the image was made.
 * In use:    an image that is mapped somewhere is safe to remove: its pages stay with who has them.
 */
#ifndef LOCKHOUND_CLI_WOVEN_PRUNE_H
#define LOCKHOUND_CLI_WOVEN_PRUNE_H

#include <stdint.h>
#include <time.h>

/* Returns: the limit that LOCKHOUND_CACHE_SIZE sets (a number with K, M, G or T; 0: none), else 4 GiB; also after a complaint.
 * Units: bytes. */
uint64_t woven_prune_limit(void);

/* Removes images of the folder until the rest are no larger than `limit` together; none that was used since `start`.
 * A folder that cannot be read is left as it is.  Units: bytes. */
void woven_prune(const char *folder, uint64_t limit, time_t start);

#endif

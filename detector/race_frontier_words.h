/* race_frontier_words.h: what stands in a frontier, for race_frontier.c, race_frontier_chunk.c and race_shared.h.
 *
 * Each word is a slot << FRONTIER_SLOT_SHIFT | epoch, of which 0 is seen by all, or a value with no slot of those.
 */
#ifndef LOCKHOUND_DETECTOR_RACE_FRONTIER_WORDS_H
#define LOCKHOUND_DETECTOR_RACE_FRONTIER_WORDS_H

#include "detector/race_frontier.h"
#include "detector/race_generation.h"

enum {
    FRONTIER_PLACES = RACE_CHUNK_BYTES / RACE_FRONTIER_BYTES, /* of a chunk */
    FRONTIER_SLOT_SHIFT = 48,
    FRONTIER_NO_SLOT = RACE_SLOTS - 1
};
#define FRONTIER_NONE      (UINT64_MAX - 1) /* they are not ordered, or not known to be */
#define FRONTIER_BEGINNING (UINT64_MAX - 2) /* what the owner did is not looked up yet */

/* At one moment. */
struct frontier_words {
    uint64_t latest, written;
};

/* Both words, perhaps of two moments: frontier_exchange() finds that out. */
static inline struct frontier_words frontier_load(const struct race_frontier *frontier)
{
    return (struct frontier_words){relaxed_load(&frontier->latest), relaxed_load(&frontier->written)};
}

/* Both words at once; seq_cst.  Returns: false when there is something else than `*before`, which is there then. */
static inline bool frontier_exchange(struct race_frontier *frontier, struct frontier_words *before, uint64_t latest,
                                     uint64_t written)
{
    bool is_done;
    __asm__ volatile("lock cmpxchg16b %[frontier]"
                     : "=@ccz"(is_done), [frontier] "+m"(*frontier), "+a"(before->latest), "+d"(before->written)
                     : "b"(latest), "c"(written)
                     : "memory");
    return is_done;
}

/* For a reader that leaves none.  Returns: whether the words are still those, behind a fence for its own tags. */
static inline bool frontier_stays(const struct race_frontier *frontier, struct frontier_words *before)
{
    /* seq_cst: the own tags come before; partner: frontier_exchange() of a writer */
    atomic_thread_fence(memory_order_seq_cst);
    struct frontier_words now = frontier_load(frontier), then = *before;
    *before = now;
    return now.latest == then.latest && now.written == then.written;
}

static inline uint64_t frontier_stamp(uint32_t slot, uint64_t epoch)
{
    return slot < FRONTIER_NO_SLOT ? (uint64_t)slot << FRONTIER_SLOT_SHIFT | epoch : FRONTIER_NONE;
}

static inline bool frontier_is_known(uint64_t frontier)
{
    return frontier >> FRONTIER_SLOT_SHIFT < FRONTIER_NO_SLOT;
}

static inline __attribute__((always_inline)) bool frontier_is_seen(const struct thread_clock *clock, uint64_t frontier)
{
    return frontier_is_known(frontier) && thread_clock_has_seen(clock, (uint32_t)(frontier >> FRONTIER_SLOT_SHIFT),
                                                                frontier & ((UINT64_C(1) << FRONTIER_SLOT_SHIFT) - 1));
}

/* Returns: how a place was passed where that stood before. */
static inline enum race_passing frontier_passed(const struct thread_clock *clock, const struct frontier_words *before)
{
    return before->latest >> FRONTIER_SLOT_SHIFT == clock->slot ? RACE_PASSED_OWN : RACE_PASSED;
}

/* Returns: the frontier of what `part` did in the generation: whoever has seen that has seen what that thread had seen of others; of
 * none, 0, there is nothing to see. */
static inline uint64_t frontier_of(const struct race_part *part, uint8_t generation)
{
    return generation == 0 ? 0
                           : frontier_stamp(relaxed_load(&part->generation[generation].slot),
                                            race_generation_end(part, generation));
}

static inline uint8_t highest_generation(uint64_t tags)
{
    uint8_t highest = 0;
    for (; tags != 0; tags >>= 8)
        highest = (uint8_t)tags > highest ? (uint8_t)tags : highest;
    return highest >> 1;
}

/* Returns: the latest generation of the tags of a place. */
static inline uint8_t frontier_latest_in(const uint8_t *at)
{
    uint8_t first = highest_generation(bytes_load(at)), second = highest_generation(bytes_load(at + 8));
    return first > second ? first : second;
}

#endif

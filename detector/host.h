/* host.h: what the detector asks of whoever drives it.
 *
 *   preload/ (a live process)  --+
 *                                +--> struct detector_host --> the engines
 *   trace driver, unit tests   --+
 *
 * The detector has no pthread, no libc allocation and no I/O of its own; memory, mutual exclusion and reports
 * come through this table.  A single-threaded driver may leave `enter`, `leave` and `reader_*` empty functions.
 */
#ifndef LOCKHOUND_DETECTOR_HOST_H
#define LOCKHOUND_DETECTOR_HOST_H

#include "detector/ids.h"

struct finding;

/* The detector's locks, in the order in which they may be nested: a holder takes only higher ranks. */
enum rank {
    RANK_REGISTRY,    /* the list of live threads */
    RANK_ORDER_GRAPH, /* lock-order nodes, edges and dependencies */
    RANK_OBJECTS,     /* address -> object, insertion and removal (look-ups take nothing) */
    RANK_CLOCKS,      /* pool of clock snapshots shared by threads */
    RANK_COUNT
};

struct detector_host {
    void *ctx;

    /* Returns: `size` zeroed bytes aligned to 64, or NULL when the memory budget is spent.  Context: takes no rank. */
    void *(*alloc)(void *ctx, size_t size);
    /* Gives back memory from alloc(); `size` as it was then. */
    void (*free)(void *ctx, void *memory, size_t size);

    /* Mutual exclusion between threads of the host.  Never held across report(). */
    void (*enter)(void *ctx, enum rank rank);
    void (*leave)(void *ctx, enum rank rank);

    /* Delivers a finding, with no rank held.  The finding and all it points to are valid during the call only. */
    void (*report)(void *ctx, const struct finding *finding);

    /* Monotonic time.  Units: ns.  Called only for opt-in checks and contended waits. */
    uint64_t (*now_ns)(void *ctx);

    /* Second opinion before "no thread can ever run again" is claimed: true when the operating system agrees that
     * every thread of the process but the caller is known to the detector and asleep.  May take some 400 ms, and 2 s when
     * several threads ask at once.  A driver without an operating system returns true. */
    bool (*all_asleep)(void *ctx);

    /* The following may be NULL. */

    /* Returns: true when another process may have the memory at `place` as well.  NULL: none has.  Asked about futex words,
     * before "no thread can ever run again" is claimed. */
    bool (*memory_is_shared)(void *ctx, const void *place);

    /* Returns: true when a timer will send the process a signal, of which the handler may end what it waits for. */
    bool (*alarm_is_set)(void *ctx);
    /* Returns: the signals that the calling thread blocks now, SIGNAL_BIT(number) of each; those of faults, which do not come at just
     * any time, among them.  Asked for locks that handlers want as well; NULL means that every signal is blocked. */
    uint64_t (*signals_blocked)(void *ctx);
    /* No thread can ever run again, because of a deadlock that was reported before with certain_hang false: what a
     * finding with certain_hang says, without another finding.  No rank is held. */
    void (*hung)(void *ctx);
    /* The calling thread is about to sleep, and every thread of the process then does; some, this one perhaps, for what
     * another process could do.  No rank is held. */
    void (*asleep_for_others)(void *ctx);
};

#endif

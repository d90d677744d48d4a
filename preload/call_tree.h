/* call_tree.h: the calling context tree: each distinct chain of callers is one node, which has a number.
 *
 *   frame, node of its caller --call_tree_add()--> [interning.h] --> node --call_tree_frames()--> frames, innermost first
 *
 * Model:     chains that share their outer frames share those nodes, so that a call deeper costs one node, whatever lies
 *            outside.  Node 0 has no frame: what is outside is not known, or there is nothing.
 * Recursion: takes a node for each of its rounds, and for each order of its calls, until there are CALL_TREE_MANY nodes.  From
 *            then on a call from a place that the chain has been at CALL_TREE_ROUNDS times lately is taken for the latest of these,
 *            and of CALL_TREE_FOLDS nodes on it is so where the chain has been once: of a recursion's rounds one is left, and the
 *            number of nodes has a bound that the program's text gives.
 * Threads:   shared by all; as interning.h.
 * Memory:    from the arena, one node for each distinct chain.
 * Source:    Ammons, Ball and Larus, "Exploiting hardware performance counters with flow and context sensitive
 *            profiling", PLDI 1997.
 */
#ifndef LOCKHOUND_PRELOAD_CALL_TREE_H
#define LOCKHOUND_PRELOAD_CALL_TREE_H

#include "preload/stacks.h"

enum { CALL_TREE_OFTEN = 8, CALL_TREE_LATELY = 32, CALL_TREE_ROUNDS = 4 };
#ifndef CALL_TREE_FOLDS /* a test of other things may have both larger */
#define CALL_TREE_FOLDS (UINT32_C(1) << 16)
#define CALL_TREE_MANY  (UINT32_C(1) << 12)
#endif

/* Returns: the node of `frame`, called from what `caller` is the node of; 0 when there is no memory.
 * Context: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS). */
uint32_t call_tree_add(uint32_t caller, struct frame frame);

/* Writes the frames of `node`, innermost first, `most` at most.  Returns: how many.
 * Context: signal, in-malloc, loader-lock. */
uint32_t call_tree_frames(uint32_t node, struct frame *frames, uint32_t most);

/* Returns: the number in stacks.h of the innermost `most` frames, which is looked up once: `most` is the same in every call; 0 for
 * node 0 and when there is no memory.  Context: signal, in-malloc, loader-lock, takes(OWN_RANK_STACKS). */
struct stack_id call_tree_stack(uint32_t node, uint32_t most);

/* Counts a visit.  Returns: true at every CALL_TREE_OFTEN-th: the chain is worth a faster way.  Context: signal, in-malloc, loader-lock. */
bool call_tree_is_often_met(uint32_t node);
/* There is no faster way: it is never worth one again.  Context: signal, in-malloc, loader-lock. */
void call_tree_leave(uint32_t node);

#endif

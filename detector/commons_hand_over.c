/* commons_hand_over.c: what a process has heard of the others by posts, signals and barriers between them.
 *
 *   A --commons_sent()--> [identity: of whom, until when] --commons_heard()--> B     until when B has heard of A, and of
 *                                                                                    whomever A had heard of
 *
 * Model:     a vector of times, one for 64 processes in turn.  Processes whose numbers are equal modulo 64 share a time, and so
 *            do all threads of a process and all hand-overs by one object: more is taken for ordered than is, never less.
 * Threads:   no lock: times only grow, each by a compare-and-swap.
 */
#include <stdatomic.h>

#include "detector/commons_block.h"
#include "detector/relaxed.h"

static void raise_to(_Atomic uint64_t *time_ns, uint64_t to_ns)
{
    uint64_t seen = relaxed_load(time_ns);
    /* relaxed: the hand-over itself orders whoever sends before whoever hears */
    while (seen < to_ns &&
           !atomic_compare_exchange_weak_explicit(time_ns, &seen, to_ns, memory_order_relaxed, memory_order_relaxed))
        ;
}

static void join_hearsay(struct hearsay *to, const struct hearsay *from)
{
    for (uint32_t i = 0; i < COMMONS_HEARSAY; i++) {
        uint64_t until_ns = relaxed_load(&from->until_ns[i]);
        if (until_ns != 0)
            raise_to(&to->until_ns[i], until_ns);
    }
}

static bool are_numbers(uint32_t process, uint32_t identity)
{
    return process >= 1 && process <= COMMONS_PROCESSES && identity >= 1 && identity <= COMMONS_IDENTITIES;
}

void commons_sent(struct commons *c, uint32_t process, uint32_t identity, uint64_t now_ns)
{
    if (!are_numbers(process, identity))
        return;
    struct hearsay *sent = &c->identities[identity - 1].sent;
    join_hearsay(sent, &c->processes[process - 1].heard);
    raise_to(&sent->until_ns[process % COMMONS_HEARSAY], now_ns);
    relaxed_store(&c->identities[identity - 1].hands_over, 1);
}

bool commons_heard(struct commons *c, uint32_t process, uint32_t identity)
{
    if (!are_numbers(process, identity) || relaxed_load(&c->identities[identity - 1].hands_over) == 0)
        return false;
    join_hearsay(&c->processes[process - 1].heard, &c->identities[identity - 1].sent);
    return true;
}

void commons_inherit(struct commons *c, uint32_t child, uint64_t parent)
{
    if (parent >= 1 && parent <= COMMONS_PROCESSES)
        join_hearsay(&c->processes[child - 1].heard, &c->processes[parent - 1].heard);
}

uint64_t commons_heard_until(const struct commons *c, uint32_t process, uint32_t of)
{
    return relaxed_load(&c->processes[process - 1].heard.until_ns[of % COMMONS_HEARSAY]);
}

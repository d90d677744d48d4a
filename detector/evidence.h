/* evidence.h: gathers the parties of a finding and hands it to the host, once.
 *
 *   engine --begin, party, held, send--> [said before?] --no--> host->report()
 *
 * Model:     a misuse is the same when its kind and the stacks of its parties are; deadlocks are told apart by their
 *            waits (registry.h), lock-order cycles by lock_order.h, and are not filtered here.
 * Threads:   an evidence belongs to one thread.  evidence_send() is called with no rank held.
 * Memory:    copies live in memory of the host until send; without memory a party has no held locks to show.
 */
#ifndef LOCKHOUND_DETECTOR_EVIDENCE_H
#define LOCKHOUND_DETECTOR_EVIDENCE_H

#include "detector/state.h"

#define EVIDENCE_PARTIES 4

struct evidence_memory;

struct evidence {
    struct detector *d;
    struct finding finding;
    struct finding_party *parties;
    size_t capacity;
    struct evidence_memory *memory;
    struct finding_party first[EVIDENCE_PARTIES];
    struct finding_party nowhere; /* takes what there was no memory for */
};

void evidence_begin(struct evidence *e, struct detector *d, enum finding_kind kind, const char *detail);
/* Returns: the new party, to be filled in before the next one is added. */
struct finding_party *evidence_party(struct evidence *e, enum party_role role, struct thread_id thread,
                                     struct stack_id stack);
/* The thread whose call revealed it, with `o` (may be NULL) and all it holds. */
struct finding_party *evidence_actor(struct evidence *e, struct thread *t, const struct object *o, struct stack_id at);
/* Who holds `o` exclusively now, when that is known. */
void evidence_holder(struct evidence *e, const struct object *o);
void evidence_object(struct finding_party *party, const struct object *o, enum lock_mode mode);
/* The party gets a copy of what is held, valid until the evidence is sent or discarded. */
void evidence_held(struct evidence *e, struct finding_party *party, const struct held_set *held);
/* Reports it, unless its kind is off or it was said before, and frees everything. */
void evidence_send(struct evidence *e);
void evidence_discard(struct evidence *e);

/* Keeps a deep copy of a finding that is borrowed, to be sent later. */
void evidence_copy(struct evidence *e, struct detector *d, const struct finding *finding);

void said_set_delete(struct detector *d);

#endif

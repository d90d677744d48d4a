/* resolve.h: completes a decoded finding: names for its frames and objects, its sentence, its fingerprint.
 *
 *   decoded finding --> stacks get functions --> objects get names --> message --> fingerprint
 *
 * Fingerprint: 64-bit FNV-1a over kind, form and, for each party, role, object and the names of the innermost three
 * user functions (module + offset only where there is no symbol).  Parties are sorted, for which thread came first is
 * chance.  Of a race's sides it does not count who read and who wrote: of two increments either may be met first.  No address, line, thread name, index or count goes in: it survives rebuilds, shifted lines, address
 * randomisation and another order of detection. Test:      tests/unit/test_report_fingerprint.c, tests/programs/cli.
 */
#ifndef LOCKHOUND_REPORT_RESOLVE_H
#define LOCKHOUND_REPORT_RESOLVE_H

#include "report/symbols.h"

void finding_resolve(struct run_finding *finding, struct symbols *symbols);

/* The same for one stack or object outside a finding.  Owns: `pool`. */
void stack_resolve(struct run_stack *stack, struct pool *pool, struct symbols *symbols);
void object_resolve(struct run_object *object, struct pool *pool, struct symbols *symbols);

/* message.c: the one sentence that says what happened.  Owns: the finding's pool. */
const char *finding_message(struct run_finding *finding);
/* message.c: the one that says what the later side of a race last knew of the earlier one; "" when nothing is said.
 * Owns: the finding's pool. */
const char *finding_heard_message(struct run_finding *finding);
/* verbs.c.  Returns: what the party does to its object: "wants", "waits for", "unlocks", ... */
const char *party_verb(const struct run_finding *finding, const struct run_party *party);
/* verbs.c: adds how much this side of a race touches: "4 bytes", "1 byte", "" when that is not known. */
void party_add_size(struct buffer *out, const struct run_party *party);
/* verbs.c.  Returns: " of ", or " that include " where the name is that of a part of what is touched. */
const char *party_size_word(const struct run_party *party);
/* verbs.c: adds the function of the C++ library through which the user's line made the access, without what its templates were
 * made for: `std::vector::push_back`.  Returns: false when the line made it itself. */
bool party_add_library(struct buffer *out, const struct run_party *party);
/* Returns: true when both sides of a race may be atomic accesses in the source. */
bool finding_is_guess(const struct run_finding *finding);
/* Returns: true when the two sides of a race were ordered by locks alone in this run. */
bool finding_is_hidden(const struct run_finding *finding);
/* Which side of a race gave the memory back.  Returns: FREED_NOT for all that is no race on a block. */
enum freed { FREED_NOT, FREED_BEFORE, FREED_AFTER, FREED_TWICE };
enum freed finding_freed(const struct run_finding *finding);
/* verbs.c: why a race may be none, and what makes it worse, in a sentence each.  Returns: how many there are. */
enum { CAVEATS_MOST = 3 };
size_t finding_caveats(const struct run_finding *finding, const char *caveats[CAVEATS_MOST]);
/* Returns: true when the party is of a thread that ended with a lock that others sleep for. */
bool party_has_ended(const struct run_finding *finding, const struct run_party *party);
/* Returns: true when the party's stack is where it took its object. */
bool party_is_holder(const struct run_party *party);
/* Returns: true for a read-write lock that is held for reading. */
bool held_is_read(const struct run_held *held);
/* verbs.c.  Returns: true when it should be said that libc made the access: what it is about does not say so by itself. */
bool party_is_by_libc(const struct run_party *party);
/* verbs.c.  Returns: words after "is" for what is no memory of the program's: "a socket". */
const char *object_account(const struct run_object *object);
/* verbs.c.  Returns: "initialised", "allocated" or "opened". */
const char *object_origin_verb(const struct run_object *object);
/* remedy.c.  Returns: what usually mends it, or NULL. */
const char *finding_remedy(const struct run_finding *finding);
/* Returns: true when another part of the report says all of it. */
bool party_is_repeat(const struct run_finding *finding, const struct run_party *party);
/* alike.c.  Returns: true for an object that a party is about, and that is no thread or process. */
bool finding_shows_object(const struct run_finding *finding, const struct run_object *object);
/* alike.c.  Returns: the first one that is shown, or created, before with the same stack; or NULL. */
const struct run_object *object_made_alike(const struct run_finding *finding, const struct run_object *object);
const struct run_thread *thread_created_alike(const struct run_finding *finding, const struct run_thread *thread);
/* fingerprint.c: sets finding->fingerprint, finding->places and finding->circle; the finding is resolved. */
void finding_fingerprint(struct run_finding *finding);

/* Calls `visit` for each stack of the finding's own: parties, held locks, initialisations, thread creations. */
void finding_visit_stacks(const struct run_finding *finding, void (*visit)(void *ctx, struct run_stack *stack),
                          void *ctx);

/* Returns: true when frame `i`, between frames of the user's, is the runtime's and not worth a line: lockhound's own, or one
 * beside such a one (a signal's delivery). */
bool stack_is_folded(const struct run_stack *stack, size_t i);
/* Returns: true when frame `i`, or one that is folded between it and the frame shown before, was interrupted by a signal, whose
 * handler is that frame before, or has left none. */
bool stack_follows_handler(const struct run_stack *stack, size_t i);
/* What stands between the two, as gdb has it. */
#define STACK_SIGNAL_MARK "<signal handler called>"

#endif

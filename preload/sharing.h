/* sharing.h: locks that other processes may hold: what this process tells the others of them, and what it finds with them.
 *
 *   lock of a shared mapping --kind, device, inode, offset--> identity --+
 *   range of a file          --device, inode, start-----------------------+--> held set of the thread
 *                                                                                  |
 *       request, block --known nesting, nobody new: two loads-------------+        |
 *                      \--else--> [commons, under their lock] <-----------|--------+
 *                                        |
 *                                        +--> circle over processes --> sink
 *
 * Model:     an identity is asked for once and kept in the object (`common`).  What is shared by its attributes but lies
 *            in private memory is private; what cannot be named is SHARING_NOTHING and costs one comparison from then on.
 * Private:   an object without OBJECT_ALERT_SHARED costs one test of a word that the detector has just read, and another of
 *            the thread's.  Nested with one that is shared it is part of orders and circles, too.
 * Orders:    a post of a semaphore that is no lock, a signal and an arrival at a barrier come before the waits that end
 *            afterwards, in whichever process.
 * Rest:      waits for conditions, barriers and semaphores are part of no circle; sharing_rest.h looks at them.
 * Left out:  orders through two private locks, one nested in the other.
 * Threads:   a struct sharing_thread belongs to its thread alone.
 */
#ifndef LOCKHOUND_PRELOAD_SHARING_H
#define LOCKHOUND_PRELOAD_SHARING_H

#include <sys/types.h>

#include "detector/object.h"
#include "preload/self.h"

#define SHARING_NOTHING UINT32_MAX

/* Beyond the object kinds: a kind of identity each. */
enum { SHARING_FILE_RANGE = OBJECT_KIND_COUNT, SHARING_WHOLE_FILE, SHARING_PROCESS_END };

/* ---- by object: called only for one with OBJECT_ALERT_SHARED ---- */

/* Context of all: signal, in-malloc, may-block (100 ms), takes(OWN_RANK_COMMONS). */
void sharing_on_known(struct object *o);
void sharing_on_init(struct object *o);
void sharing_on_destroy(struct object *o);
void sharing_on_request(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at);
void sharing_on_acquired(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at);
void sharing_on_released(struct self *self, struct object *o);
void sharing_on_posted(struct self *self, struct object *o);
/* Back from a barrier. */
void sharing_on_heard(struct object *o);
/* About to wait for a condition, and back from it. */
void sharing_on_cond_wait(struct self *self, struct object *cond);
void sharing_on_cond_woken(struct self *self, struct object *cond, bool by_signal);
void sharing_on_signal(struct self *self, struct object *cond, bool is_broadcast);
void sharing_on_arrive(struct object *barrier);
void sharing_on_block(struct self *self, struct object *o, enum lock_mode mode, struct stack_id at);

/* ---- by object: one that is not shared ---- */

/* Context of all: signal, in-malloc, may-block (100 ms), takes(OWN_RANK_COMMONS). */
void sharing_request_private(struct self *self, const struct object *o, enum lock_mode mode, struct stack_id at);
void sharing_block_private(struct self *self, const struct object *o, enum lock_mode mode, struct stack_id at);
/* A semaphore has shown itself to be no lock. */
void sharing_private_no_lock(const struct object *o);

/* ---- by identity ---- */

/* A lock on a file, from `low` on: two ranges are one lock exactly when they begin at the same place. */
struct sharing_range {
    uint64_t kind; /* SHARING_FILE_RANGE, SHARING_WHOLE_FILE */
    uint64_t device, inode, low;
};

/* Returns: its identity, or 0; `path` names it in reports. */
uint32_t sharing_identify_range(const struct sharing_range *range, const char *path);
/* As sharing_acquired(); the hold ends, unseen, when `fd` is closed. */
void sharing_acquired_range(struct self *self, uint32_t identity, const struct sharing_range *range, int fd,
                            enum lock_mode mode, struct stack_id at);
/* Every lock of that kind and file that begins in [range->low, high) is released, whichever thread took it. */
void sharing_released_range(struct self *self, const struct sharing_range *range, uint64_t high);
void sharing_request(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at);
void sharing_acquired(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at);
void sharing_released(struct self *self, uint32_t identity);
void sharing_block(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at);
void sharing_unblock(struct self *self);
/* Something was handed over between processes: nestings are to be compared anew.  Context: signal, in-malloc. */
void sharing_note_hand_over(void);
#define SHARING_ANY_CHILD (-1)
/* About to wait, without a limit, for the process or any child to end (sharing_end.h).  Returns: true when sharing_unblock() must
 * follow.  Costs a look when nothing is shared. */
bool sharing_block_end(struct self *self, pid_t pid, struct stack_id at);

/* ---- life ---- */

/* Forgets what the thread holds: it has ended, or is now the only one of a forked child. */
void sharing_forget_thread(struct self *self);

static inline bool sharing_concerns(const struct object *o)
{
    return __builtin_expect(object_alert_any(o, OBJECT_ALERT_SHARED), 0);
}

#endif

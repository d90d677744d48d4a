#include "preload/sharing.h"

#include "detector/thread.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/lockhound.h"
#include "preload/sharing_end.h"
#include "preload/sharing_held.h"
#include "preload/sharing_party.h"
#include "preload/sharing_report.h"
#include "preload/sharing_rest.h"

enum { COMPARED_AGAIN_NS = 5000000 };

/* Hand-overs that this process took part in: what came before them counts as ordered, so nestings are compared anew. */
static _Atomic uint32_t hand_overs;

void sharing_note_hand_over(void)
{
    atomic_fetch_add_explicit(&hand_overs, 1, memory_order_relaxed); /* read to see whether it has changed */
}

static struct sharing_wish wish_of(const struct commons *c, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    const struct commons_lock lock = {identity, commons_generation(c, identity), mode == LOCK_SHARED, 0};
    return (struct sharing_wish){.lock = lock, .mode = mode, .at = at};
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static uint64_t nesting_key(const struct self *self, const struct sharing_wish *wish)
{
    const struct sharing_thread *s = self->sharing;
    uint64_t chain = chain_next(self->thread->seat->held.chain, wish->lock.identity, wish->mode);
    chain = wish->object == NULL ? chain_next(chain, wish->lock.generation, wish->mode)
                                 : chain_next(chain, relaxed_load(&wish->object->id), wish->mode);
    for (uint32_t i = 0; i < s->held_count; i++) {
        chain = chain_next(chain, s->held[i].identity, s->held[i].mode);
        chain = chain_next(chain, s->held[i].generation, s->held[i].mode);
    }
    return chain;
}

__attribute__((noinline)) static void compare(struct self *self, struct commons *c, const struct sharing_wish *wish)
{
    struct commons_party party;
    struct commons_circle circle;
    if (!commons_file_enter(c))
        return;
    bool is_circle = sharing_party_describe(c, self, wish, &party) && party.held_count > 0 &&
                     commons_request(c, &party, commons_file_host(), &circle);
    struct shared_finding *finding = is_circle ? sharing_report_gather(c, FINDING_LOCK_ORDER_INVERSION, &circle) : NULL;
    commons_file_leave(c);
    sharing_report_send(finding);
}

/* Returns: true when every process that is there has been compared with this nesting, or compares itself; where processes come
 * and go by the hundred, a later occurrence will do. */
static bool is_known(struct self *self, const struct commons *c, const struct sharing_wish *wish)
{
    uint64_t key = nesting_key(self, wish), epoch = self->thread->handover.epoch;
    uint32_t births = commons_births(c), handed_over = relaxed_load(&hand_overs);
    struct known_nesting *known = &self->sharing->known[key % KNOWN_NESTINGS];
    if (known->key == key && known->births == births && known->hand_overs == handed_over && known->epoch == epoch)
        return true;
    uint64_t now_ns = clock_monotonic_ns();
    if (known->key == key && now_ns - known->compared_ns < COMPARED_AGAIN_NS)
        return true;
    *known = (struct known_nesting){key, births, handed_over, epoch, now_ns};
    return false;
}

static bool orders_are_looked_at(void)
{
    return lockhound.options.checks[FINDING_LOCK_ORDER_INVERSION];
}

void sharing_request(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    bool holds_private = self->thread->seat->held.ordered > 0;
    if (!orders_are_looked_at() || (!holds_private && (self->sharing == NULL || self->sharing->held_count == 0)))
        return;
    struct sharing_thread *s = sharing_held_of(self);
    struct commons *c = commons_file_open();
    if (s == NULL || c == NULL)
        return;
    sharing_held_drop_closed(s);
    if ((!holds_private && s->held_count == 0) || commons_is_no_lock(c, identity) ||
        sharing_held_find(s, identity) != NULL)
        return;
    const struct sharing_wish wish = wish_of(c, identity, mode, at);
    if (!is_known(self, c, &wish))
        compare(self, c, &wish);
}

void sharing_request_private(struct self *self, const struct object *o, enum lock_mode mode, struct stack_id at)
{
    struct sharing_thread *s = self->sharing;
    struct commons *c = commons_file_opened();
    if (s == NULL || s->held_count == 0 || c == NULL || !orders_are_looked_at())
        return;
    sharing_held_drop_closed(s);
    if (s->held_count == 0 || !sharing_party_is_private(o, false) || held_find(&self->thread->seat->held, o) != NULL)
        return;
    const struct sharing_wish wish = {.object = o, .mode = mode, .at = at};
    if (!is_known(self, c, &wish))
        compare(self, c, &wish);
}

void sharing_private_no_lock(const struct object *o)
{
    struct commons *c = commons_file_opened();
    if (c == NULL || !commons_file_enter(c))
        return;
    const struct commons_key key = sharing_party_key(o);
    commons_set_no_lock(c, commons_find_private(c, &key));
    commons_file_leave(c);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static void fall_asleep(struct self *self, struct commons *c, struct sharing_wish wish, bool is_awaited)
{
    struct sharing_thread *s = sharing_held_of(self);
    struct commons_party party;
    struct commons_circle circle;
    if (s == NULL || !commons_file_enter(c))
        return;
    wish.is_wait = true;
    bool is_told = sharing_party_describe(c, self, &wish, &party);
    if (is_told)
        sharing_end_complete(c, &party, is_awaited);
    bool is_circle =
        is_told && party.held_count > 0 && commons_asleep(c, &party, commons_file_host(), &s->sleeper, &circle);
    commons_file_leave(c);
    if (!is_circle || !sharing_end_is_lasting(c, &circle) || !commons_file_enter(c))
        return;
    struct shared_finding *finding = sharing_report_gather(c, FINDING_DEADLOCK, &circle);
    commons_file_leave(c);
    sharing_report_send(finding);
}

/* Returns: true when nobody can wait for what this thread holds. */
static bool is_idle(const struct self *self)
{
    return (self->sharing == NULL || self->sharing->held_count == 0) && held_count(&self->thread->seat->held) == 0;
}

void sharing_block(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    struct commons *c = commons_file_open();
    if (self->sharing != NULL)
        sharing_held_drop_closed(self->sharing);
    if (c == NULL || !lockhound.options.checks[FINDING_DEADLOCK] || commons_is_no_lock(c, identity))
        return;
    bool is_awaited = sharing_end_is_awaited(c);
    if (is_awaited || !is_idle(self))
        fall_asleep(self, c, wish_of(c, identity, mode, at), is_awaited);
}

void sharing_block_private(struct self *self, const struct object *o, enum lock_mode mode, struct stack_id at)
{
    struct commons *c = commons_file_opened();
    if (c == NULL || !lockhound.options.checks[FINDING_DEADLOCK] || !sharing_party_is_private(o, true))
        return;
    if (self->sharing != NULL)
        sharing_held_drop_closed(self->sharing);
    if (!is_idle(self))
        fall_asleep(self, c, (struct sharing_wish){.object = o, .mode = mode, .at = at}, false);
}

/* Returns: whose end `pid` stands for; identity 0 when that process has ended. */
static struct commons_lock end_of(pid_t pid)
{
    if (pid == SHARING_ANY_CHILD)
        return (struct commons_lock){.identity = COMMONS_ANY_END};
    return sharing_end_of(pid);
}

bool sharing_block_end(struct self *self, pid_t pid, struct stack_id at)
{
    struct commons *c = commons_file_opened();
    if (self->sharing != NULL)
        sharing_held_drop_closed(self->sharing);
    if (c == NULL || !lockhound.options.checks[FINDING_DEADLOCK] || !sharing_end_is_stuck())
        return false;
    bool is_awaited = sharing_end_is_awaited(c);
    struct commons_lock end = end_of(pid);
    if (end.identity == 0)
        return false;
    if (pid != SHARING_ANY_CHILD && (!is_idle(self) || is_awaited))
        fall_asleep(self, c, (struct sharing_wish){.lock = end, .at = at}, is_awaited);
    sharing_rest_for_end(self, end, at);
    return true;
}

void sharing_unblock(struct self *self)
{
    sharing_rest_woke();
    struct sharing_thread *s = self->sharing;
    struct commons *c = commons_file_open();
    if (s == NULL || s->sleeper == 0 || c == NULL)
        return;
    commons_awake(c, s->sleeper);
    s->sleeper = 0;
}

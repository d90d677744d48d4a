#include "detector/event_player.h"

enum { THREADS_PER_BLOCK = 32 };

struct event_player *event_player_new(struct detector *detector, const struct detector_host *host)
{
    struct event_player *player = host->alloc(host->ctx, sizeof *player);
    if (!player)
        return NULL;
    player->detector = detector;
    player->host = host;
    hash_table_init(&player->labels, host);
    hash_table_init(&player->destroyed, host);
    pool_init(&player->threads, host, sizeof(struct player_thread), THREADS_PER_BLOCK);
    return player;
}

void event_player_delete(struct event_player *player)
{
    const struct detector_host *host = player->host;
    for (struct player_thread *t = player->first; t; t = t->next)
        event_forget_thread(player, t);
    hash_table_release(&player->labels);
    hash_table_release(&player->destroyed);
    pool_release(&player->threads);
    host->free(host->ctx, player, sizeof *player);
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

static struct object_traits event_traits(const struct event *event)
{
    uint32_t flags = event->flags;
    enum mutex_type type = flags & EVENT_RECURSIVE    ? MUTEX_RECURSIVE
                           : flags & EVENT_ERRORCHECK ? MUTEX_ERRORCHECK
                           : flags & EVENT_ADAPTIVE   ? MUTEX_ADAPTIVE
                                                      : MUTEX_NORMAL;
    return (struct object_traits){
        .type = type,
        .robust = flags & EVENT_ROBUST,
        .process_shared = flags & EVENT_PROCESS_SHARED,
        .prefers_writers = flags & EVENT_PREFERS_WRITERS,
        .is_static = flags & EVENT_STATIC,
        .schedules = flags & EVENT_SCHEDULES,
        .was_initialised = true,
        .count = event->count,
    };
}

static uint64_t address_hash(uint64_t address)
{
    return hash_mix(1, address); /* invertible, so the hash alone tells addresses apart */
}

static bool is_destroyed(const struct event_player *player, uint64_t address)
{
    return hash_table_find(&player->destroyed, address_hash(address), NULL, NULL) != NULL;
}

/* Without memory a use after the destruction goes unnoticed. */
static void note_destroyed(struct event_player *player, uint64_t address, bool destroyed)
{
    if (destroyed && !is_destroyed(player, address))
        hash_table_insert(&player->destroyed, address_hash(address), player);
    else if (!destroyed)
        hash_table_remove(&player->destroyed, address_hash(address), player);
}

/* Traits of an object met without its initialisation. */
static struct object_traits adopted_traits(const struct act *act, uint64_t address)
{
    return (struct object_traits){
        .is_static = act->event->flags & EVENT_STATIC,
        .was_initialised = !is_destroyed(act->player, address),
        .count = act->event->count,
    };
}

/* Returns: the object at `address`, adopted as `kind` when it is new, or NULL when it cannot be used as one. */
static struct object *find_object(struct act *act, uint64_t address, enum object_kind kind)
{
    struct object *object = object_find(act->detector, address);
    bool fits = object && object_check_kind(act->detector, act->thread, object, kind, act->at);
    if (fits || (object && act->event->flags & EVENT_STATIC))
        return fits ? object : NULL;
    const struct object_traits traits = adopted_traits(act, address);
    return object_adopt(act->detector, act->thread, kind, address, &traits, act->at);
}

/* A lock is whatever lives there; new ones are what the event says or looks like. */
static struct object *find_lock(struct act *act)
{
    const struct event *event = act->event;
    struct object *object = object_find(act->detector, event->object);
    if (object && !(event->flags & EVENT_HAS_KIND))
        return object;
    enum object_kind kind = event->flags & EVENT_HAS_KIND ? event->object_kind
                            : event->flags & EVENT_SHARED ? OBJECT_RWLOCK
                                                          : OBJECT_MUTEX;
    return find_object(act, event->object, kind);
}

static void destroy_object(struct act *act, enum object_kind kind)
{
    uint64_t address = act->event->object;
    struct object *object = object_find(act->detector, address);
    if (!object) {
        const struct object_traits traits = adopted_traits(act, address);
        object = object_adopt(act->detector, act->thread, kind, address, &traits, act->at);
    }
    if (object)
        object_destroy(act->detector, act->thread, object, act->at);
    if (act->event->flags & EVENT_STATIC)
        note_destroyed(act->player, address, true);
}

static enum event_status apply_to_life(struct act *act)
{
    const struct event *event = act->event;
    const struct object_traits traits = event_traits(event);
    enum object_kind kind = event->flags & EVENT_HAS_KIND ? event->object_kind : OBJECT_MUTEX;
    if (event->kind == EVENT_DESTROY) {
        destroy_object(act, kind);
        return EVENT_APPLIED;
    }
    note_destroyed(act->player, event->object, false);
    if (event->kind == EVENT_INIT)
        object_init(act->detector, act->thread, kind, event->object, &traits, act->at);
    else
        object_range_gone(act->detector, act->thread, event->object, event->object + (event->size ? event->size : 1),
                          event->kind == EVENT_FREE, act->at);
    return EVENT_APPLIED;
}

/* ---- locks ------------------------------------------------------------------------------------------------------ */

static enum lock_mode event_mode(const struct event *event)
{
    return event->flags & EVENT_SHARED ? LOCK_SHARED : LOCK_EXCLUSIVE;
}

static void wake(struct act *act)
{
    if (!act->actor->is_asleep)
        return;
    act->actor->is_asleep = false;
    detector_unblock(act->detector, act->thread);
}

/* Asks for the lock or semaphore unless that was an event of its own. */
static void request(struct act *act, struct object *object, bool is_semaphore)
{
    const struct event *event = act->event;
    bool is_timed = event->flags & EVENT_TIMED;
    if (act->actor->requested == event->object)
        return;
    act->actor->requested = event->object;
    if (is_semaphore)
        detector_sem_request(act->detector, act->thread, object, is_timed, act->at);
    else
        detector_lock_request(act->detector, act->thread, object, event_mode(event), is_timed, act->at);
}

static void sleep_on(struct act *act, struct object *object)
{
    const struct event *event = act->event;
    enum object_kind kind = event->flags & EVENT_HAS_KIND ? event->object_kind : OBJECT_MUTEX;
    if (kind == OBJECT_SEMAPHORE || kind == OBJECT_MUTEX || kind == OBJECT_RWLOCK || kind == OBJECT_SPINLOCK)
        request(act, object, kind == OBJECT_SEMAPHORE);
    act->actor->is_asleep = true;
    detector_block(act->detector, act->thread, object, event_mode(event), event->flags & EVENT_TIMED, act->at);
}

static enum event_status apply_to_lock(struct act *act)
{
    const struct event *event = act->event;
    struct object *object = find_lock(act);
    if (!object)
        return EVENT_APPLIED;
    switch (event->kind) {
    case EVENT_REQUEST:
        request(act, object, false);
        break;
    case EVENT_ACQUIRE:
        if (!(event->flags & EVENT_TRY))
            request(act, object, false);
        wake(act);
        act->actor->requested = 0;
        detector_lock_acquired(act->detector, act->thread, object, event_mode(event), event->flags & EVENT_OWNER_DIED,
                               act->at);
        break;
    case EVENT_RELEASE:
        detector_lock_released(act->detector, act->thread, object, act->at);
        break;
    case EVENT_UNRELEASE:
        detector_lock_unrelease(act->detector, act->thread, object);
        break;
    case EVENT_CONSISTENT:
        detector_mutex_consistent(act->detector, act->thread, object);
        break;
    default:
        sleep_on(act, object);
    }
    return EVENT_APPLIED;
}

/* ---- everything else -------------------------------------------------------------------------------------------- */

static enum event_status apply_to_cond(struct act *act)
{
    const struct event *event = act->event;
    struct object *cond = find_object(act, event->object, OBJECT_COND);
    struct object *mutex = NULL;
    if (event_rules[event->kind].operand == OPERAND_OBJECT_AND_MUTEX) {
        mutex = find_object(act, event->mutex, OBJECT_MUTEX);
        if (!mutex)
            return EVENT_APPLIED;
    }
    if (!cond)
        return EVENT_APPLIED;
    if (event->kind == EVENT_COND_WAIT)
        detector_cond_wait(act->detector, act->thread, cond, mutex, event->flags & EVENT_TIMED, act->at);
    else if (event->kind == EVENT_COND_WOKEN)
        detector_cond_woken(act->detector, act->thread, cond, mutex, !(event->flags & EVENT_TIMEOUT),
                            event->flags & EVENT_OWNER_DIED, act->at);
    else
        detector_cond_signal(act->detector, act->thread, cond, event->kind == EVENT_COND_BROADCAST, act->at);
    return EVENT_APPLIED;
}

static enum event_status apply_to_semaphore(struct act *act)
{
    const struct event *event = act->event;
    struct object *semaphore = find_object(act, event->object, OBJECT_SEMAPHORE);
    if (!semaphore)
        return EVENT_APPLIED;
    if (event->kind == EVENT_SEM_POST) {
        detector_sem_post(act->detector, act->thread, semaphore, event->flags & EVENT_OVERFLOW, act->at);
        return EVENT_APPLIED;
    }
    if (event->kind == EVENT_SEM_SCOPED) {
        detector_sem_scoped(act->detector, act->thread, semaphore);
        return EVENT_APPLIED;
    }
    if (!(event->flags & EVENT_TRY))
        request(act, semaphore, true);
    if (event->kind == EVENT_SEM_ACQUIRE) {
        wake(act);
        act->actor->requested = 0;
        detector_sem_acquired(act->detector, act->thread, semaphore, act->at);
    }
    return EVENT_APPLIED;
}

static enum event_status apply_to_barrier(struct act *act)
{
    struct object *barrier = find_object(act, act->event->object, OBJECT_BARRIER);
    if (!barrier)
        return EVENT_APPLIED;
    if (act->event->kind == EVENT_BARRIER_ARRIVE) {
        detector_barrier_arrive(act->detector, act->thread, barrier, act->at);
    } else {
        wake(act);
        detector_barrier_leave(act->detector, act->thread, barrier);
    }
    return EVENT_APPLIED;
}

static enum event_status apply_to_once(struct act *act)
{
    struct object *once = find_object(act, act->event->object, OBJECT_ONCE);
    if (!once)
        return EVENT_APPLIED;
    if (act->event->kind == EVENT_ONCE_BEGIN) {
        detector_once_begin(act->detector, act->thread, once, act->at);
    } else if (act->event->kind == EVENT_ONCE_DONE) {
        detector_once_done(act->detector, act->thread, once, act->event->flags & EVENT_ABORTED);
    } else {
        wake(act);
        detector_once_passed(act->detector, act->thread, once);
    }
    return EVENT_APPLIED;
}

static enum event_status apply_to_channel(struct act *act)
{
    struct object *channel = find_object(act, act->event->object, OBJECT_FUTEX);
    if (!channel)
        return EVENT_APPLIED;
    if (act->event->kind == EVENT_CHANNEL_SEND) {
        detector_channel_send(act->detector, act->thread, channel);
    } else {
        wake(act);
        detector_channel_receive(act->detector, act->thread, channel);
    }
    return EVENT_APPLIED;
}

/* Events that concern the actor alone. */
static enum event_status apply_to_actor(struct act *act)
{
    switch (act->event->kind) {
    case EVENT_START:
        break;
    case EVENT_EXIT:
        event_end_thread(act->player, act->actor, act->at);
        break;
    case EVENT_QUIT:
        detector_process_end(act->detector, act->thread);
        break;
    case EVENT_CHILD:
        event_become_child(act);
        break;
    case EVENT_AWAKE:
        wake(act);
        act->actor->requested = 0;
        break;
    case EVENT_BLOCKING_CALL:
        detector_blocking_call(act->detector, act->thread, "a call that may block", act->at);
        break;
    case EVENT_SIGNAL_ENTER:
        detector_signal_enter(act->detector, act->thread, (int)act->event->object);
        break;
    case EVENT_SIGNAL_LEAVE:
        detector_signal_leave(act->detector, act->thread);
        break;
    case EVENT_HANDLERS:
        detector_set_handlers_installed(act->detector, (enum signal_handlers)act->event->object);
        break;
    default:
        return EVENT_IGNORED;
    }
    return EVENT_APPLIED;
}

static enum event_status dispatch(struct act *act)
{
    switch (act->event->kind) {
    case EVENT_REQUEST:
    case EVENT_ACQUIRE:
    case EVENT_RELEASE:
    case EVENT_UNRELEASE:
    case EVENT_CONSISTENT:
    case EVENT_SLEEP:
        return apply_to_lock(act);
    case EVENT_FORK:
    case EVENT_JOIN:
    case EVENT_JOIN_REQUEST:
    case EVENT_JOIN_FAILED:
    case EVENT_DETACH:
        return event_apply_to_thread(act);
    case EVENT_INIT:
    case EVENT_DESTROY:
    case EVENT_FREE:
    case EVENT_UNMAP:
        return apply_to_life(act);
    case EVENT_COND_WAIT:
    case EVENT_COND_WOKEN:
    case EVENT_COND_SIGNAL:
    case EVENT_COND_BROADCAST:
        return apply_to_cond(act);
    case EVENT_SEM_REQUEST:
    case EVENT_SEM_ACQUIRE:
    case EVENT_SEM_POST:
    case EVENT_SEM_SCOPED:
        return apply_to_semaphore(act);
    case EVENT_BARRIER_ARRIVE:
    case EVENT_BARRIER_LEAVE:
        return apply_to_barrier(act);
    case EVENT_ONCE_BEGIN:
    case EVENT_ONCE_DONE:
    case EVENT_ONCE_PASSED:
        return apply_to_once(act);
    case EVENT_CHANNEL_SEND:
    case EVENT_CHANNEL_RECEIVE:
        return apply_to_channel(act);
    default:
        return apply_to_actor(act);
    }
}

enum event_status event_apply(struct event_player *player, const struct event *event)
{
    enum event_status status;
    struct player_thread *actor = event_find_actor(player, event, &status);
    if (!actor)
        return status;
    struct act act = {player, player->detector, event, actor, actor->thread, event->at};
    return dispatch(&act);
}
